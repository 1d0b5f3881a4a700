"""An inventory cut up for looking at: by scope, gas, site, month and activity, and the rows behind each sum.

The sums are exact sums of rounded rows, as everywhere; the two methods of scope 2 are never added, so a slice
is of one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt

from greenlang.carbon.emissions import Emissions
from greenlang.carbon.inventory import Inventory
from greenlang.carbon.periods import Period, parse_period
from greenlang.carbon.tables import StringColumn
from greenlang.exact import exact_context
from greenlang_core.decimals import DecimalColumn

__all__ = ["Cut", "Slice", "SlicedRow", "Slices", "month_label"]

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of an inventory is looked at; what is None is not asked."""

    method: str = "location-based"  #: of scope 2
    scope: int | None = None
    gas: str | None = None
    site: str | None = None
    month: str | None = None  #: as `month_label` writes it
    activity: str | None = None  #: as it was written, or as a factor's publisher calls it


@dataclass(frozen=True, slots=True)
class Cut:
    """One sum of a slice, by what it is of."""

    key: tuple[str, ...]
    co2e: Decimal  #: kg


@dataclass(frozen=True, slots=True)
class SlicedRow:
    """A row of a slice with what of its emissions is in it."""

    row: int  #: from 0
    co2e: Decimal  #: kg


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures of one gas that one agent computed, those of a slice."""

    of: Emissions
    gas: str
    rows: Rows
    co2e: DecimalColumn

    def sums(self, codes: Rows, count: int) -> Iterator[tuple[int, Decimal]]:
        """Kg CO2e of each group that has a row."""
        if len(codes):
            totals = self.co2e.group_sum(codes, count)
            for code in np.unique(codes).tolist():
                yield code, totals[code]


class Slices:
    """Cuts an inventory.

    Parameters
    ----------
    inventory : Inventory
        What is looked at.
    """

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        data = inventory.data
        labels = ["" if period is None else month_label(period) for period in data.periods]
        # The earlier first, and of those that start together the shorter.
        known = sorted(
            (period.start, period.end, month_label(period)) for period in data.periods if period is not None
        )
        self._months = list(dict.fromkeys(label for _, _, label in known))
        numbers = {label: number for number, label in enumerate(self._months)}
        by_code = np.array([numbers.get(label, 0) for label in labels] or [0], dtype=np.int32)
        self._month_codes = by_code[data.period.codes]

    @property
    def method(self) -> str:
        """Of scope 2, where none is asked for: the only one that there is, or location-based."""
        methods = {part.method for part in self.inventory.parts if part.method and part.selections}
        return methods.pop() if len(methods) == 1 else "location-based"

    def by_scope(self, part: Slice) -> list[Cut]:
        """Sums by scope and method."""
        return self._single(part, lambda found: (str(found.of.scope), found.of.method))

    def by_gas(self, part: Slice) -> list[Cut]:
        """Sums by gas, the largest first."""
        return _largest_first(self._single(part, lambda found: (found.gas,)))

    def by_site(self, part: Slice) -> list[Cut]:
        """Sums by site, the largest first."""
        return _largest_first(self._column(part, self.inventory.data.site))

    def by_activity(self, part: Slice) -> list[Cut]:
        """Sums by activity as it was written, the largest first."""
        return _largest_first(self._column(part, self.inventory.data.activity))

    def by_month(self, part: Slice) -> list[Cut]:
        """Sums by month (or longer period) and scope, in order of time."""
        months = self._months
        sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
        with localcontext(exact_context()):
            for found in self._figures(part):
                for code, total in found.sums(self._month_codes[found.rows], len(months)):
                    sums[code, str(found.of.scope)] += total
        return [Cut((months[code], scope), total) for (code, scope), total in sorted(sums.items())]

    def rows(self, part: Slice) -> list[SlicedRow]:
        """The rows of a slice, those that emit most first."""
        figures = list(self._figures(part))
        if not figures:
            return []
        present, places = np.unique(np.concatenate([one.rows for one in figures]), return_inverse=True)
        sums = DecimalColumn.concat(one.co2e for one in figures).group_sum(places, len(present))
        told = zip(present.tolist(), sums.to_decimals(), strict=True)
        rows = [SlicedRow(row, co2e or Decimal(0)) for row, co2e in told]
        with localcontext(exact_context()):  # in which a minus rounds nothing
            return sorted(rows, key=lambda one: (-one.co2e, one.row))

    def count(self, part: Slice) -> int:
        """How many rows a slice has."""
        present = np.zeros(len(self.inventory.data), dtype=np.bool_)
        for found in self._figures(part):
            present[found.rows] = True
        return int(present.sum())

    def _single(self, part: Slice, key: Callable[[_Figures], tuple[str, ...]]) -> list[Cut]:
        sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        with localcontext(exact_context()):
            for found in self._figures(part):
                for _, total in found.sums(np.zeros(len(found.rows), dtype=np.int32), 1):
                    sums[key(found)] += total
        return [Cut(*one) for one in sorted(sums.items())]

    def _column(self, part: Slice, column: StringColumn) -> list[Cut]:
        sums: dict[int, Decimal] = defaultdict(Decimal)
        with localcontext(exact_context()):
            for found in self._figures(part):
                for code, total in found.sums(column.codes[found.rows], len(column.values)):
                    sums[code] += total
        return [Cut((column.values[code],), total) for code, total in sums.items()]

    def _figures(self, part: Slice) -> Iterator[_Figures]:
        """The figures of a slice."""
        kept = self._kept_rows(part)
        for of in self.inventory.parts:
            if of.method not in ("", part.method) or part.scope not in (None, of.scope):
                continue
            for gas in of.gases:
                if gas.co2e is not None and part.gas in (None, gas.gas):
                    places = np.flatnonzero(kept[gas.rows])
                    yield _Figures(of, gas.gas, gas.rows[places], gas.co2e.take(places))

    def _kept_rows(self, part: Slice) -> npt.NDArray[np.bool_]:
        data = self.inventory.data
        kept = np.ones(len(data), dtype=np.bool_)
        if part.site is not None:
            kept &= _is(data.site, part.site)
        if part.activity is not None:
            kept &= self._of_activity(part.activity)
        if part.month is not None:
            codes = [code for code, label in enumerate(self._months) if label == part.month]
            kept &= np.isin(self._month_codes, codes)
        return kept

    def _of_activity(self, activity: str) -> npt.NDArray[np.bool_]:
        """The rows of an activity, as it was written or as a factor's publisher calls it."""
        found = _is(self.inventory.data.activity, activity)
        for of in self.inventory.parts:
            for selection, rows in zip(of.selections, of.selection_rows, strict=True):
                if selection.activity == activity:
                    found[rows] = True
        return found


def _is(column: StringColumn, wanted: str) -> npt.NDArray[np.bool_]:
    return np.isin(column.codes, [code for code, text in enumerate(column.values) if text == wanted])


def month_label(period: Period) -> str:
    """The month that a period lies in; `2025-Q1`, `2025` or its days where it is longer than one."""
    start, end = period.start, period.end
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.year}-{start.month:02}"
    if period == parse_period(year := str(start.year)):
        return year
    quarter = f"{year}-Q{(start.month + 2) // 3}"
    if period == parse_period(quarter):
        return quarter
    return str(period)


def _largest_first(cuts: list[Cut]) -> list[Cut]:
    return sorted(cuts, key=lambda cut: (-cut.co2e, cut.key))
