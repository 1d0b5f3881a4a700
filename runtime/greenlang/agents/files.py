"""Data files that packs bring: known by path and origin, read when they are needed."""

from __future__ import annotations

__all__ = ["FactorFile", "PackFile"]

from dataclasses import dataclass
from pathlib import Path

from greenlang.agents.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """A text file of a pack.

    Raises
    ------
    InputError
        From `read`, where the file is missing, no text or too large.
    """

    path: Path
    #: Name of the distribution; the registry fills it in for what a hook gives.
    pack: str = ""

    def read(self) -> Resource:
        """The file's text, under its own name."""
        return Resource.load(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorFile(PackFile):
    """A file of emission factors: one edition of one dataset."""

    dataset: str
    edition: str
    licence: str
    citation: str
