"""Totals of an inventory by one column of its activity data, rounded for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from greenlang.carbon.inventory import Inventory
from greenlang.carbon.tables import StringColumn
from greenlang.carbon.units import conversion_ratio, parse_unit
from greenlang.errors import InputError, UnitMismatch
from greenlang.exact import decimal_text, round_

__all__ = ["Report", "report_totals"]


@dataclass(frozen=True, slots=True)
class Report:
    """A table for people, and the inventory that it was made from."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    inventory: Inventory


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

    The exact sums of the rows are converted to `unit` and rounded once, half-even, to `places`.

    Raises
    ------
    UnitMismatch
        If `unit` is no unit of mass.
    InputError
        If `columns` does not name two columns.
    """
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
    sums = inventory.co2e_by_row(method).group_sum(groups.codes, len(groups.values)).to_decimals()
    present = np.unique(groups.codes[inventory.data.usable]).tolist()
    return Report(
        headings,
        tuple(
            (groups.values[code], decimal_text(round_(Fraction(sums[code]) * per_unit, places)))
            for code in present
        ),
        inventory,
    )
