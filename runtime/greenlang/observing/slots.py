"""What several processes on one port have counted: each writes its own down, and whoever is asked adds up.

Whichever of them a scrape reaches, it tells the sum. Each process has a slot, a file in a folder of theirs,
and one that is started for a process that died goes on from that one's counts: a sum never falls, so that no
rate is ever taken for the whole of what was counted. Nothing is written while requests are counted.
"""

from __future__ import annotations

__all__ = ["Slot"]

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from greenlang.observing.counts import Snapshot

_log = logging.getLogger("greenlang.observing")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode


@dataclass(frozen=True, slots=True)
class Slot:
    """One process' place among those that share a port."""

    folder: Path
    number: int

    def write(self, counted: Snapshot) -> None:
        """Let the others see what was counted, whole or not at all."""
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_bytes(_encode(counted))
            fresh.replace(self._file)
        except OSError as error:
            _log.warning("what this process counts is not shared: %s", error)

    def read(self) -> Snapshot | None:
        """What was counted here last, by this process or by the one before it; None if nothing was."""
        return _read(self._file)

    def others(self) -> Iterator[Snapshot]:
        """What the other processes counted."""
        for file in sorted(self.folder.glob("*.counts")):
            if file != self._file and (counted := _read(file)) is not None:
                yield counted

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.number}.counts"


def _read(file: Path) -> Snapshot | None:
    try:
        return _decode(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("what %s holds of counts is not read: %s", os.fspath(file.name), error)
        return None
