"""What carbon engines in use get wrong, each held against the packs that are shipped here.

Others stand where their part is tested: gaps of time that dilute a figure and periods across editions in
tests/carbon/test_inventory.py, world-wide fallbacks in test_selection.py, UK parts that are multiplied by a
GWP again in test_worked_examples.py, packs that do not fit their own schema in tests/agents.
"""

import json
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.carbon import Quantity
from greenlang.errors import DataError, FactorError, InputError, UnitMismatch

OIL = {"activity": "distillate fuel oil no. 2", "quantity": "1000", "unit": "gal"}
GRID = {"activity": "electricity", "quantity": "100", "unit": "MWh", "region": "US", "period": "2025-06"}


def co2e(inventory, method=""):
    (found,) = (total.co2e for total in inventory.totals if total.method == method)
    return found


def test_gallons_litres_and_bananas_of_a_fuel_are_three_different_things(inventory_of):
    gallons = co2e(inventory_of(OIL))
    litres = co2e(inventory_of({**OIL, "unit": "L"}))
    assert gallons / litres == pytest.approx(Decimal("3.785411784"))
    with pytest.raises(DataError, match="column 'unit': there is no unit 'bananas'"):
        inventory_of({**OIL, "unit": "bananas"})


def test_kilograms_are_not_taken_for_tonnes_nor_grams(inventory_of):
    coal = {"activity": "bituminous coal", "method": "stationary combustion"}
    masses = [("1", "tonne"), ("1000", "kg"), ("1000000", "g")]
    totals = {co2e(inventory_of({**coal, "quantity": number, "unit": unit})) for number, unit in masses}
    assert len(totals) == 1


def test_diesel_of_a_boiler_has_no_factor_of_ships_or_cars(inventory_of):
    (selection,) = (selection for part in inventory_of(OIL).parts for selection in part.selections)
    used = {factor.category for rate in selection.rates for factor, _ in rate.parts}
    assert (selection.activity, used) == ("Distillate Fuel Oil No. 2", {"stationary combustion"})
    with pytest.raises(DataError, match="no agent of this program takes 'diesel'"):
        inventory_of({**OIL, "activity": "diesel", "method": "stationary combustion"})


def test_another_year_is_another_edition_or_a_recorded_fallback(inventory_of):
    row = {"activity": "electricity", "quantity": "1000", "unit": "kWh", "region": "GB"}
    of_2024, of_2025 = (inventory_of({**row, "period": year}) for year in ("2024", "2025"))
    assert (co2e(of_2024, "location-based"), co2e(of_2025, "location-based")) == (
        Decimal("207.05"),
        Decimal("177.00"),
    )
    for year in ("1995", "2099"):
        kinds = {one.fallback.kind for one in inventory_of({**row, "period": year}).fallbacks}
        assert "vintage" in kinds


def test_the_market_based_figure_is_neither_the_other_one_nor_zero(inventory_of):
    inventory = inventory_of(GRID)
    # Nothing was contracted and the US publishes no residual mix: the average is disclosed as a fallback.
    assert co2e(inventory, "market-based") == co2e(inventory, "location-based") > 0
    assert [(one.method, one.fallback.used) for one in inventory.fallbacks] == [
        ("market-based", "grid average")
    ]


@pytest.mark.parametrize("region", ["ZZ", "FR", "DE", ""])
def test_no_region_gets_the_grid_of_the_us(inventory_of, region):
    with pytest.raises(DataError, match="column 'region'"):
        inventory_of({**GRID, "region": region})


def test_great_britain_has_a_grid_of_its_own(inventory_of):
    assert co2e(inventory_of({**GRID, "region": "GB"}), "location-based") == 17700


def test_methane_warms_the_same_in_every_pack(inventory_of):
    rows = [
        GRID,
        OIL,
        {"activity": "diesel fuel", "quantity": "10", "unit": "gal", "method": "mobile combustion"},
        {"activity": "landfill gas", "quantity": "10"},
    ]
    found = set()
    for row in rows:
        for part in inventory_of(row, gwp_set="AR6").parts:
            found |= {
                co2e / mass
                for gas in part.gases
                if gas.gas == "CH4" and gas.mass is not None and gas.co2e is not None
                for mass, co2e in zip(gas.mass.to_decimals(), gas.co2e.to_decimals(), strict=True)
            }
    assert found == {Decimal("27.9")}


@pytest.mark.parametrize("name", ["AR6-20", "AR5-20", "GWP20", "AR7"])
def test_a_gwp_set_that_nobody_published_in_full_is_not_made_up(inventory_of, name):
    with pytest.raises(InputError, match=name):
        inventory_of(OIL, gwp_set=name)


def test_an_agent_that_fails_is_tried_as_often_as_was_said():
    calls = []

    @gl.agent(name="own.fails", version="1.0.0")
    def fails(value: int) -> int:
        calls.append(value)
        raise ConnectionError("no route")

    plan = gl.compile(fails >> gl.retry(1), registry=gl.Registry([fails]))
    with pytest.raises(ConnectionError, match="no route"):
        plan.run(1)
    assert calls == [1, 1]


def test_options_of_a_step_keep_the_sequence_that_it_stands_in():
    @gl.agent(name="own.times", version="1.0.0", effects={"pure"})
    def times(value: int, *, by: int = 2) -> int:
        return value * by

    registry = gl.Registry([times])
    assert gl.compile(times >> times(by=5) >> times, registry=registry).run(1) == 20


def test_equal_runs_have_equal_hashes_whatever_the_time_and_the_order_of_keys(greenlang, tmp_path):
    (tmp_path / "same.gcel").write_text("main = identity\n")
    records = []
    for number, text in enumerate(('{"kg": "1.50", "site": "A"}', '{"site": "A", "kg": "1.50"}', "{}")):
        (tmp_path / f"{number}.json").write_text(text)
        told = greenlang("run", "same.gcel", "--input", f"{number}.json", "--format", "json").stdout
        records.append(json.loads(told))
    one, other, another = records
    assert one["result_hash"] == other["result_hash"] != another["result_hash"]
    assert one["timestamp"] != other["timestamp"]


def test_nothing_is_divided_by_nothing():
    with pytest.raises(InputError, match="zero"):
        gl.divide(Decimal(800), Decimal(0), 2)


def test_a_therm_is_an_energy_and_no_volume_of_gas():
    assert str(Quantity("1 therm").to("mmBtu")) == "0.1 mmBtu"
    with pytest.raises(UnitMismatch):
        Quantity("1 therm").to("ft3")


def test_many_rows_are_one_batch_and_each_mistake_is_told_at_its_row(inventory_of):
    rows = [{"unit": "scf", "quantity": str(number)} for number in range(250)]
    for wrong in (7, 123, 201):
        rows[wrong] = {"unit": "bananas"}
    inventory = inventory_of(*rows, on_error="skip")
    assert [skip.row for skip in inventory.skipped] == [7, 123, 201]
    with pytest.raises(DataError) as refused:
        inventory_of(*rows)
    # The header is row 1 of the file.
    assert [problem.row for problem in refused.value.problems] == [9, 125, 203]


def test_results_of_a_pinned_edition_stay_when_a_newer_one_comes(inventory_of):
    hub = {"ghg-emission-factors-hub": "2025"}
    newer = (
        "activity,gas,value,unit,region,source,dataset,edition,applies_from,citation\n"
        "Natural Gas,CO2,99,kg/mmBtu (HHV),US,Made up,ghg-emission-factors-hub,2026,2025-02-01,Made up\n"
    )
    row = {"unit": "MMBtu (HHV)"}
    pinned = inventory_of(row, factors=newer, editions=hub)
    assert co2e(pinned) == co2e(inventory_of(row))
    assert co2e(inventory_of(row, factors=newer)) != co2e(pinned)


def test_a_fuel_of_two_uses_is_no_guess(inventory_of):
    with pytest.raises(DataError, match=r"fuels\.stationary .* and fuels\.mobile"):
        inventory_of({"activity": "motor gasoline", "quantity": "1", "unit": "gal"})


def test_an_activity_that_nobody_knows_is_told_with_those_like_it(inventory_of):
    with pytest.raises((DataError, FactorError), match="did you mean 'Natural gas'"):
        inventory_of({"activity": "naturel gas"})
