"""What verification found, in words."""

from __future__ import annotations

__all__ = ["Finding", "first_findings"]

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

#: Findings listed of one kind; a file shifted by a row has as many as rows.
LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold."""

    #: `record.gwp_set`, `output row 7 ('A-6')`, `factors[3]`.
    place: str
    #: What is the matter with it, as the rest of a sentence: `was changed`.
    message: str

    def text(self) -> str:
        """The sentence."""
        return f"{self.place} {self.message}"


def first_findings(place: str, findings: Iterable[Finding]) -> list[Finding]:
    """The first of them, and how many more there are."""
    waiting = iter(findings)
    listed = list(islice(waiting, LISTED))
    more = sum(1 for _ in waiting)
    return [*listed, Finding(place, f"has {more:,} more findings like these")] if more else listed
