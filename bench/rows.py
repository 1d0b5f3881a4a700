"""The rows of the speed table of GCEL: what is measured, against what, and how dear it may be.

A row's `measure` gives a figure whose best is low, unless it says otherwise; it passes at or under
its `target`. Rows are kept in modules of their own subject, each with a list `ROWS`; `gcel_table` prints
those of GCEL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    #: What the figure is a ratio to, or over; in words.
    reference: str
    target: float
    measure: Callable[[], float]
    #: "x" for a ratio, else the unit of the figure.
    unit: str = "x"
    #: Whether the best is high: it passes at or over its target.
    at_least: bool = False


def print_rows(rows: Sequence[Row]) -> int:
    """Measure and print each row; 1 if a target is missed, else 0."""
    name_width = max(len(row.name) for row in rows)
    reference_width = max(len(row.reference) for row in rows)
    print(f"{'case':<{name_width}}  {'reference':<{reference_width}}  {'measured':>12}  {'target':>12}")
    missed = 0
    for row in rows:
        figure = row.measure()
        passed = figure >= row.target if row.at_least else figure <= row.target
        missed += not passed
        bound = ">=" if row.at_least else "<="
        unit = f" {row.unit}" if row.unit not in {"", "x"} else row.unit
        print(
            f"{row.name:<{name_width}}  {row.reference:<{reference_width}}  "
            f"{f'{figure:,.3g}{unit}':>12}  {f'{bound} {row.target:g}{unit}':>12}  "
            f"{'pass' if passed else 'FAIL'}",
            flush=True,
        )
    print(f"{len(rows) - missed} of {len(rows)} targets are met")
    return 1 if missed else 0
