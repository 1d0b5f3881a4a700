"""Whether a figure may be what it is, given what it was: the part of the guard that only reckons."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .rows import Row

#: A cost may grow by so much before it is a regression.
TOLERANCE = 0.15

HEADINGS = ("table", "row", "before", "now", "allowed", "")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A figure that was written down."""

    figure: float
    #: The target that it missed when it was written down, which is known and may not get worse; else None.
    misses: float | None = None


@dataclass(slots=True)
class Case:
    """A row, what it was, and what it is measured to be now."""

    table: str
    row: Row
    recorded: Recorded | None
    #: Its figure at the commit before, on this machine; None if it was not measured there.
    parent: float | None
    #: All that was measured, in turn.
    figures: list[float] = field(default_factory=list)

    @property
    def now(self) -> float:
        """The best of all measurements, as each may be spoilt by others at work."""
        return min(self.figures, key=self.row.cost)

    @property
    def before(self) -> float | None:
        """What it is compared with: the commit before tells more than what was written down some time ago."""
        if self.parent is not None:
            return self.parent
        return self.recorded.figure if self.recorded else None

    @property
    def known_miss(self) -> bool:
        return self.recorded is not None and self.recorded.misses is not None

    @property
    def allowed_cost(self) -> float:
        """The highest cost that passes.

        That is the target, unless it is known to be missed; and no more than the tolerance over the recorded
        figure and over the parent's. Both, because many small steps down are a long way.
        """
        bounds = [] if self.known_miss else [self.row.cost(self.row.target)]
        if self.recorded and (self.row.comparable or self.known_miss):
            bounds.append(self.row.cost(self.recorded.figure) * (1 + TOLERANCE))
        if self.parent is not None and self.row.comparable:
            bounds.append(self.row.cost(self.parent) * (1 + TOLERANCE))
        return min(bounds)

    @property
    def passes(self) -> bool:
        return self.row.cost(self.now) <= self.allowed_cost

    @property
    def verdict(self) -> str:
        if not self.passes:
            return "FAIL"
        if not self.known_miss:
            return "pass"
        return "known miss" if not self.row.meets_target(self.now) else "no longer missed: record it"

    def to_record(self) -> Recorded:
        """The middle of all measurements, to be written down: the best would be hard to meet again."""
        figure = statistics.median_low(self.figures)
        return Recorded(figure, None if self.row.meets_target(figure) else self.row.target)


def table_of(cases: Iterable[Case]) -> str:
    """A line for each case: row, before, now, allowed."""
    lines: list[Sequence[str]] = [HEADINGS]
    for case in cases:
        figures = (case.before, case.now, case.row.cost(case.allowed_cost))
        shown = ["-" if figure is None else case.row.shown(figure) for figure in figures]
        bound = f"{'>=' if case.row.at_least else '<='} {shown[2]}"
        lines.append((case.table, case.row.name, *shown[:2], bound, case.verdict))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number in {2, 3, 4} else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
