"""Slices of an inventory: whichever way it is cut, the sums are those of the whole."""

from datetime import date
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.carbon import AccountingPolicy, InventoryInput, Slice, Slices, table_of_objects
from greenlang.carbon.periods import parse_period
from greenlang.carbon.slices import month_label

PROGRAM = (
    "ghg.intake >> (fuels.stationary | fuels.mobile | electricity.location_based | electricity.market_based)"
    " >> ghg.inventory"
)


def row(identity, period, site, activity, quantity, unit):
    named = {"id": identity, "period": period, "site": site, "activity": activity}
    return {**named, "quantity": quantity, "unit": unit, "region": "US"}


ROWS = [
    row("A", "2025-01", "Mill", "natural gas", "1500.25", "MMBtu"),
    row("B", "2025-02", "Mill", "natural gas", "12", "MMBtu"),
    row("C", "2025-02", "=Yard", "natural gas", "7", "MMBtu"),
    row("D", "2025-Q1", "=Yard", "electricity", "9.5", "MWh"),
    row("E", "2025-02-03", "", "electricity", "3", "MWh"),
]


@pytest.fixture(scope="module")
def inventory():
    given = InventoryInput(table_of_objects(ROWS, name="rows"), AccountingPolicy())
    return gl.compile(PROGRAM).run(given)


@pytest.fixture(scope="module")
def slices(inventory):
    return Slices(inventory)


def total(cuts):
    return sum((cut.co2e for cut in cuts), Decimal(0))


@pytest.mark.parametrize("method", ["location-based", "market-based"])
def test_every_cut_adds_up_to_the_whole(inventory, slices, method):
    part = Slice(method)
    whole = sum(line.co2e for line in inventory.totals if line.method in ("", method))
    assert whole > 0
    cuts = (slices.by_scope, slices.by_gas, slices.by_site, slices.by_month, slices.by_activity, slices.rows)
    assert [total(cut(part)) for cut in cuts] == [whole] * 6


def test_scopes_are_those_of_the_totals(inventory, slices):
    told = {(str(line.scope), line.method): line.co2e for line in inventory.totals}
    for cut in slices.by_scope(Slice()):
        assert told[cut.key] == cut.co2e


def test_months_come_in_order_of_time_and_longer_periods_stand_as_they_are(slices):
    keys = [cut.key for cut in slices.by_month(Slice())]
    assert keys == [("2025-01", "1"), ("2025-Q1", "2"), ("2025-02", "1"), ("2025-02", "2")]


def test_conditions_meet(slices):
    rows = slices.rows(Slice(site="=Yard", scope=1, month="2025-02", gas="CO2"))
    assert [found.row for found in rows] == [2]
    assert total(slices.by_gas(Slice(site="=Yard", scope=1))) == total(
        slices.rows(Slice(site="=Yard", scope=1))
    )
    assert slices.rows(Slice(site="nowhere")) == slices.rows(Slice(month="1999-01")) == []
    assert slices.by_site(Slice(gas="SF6")) == []


def test_an_activity_is_known_by_its_own_and_by_its_publishers_name(slices):
    written, published = (slices.rows(Slice(activity=name)) for name in ("natural gas", "Natural Gas"))
    assert written == published
    assert [found.row for found in written] == [0, 1, 2]


def test_rows_come_largest_first(slices):
    found = slices.rows(Slice())
    assert [one.co2e for one in found] == sorted((one.co2e for one in found), reverse=True)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2025-03", "2025-03"),
        ("2025-03-31", "2025-03"),
        ("2024-02-01/2024-02-29", "2024-02"),
        ("2025-Q4", "2025-Q4"),
        ("2025", "2025"),
        ("2025-01-15/2025-02-14", f"{date(2025, 1, 15)}/{date(2025, 2, 14)}"),
        ("2025-02-01/2025-04-30", "2025-02-01/2025-04-30"),
        ("2025-01-01/2025-03-30", "2025-01-01/2025-03-30"),
    ],
)
def test_a_period_is_called_by_its_month(text, label):
    assert month_label(parse_period(text)) == label
