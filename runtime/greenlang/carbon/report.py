"""Totals of an inventory by one column of its activity data, rounded for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from greenlang.carbon.inventory import Inventory
from greenlang.carbon.tables import StringColumn
from greenlang.carbon.uncertainty import Estimate, estimate_groups
from greenlang.carbon.units import conversion_ratio, parse_unit
from greenlang.errors import InputError, UnitMismatch
from greenlang.exact import decimal_text, exact_context, round_

__all__ = ["Report", "report_totals"]


@dataclass(frozen=True, slots=True)
class Report:
    """A table for people, and the inventory that it was made from."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    inventory: Inventory
    unit: str  #: of the totals
    places: int  #: that they are rounded to, half-even
    estimates: tuple[Estimate | None, ...] = ()  #: how uncertain each total is, where uncertainties are given


def report_totals(
    inventory: Inventory,
    *,
    by: str,
    unit: str,
    places: int,
    method: str,
    columns: Sequence[str] | None,
) -> Report:
    """Sum CO2e by a column of the activity data, in order of first appearance.

    The exact sums of the rows are converted to `unit` and rounded once, half-even, to `places`. A group whose
    rows all belong to the other method of scope 2 has no total: its text is empty, for nothing is not zero.

    Raises
    ------
    UnitMismatch
        If `unit` is no unit of mass.
    InputError
        If `columns` does not name two columns, or all of scope 2 was computed by the other method alone.
    """
    _check_method(inventory, method)
    headings = tuple(columns) if columns else (by, f"{unit}co2e")
    if len(headings) != 2:
        raise InputError(f"{len(headings)} headings are given for two columns", fix="give two, or none")
    target = parse_unit(unit)
    if target.dimension != "mass":
        raise UnitMismatch(
            f"totals are masses of CO2e and '{unit}' measures {target.dimension}", fix="use kg, t or lb"
        )
    per_unit = conversion_ratio(parse_unit("kg"), target)
    groups: StringColumn = getattr(inventory.data, by)
    sums = _sums(inventory, groups, method)
    parts = [part for part in inventory.parts if part.method in ("", method)]
    estimates = estimate_groups(parts, groups.codes, len(groups.values))
    present = np.flatnonzero(np.bincount(groups.codes[inventory.data.usable])).tolist()
    return Report(
        headings,
        tuple(
            (groups.values[code], _rounded(sums[code], per_unit, places) if code in sums else "")
            for code in present
        ),
        inventory,
        unit,
        places,
        tuple(estimates.get(code) for code in present) if estimates else (),
    )


def _check_method(inventory: Inventory, method: str) -> None:
    """Refuse a method that no agent of the program has: all of scope 2 would be left out, unnoticed."""
    there = sorted({part.method for part in inventory.parts if part.method})
    if there and method not in there:
        raise InputError(
            f"totals are to be {method}, and emissions of purchased energy are {' and '.join(there)} only",
            fix=f'write method="{there[0]}", or add an agent to the program that computes the other',
        )


def _sums(inventory: Inventory, groups: StringColumn, method: str) -> dict[int, Decimal]:
    """Kg CO2e of each group, by its code, that an agent of this method, or of none, took a row of."""
    sums: dict[int, Decimal] = {}
    for part in inventory.parts:
        if part.method in ("", method):
            sums |= dict.fromkeys(np.flatnonzero(np.bincount(groups.codes[part.rows])).tolist(), Decimal(0))
    with localcontext(exact_context()):
        for rows, co2e in inventory.co2e_of(method):
            totals = co2e.group_sum(groups.codes[rows], len(groups.values))
            for code in np.flatnonzero(np.bincount(groups.codes[rows])).tolist():
                sums[code] += totals[code]
    return sums


def _rounded(mass_kg: Decimal, per_unit: Fraction, places: int) -> str:
    return decimal_text(round_(Fraction(mass_kg) * per_unit, places))
