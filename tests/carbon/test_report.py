"""Totals for people: exact sums, converted and rounded once."""

from decimal import Decimal

import pytest

from greenlang.carbon import roundings
from greenlang.carbon.agents import totals
from greenlang.errors import InputError, UnitMismatch

FACTORS = "activity,gas,value,unit,gwp_basis\nTaxi,CO2e,0.2005,kg/km,AR5\nGas,CO2e,50,kg/mmBtu,AR5\n"

ROWS = (
    {"site": "South", "activity": "taxi", "quantity": "10", "unit": "km"},
    {"site": "North", "activity": "gas", "quantity": "2", "unit": "MMBtu"},
    {"site": "South", "activity": "gas", "quantity": "1", "unit": "MMBtu"},
)


@pytest.fixture
def report(inventory_of):
    def make(*rows, on_error="stop", **options):
        inventory = inventory_of(*(rows or ROWS), factors=FACTORS, on_error=on_error)
        return totals.spec.function(inventory, **options)

    return make


def test_totals_by_site_come_in_order_of_first_appearance(report):
    made = report(by="site", unit="kg", places=3)
    assert made.columns == ("site", "kgco2e")
    assert made.rows == (("South", "52.005"), ("North", "100.000"))


def test_a_total_is_rounded_once_from_its_exact_sum_half_to_even(report):
    # 52.005 and 100 kg: to two places of kg the exact half goes to the even digit.
    assert report(by="site", unit="kg", places=2).rows == (("South", "52.00"), ("North", "100.00"))
    assert report(by="site", unit="t", places=2).rows == (("South", "0.05"), ("North", "0.10"))
    halves = [{"activity": "gas", "quantity": text, "unit": "MMBtu"} for text in ("0.00005", "0.00005")]
    # Each row is 0.0025 kg; rounded one by one they would be 0.00 and 0.00 of 0.005.
    assert report(*halves, by="activity", unit="kg", places=3).rows == (("gas", "0.005"),)


def test_a_total_just_past_a_half_is_rounded_up(report):
    row = {"activity": "gas", "quantity": "0.000100000001", "unit": "MMBtu"}
    assert report(row, by="activity", unit="kg", places=2).rows == (("gas", "0.01"),)


def test_units_of_mass_convert_exactly(report):
    # 1 lb is 0.45359237 kg by definition; 100 / 0.45359237 = 220.46226...
    rows = dict(report(by="site", unit="lb", places=5).rows)
    assert rows["North"] == "220.46226"


def test_headings_may_be_given(report):
    assert report(by="site", columns=["building_id", "tco2e"]).columns == ("building_id", "tco2e")
    with pytest.raises(InputError, match="1 headings are given for two columns"):
        report(by="site", columns=["tco2e"])


def test_a_unit_that_is_no_mass_is_refused(report):
    with pytest.raises(UnitMismatch, match="'kWh' measures energy"):
        report(by="site", unit="kWh")


def test_groups_of_skipped_rows_alone_are_left_out(report):
    rows = (*ROWS, {"site": "Ghost", "quantity": "x"})
    made = report(*rows, on_error="skip", by="site")
    assert [name for name, _ in made.rows] == ["South", "North"]
    assert made.inventory.totals[0].co2e == Decimal("152.005")


def test_the_record_says_where_totals_were_rounded(report):
    made = report(by="site", unit="lb", places=5)
    assert roundings(made)[-1] == {
        "what": "lbco2e of each site",
        "unit": "lb",
        "places": 5,
        "mode": "half-even",
    }
    assert roundings(made)[:-1] == roundings(made.inventory)
