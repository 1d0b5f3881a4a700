"""What proves an inventory: figures by row, and the rates that anybody can multiply again."""

from decimal import Decimal
from fractions import Fraction

import pytest

from greenlang.carbon import row_selections, selection_table, series_of
from greenlang.exact import round_

FACTORS = """\
activity,gas,value,unit,biogenic,scope
Gas,CO2,53.06,kg/mmBtu,no,1
Gas,CH4,1.0,g/mmBtu,no,1
Wood,CO2,1640,kg/short ton,yes,1
Wood,CH4,126,g/short ton,yes,1
Power,CO2,0.3,kg/kWh,,2
"""

ROWS = (
    {"activity": "gas", "quantity": "3", "unit": "therm"},
    {"quantity": "x"},
    {"activity": "power", "quantity": "7", "unit": "kWh"},
    {"activity": "wood", "quantity": "1", "unit": "t"},
    {"activity": "gas", "quantity": "5", "unit": "MMBtu"},
)


@pytest.fixture
def inventory(inventory_of):
    return inventory_of(*ROWS, factors=FACTORS, on_error="skip")


def test_series_hold_each_figure_at_the_index_of_its_row(inventory):
    found = {
        series.name: dict(zip(series.rows.tolist(), series.figures.to_decimals(), strict=True))
        for series in series_of(inventory)
    }
    assert list(found) == sorted(found)
    # 3 therms are 0.3 mmBtu; 1 t is 1/0.90718474 short tons.
    short_tons = 1 / Fraction("0.90718474")
    wood_ch4 = round_(Fraction(126, 1000) * short_tons, 12)
    assert found == {
        "scope1.CO2": {0: Decimal("15.918"), 4: Decimal("265.3")},
        "scope1.CO2-biogenic": {3: round_(1640 * short_tons, 12)},
        "scope1.CH4": {0: Decimal("0.0003"), 3: wood_ch4, 4: Decimal("0.005")},
        "scope1.co2e": {
            0: Decimal("15.9264"),
            3: round_(Fraction(wood_ch4) * 28, 12),
            4: Decimal("265.44"),
        },
        "scope2-location-based.CO2": {2: Decimal("2.1")},
        "scope2-location-based.co2e": {2: Decimal("2.1")},
    }
    assert {series.figures.scale for series in series_of(inventory)} == {12}


def test_labels_name_for_each_row_the_rates_it_was_multiplied_by(inventory):
    table = selection_table(inventory)
    codes, entries_of = row_selections(inventory)
    chosen = [entries_of[code] for code in codes]
    assert chosen[1] is None
    activities = [[table[int(entry)]["activity"] for entry in entries] for entries in chosen if entries]
    assert activities == [["Gas"], ["Power"], ["Wood"], ["Gas"]]


def test_anybody_can_multiply_a_row_again(inventory):
    table = selection_table(inventory)
    figures = {series.name: series for series in series_of(inventory)}
    codes, entries_of = row_selections(inventory)
    chosen = [entries_of[code] or [] for code in codes]
    for name, gas in (("scope1.CO2", "CO2"), ("scope1.CH4", "CH4"), ("scope1.CO2-biogenic", "CO2")):
        for row, figure in zip(figures[name].rows.tolist(), figures[name].figures.to_decimals(), strict=True):
            (entry,) = chosen[row]
            (rate,) = (rate for rate in table[int(entry)]["rates"] if rate["gas"] == gas)
            exact = Fraction(rate["rate"]) * Fraction(inventory.data.quantity[row])
            assert figure == round_(exact, 12)
            assert sum(Fraction(factor["weight"]) for factor in rate["factors"]) == 1
            # Biogenic CO2 has none: it is no part of the CO2e.
            assert rate.get("gwp") == {"scope1.CO2": "1", "scope1.CH4": "28"}.get(name)


def test_which_warming_potential_methane_had_is_told(inventory_of):
    factors = "activity,gas,value,unit,biogenic\nGas,CH4,1,kg/mmBtu,no\nWood,CH4,1,kg/mmBtu,yes\n"
    rows = [{"activity": "gas"}, {"activity": "wood"}]
    inventory = inventory_of(*rows, factors=factors, gwp_set="AR6-7.15")
    assert {
        entry["activity"]: rate["gwp"] for entry in selection_table(inventory) for rate in entry["rates"]
    } == {"Gas": "29.8", "Wood": "27"}


def test_the_selections_of_skipped_rows_are_left_out(inventory_of):
    rows = ({"activity": "gas"}, {"activity": "wood", "unit": "kWh"})
    inventory = inventory_of(*rows, factors=FACTORS, on_error="skip")
    assert [entry["activity"] for entry in selection_table(inventory)] == ["Gas"]
