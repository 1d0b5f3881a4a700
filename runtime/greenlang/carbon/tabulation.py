"""The table that a result is, for machines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from greenlang.carbon.inventory import Inventory
from greenlang.carbon.report import Report
from greenlang.carbon.tables import ResultColumn, ResultTable
from greenlang.carbon.uncertainty import PLACES, Estimate
from greenlang.errors import InputError

__all__ = ["result_table"]

#: Gases with a column of their own in every table; others have one where they occur.
COLUMN_GASES = ("CO2", "CH4", "N2O")

#: What columns that estimate the uncertainty of CO2e are called.
ESTIMATE = "estimated_co2e_uncertainty"

#: Digits after the point of a mass in kg: rows are rounded to as many, and sums of them need no more.
MASS_PLACES = 12


def result_table(value: object) -> ResultTable:
    """The table that a result is: a report's own, or an inventory's lines by scope and activity.

    Raises
    ------
    InputError
        If it is none.
    """
    if isinstance(value, Report):
        return _report_table(value)
    if isinstance(value, Inventory):
        return _inventory_table(value)
    raise InputError(
        f"the program gives {type(value).__name__}, which is not a table", fix="print it with --format json"
    )


def _report_table(report: Report) -> ResultTable:
    by, total = report.columns
    totals = [Decimal(text) if text else None for _, text in report.rows]
    estimates = _estimates(report.estimates) if report.estimates else []
    places = max((-int(one.as_tuple().exponent) for one in totals if one is not None), default=0)
    return ResultTable(
        (
            ResultColumn(by, "text", [key for key, _ in report.rows]),
            ResultColumn(total, "decimal", totals, places, padded=True),
            *estimates,
        )
    )


def _inventory_table(inventory: Inventory) -> ResultTable:
    lines = inventory.lines
    gases = sorted({gas for line in lines for gas in line.gases} | set(COLUMN_GASES))

    def masses(name: str, cells: list[Decimal | None]) -> ResultColumn:
        return ResultColumn(name, "decimal", cells, MASS_PLACES)

    return ResultTable(
        (
            ResultColumn("scope", "integer", [line.scope for line in lines]),
            ResultColumn("method", "text", [line.method for line in lines]),
            ResultColumn("category", "text", [line.category for line in lines]),
            ResultColumn("activity", "text", [line.activity for line in lines]),
            ResultColumn("rows", "integer", [line.rows for line in lines]),
            *(masses(f"{gas}_kg", [line.gases.get(gas) for line in lines]) for gas in gases),
            masses("biogenic_CO2_kg", [line.biogenic_co2 for line in lines]),
            masses("co2e_kg", [line.co2e for line in lines]),
            *_estimates([line.co2e_estimate for line in lines]),
        )
    )


def _estimates(estimates: Sequence[Estimate | None]) -> list[ResultColumn]:
    """How uncertain CO2e is, where uncertainties are given."""
    if not any(estimates):
        return []
    percents = [estimate and estimate.percent for estimate in estimates]
    of = [estimate.of if estimate else "" for estimate in estimates]
    return [
        ResultColumn(f"{ESTIMATE}_percent", "decimal", percents, PLACES, padded=True),
        ResultColumn(f"{ESTIMATE}_of", "text", of),
    ]
