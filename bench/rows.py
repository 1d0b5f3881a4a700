"""A row of a speed table: what is measured, against what, and how dear it may be.

Rows are kept in modules of their own subject, each with a list `ROWS`; `speed_tables` says which modules make
which table. What prints a table, what asv tracks and what guards a change all read the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure whose best is low, unless it says otherwise; it passes at or under its `target`."""

    #: Unlike that of any other row of its table.
    name: str
    #: What the figure is a ratio to, or over; in words.
    reference: str
    target: float
    measure: Callable[[], float]
    #: "x" for a ratio, else the unit of the figure.
    unit: str = "x"
    #: Whether the best is high: it passes at or over its target.
    at_least: bool = False
    #: Whether it takes a few seconds and comes out the same on a busy machine: every change is held to it.
    quick: bool = False

    def cost(self, figure: float) -> float:
        """The figure, or its inverse, so that lower is better; of a cost, the figure again."""
        return 1 / figure if self.at_least else figure

    @property
    def portable(self) -> bool:
        """Whether it comes out much the same on another machine, as times and rates do not."""
        return self.unit in {"x", "%", "GB", "MB", ""}

    @property
    def comparable(self) -> bool:
        """Whether 15 % of it mean something, as they do not of a share that is next to none."""
        return self.unit in {"x", "GB", "MB"}

    def meets_target(self, figure: float) -> bool:
        return self.cost(figure) <= self.cost(self.target)

    def shown(self, figure: float) -> str:
        """The figure and its unit."""
        return f"{figure:,.3g}{'' if self.unit in {'', 'x', '%'} else ' '}{self.unit}"


def print_rows(rows: Sequence[Row]) -> int:
    """Measure and print each row; 1 if a target is missed, else 0."""
    name_width = max(len(row.name) for row in rows)
    reference_width = max(len(row.reference) for row in rows)
    print(f"{'case':<{name_width}}  {'reference':<{reference_width}}  {'measured':>12}  {'target':>12}")
    missed = 0
    for row in rows:
        figure = row.measure()
        passed = row.meets_target(figure)
        missed += not passed
        bound = f"{'>=' if row.at_least else '<='} {row.shown(row.target)}"
        print(
            f"{row.name:<{name_width}}  {row.reference:<{reference_width}}  "
            f"{row.shown(figure):>12}  {bound:>12}  {'pass' if passed else 'FAIL'}",
            flush=True,
        )
    print(f"{len(rows) - missed} of {len(rows)} targets are met")
    return 1 if missed else 0
