"""The rows of the speed table of GCEL: what is measured, against what, and how dear it may be.

A row's `measure` gives a figure whose best is low; it passes at or under its `target`. Rows are kept in
modules of their own subject, each with a list `ROWS`; `gcel_table` prints them all.
"""

from __future__ import annotations

from collections.abc import Callable
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
