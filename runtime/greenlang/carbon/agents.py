"""The runtime's own agents, `ghg.*`: what every inventory needs whatever its factors are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Literal

from greenlang.agents import Resource, agent
from greenlang.carbon.activity import ActivityData, InventoryInput, read_activity_data
from greenlang.carbon.emissions import Component, Emissions, calculate, kinds_of_rows
from greenlang.carbon.factors import EmissionFactor, FactorBook, FactorSet, load_factors
from greenlang.carbon.inventory import Inventory, build_inventory
from greenlang.carbon.periods import parse_period
from greenlang.carbon.report import Report, report_totals
from greenlang.carbon.rows import own_factors, rows_taken, wanted_of
from greenlang.carbon.tables import unpivot_table
from greenlang.carbon.units import parse_unit
from greenlang.errors import FactorError

__all__ = ["emissions", "intake", "inventory", "totals", "unpivot"]


@agent(name="ghg.intake", version="1.0.0", effects=["pure"])
def intake(given: InventoryInput) -> ActivityData:
    """Read a table as activity data: one row an activity.

    Columns `id`, `period`, `activity`, `quantity`, `unit`; where known `site`, `region`, `method`, `tags`.
    """
    return read_activity_data(given)


@agent(name="ghg.unpivot", version="1.0.0", effects=["pure"])
def unpivot(
    given: InventoryInput,
    *,
    id: str,  # noqa: A002  the column is called so everywhere
    columns: list[str],
    activities: list[str],
    unit: str,
    period: str,
    region: str = "",
) -> ActivityData:
    """Read a wide table as activity data: one row a site, one column an activity.

    Parameters
    ----------
    id : str
        The column that names the row's site; with the activity's name it makes the activity's id.
    columns, activities : list of str
        The columns that hold quantities, and what each is a quantity of.
    unit, period, region : str
        Of all the quantities.
    """
    # Written once in the program, so wrong once and not in every row.
    parse_period(period)
    parse_unit(unit, region=region)
    constants = {"period": period, "unit": unit, "region": region}
    narrow = unpivot_table(given.table, site=id, columns=columns, activities=activities, constants=constants)
    return read_activity_data(replace(given, table=narrow))


@agent(name="ghg.emissions", version="1.0.0", effects=["pure", "calculates"])
def emissions(data: ActivityData, *, factors: Resource, scope: int | None = None) -> list[Emissions]:
    """Compute emissions with the factors of a file: quantity times factor for every activity that it names.

    Parameters
    ----------
    factors : path
        A factor file, beside the program. Its columns `scope` and `category` say where the emissions are
        reported; those of scope 2 count as location-based.
    scope : int
        The scope of factors whose row leaves the column empty.
    """
    if scope not in (None, 1, 2, 3):
        raise FactorError(f"there is no scope {scope}", fix="write scope=1, scope=2 or scope=3")
    own = load_factors(factors.text, file=factors.name)
    unknown = [factor for factor in own if not (factor.scope or scope)]
    if unknown:
        raise FactorError(
            f"the factor for '{unknown[0].activity}' does not say which scope it is for",
            fix="fill in column 'scope', or write ghg.emissions(factors=…, scope=1)",
            place=factors.name,
        )
    by_heading: dict[tuple[int, str], list[EmissionFactor]] = defaultdict(list)
    for factor in own:
        by_heading[factor.scope or scope or 0, factor.category].append(factor)
    return [
        _emissions_of(data, FactorSet(own.name, tuple(held)), of_scope, category)
        for (of_scope, category), held in sorted(by_heading.items())
    ]


def _emissions_of(data: ActivityData, own: FactorSet, scope: int, category: str) -> Emissions:
    """Emissions by the factors of one heading of a file, which those of the run for it go before."""
    names = tuple(sorted({factor.activity for factor in own}))
    of_run = own_factors(data.own_factors, names, (category.casefold(),)) if category else data.own_factors
    book = FactorBook(of_run, [own], data.policy)
    method = "location-based" if scope == 2 else ""
    rows = rows_taken(data, names, ("", method, category.casefold()))
    return calculate(
        data,
        agent="ghg.emissions",
        scope=scope,
        category=category or "own factors",
        method=method,
        kinds=kinds_of_rows(rows, (data.activity, data.unit, data.region, data.period)),
        choose=lambda row: [Component(book.select(wanted_of(data, row)))],
        activities=names,
        row_by_row=True,
    )


@agent(name="ghg.inventory", version="1.0.0", effects=["pure", "calculates"])
def inventory(parts: Emissions | list[Any]) -> Inventory:
    """Put emissions together: every row taken once, totals by scope, method and activity."""
    return build_inventory(parts)


@agent(name="ghg.totals", version="1.0.0", effects=["pure", "calculates"])
def totals(
    made: Inventory,
    *,
    by: Literal["id", "site", "activity", "region", "period", "unit"],
    unit: str = "t",
    places: int = 2,
    method: Literal["location-based", "market-based"] = "location-based",
    columns: list[str] | None = None,
) -> Report:
    """Sum CO2e by a column of the activity data, in order of first appearance.

    Parameters
    ----------
    by : str
        The column: `id`, `site`, `activity`, `region`, `period` or `unit`.
    unit, places : str, int
        The mass unit of the totals and the decimal places they are rounded to, half-even.
    method : str
        The scope 2 method whose emissions are summed with those of the other scopes.
    columns : list of str
        Headings of the two columns of the report.
    """
    return report_totals(made, by=by, unit=unit, places=places, method=method, columns=columns)
