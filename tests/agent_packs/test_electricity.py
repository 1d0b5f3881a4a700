"""Purchased electricity and steam by both methods of the GHG Protocol Scope 2 Guidance, worked out by hand.

Published values: US EPA GHG Emission Factors Hub, 15 January 2025, table 6 (eGRID2023, total output, lb per
MWh) and table 7 (steam and heat); the pound is 0.45359237 kg by definition.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.agents import Resource
from greenlang.carbon import build_inventory, inventory_summary, result_table
from greenlang.carbon.agents import totals
from greenlang.errors import DataError, InputError
from greenlang.exact import round_
from greenlang_electricity.agents import location_based, market_based

LB = Decimal("0.45359237")

#: Table 6: CO2, CH4 and N2O in lb per MWh.
NWPP = (Decimal("631.705"), Decimal("0.054"), Decimal("0.008"))
ERCT = (Decimal("738.038"), Decimal("0.043"), Decimal("0.006"))
US = (Decimal("771.523"), Decimal("0.057"), Decimal("0.008"))

LOCATION, MARKET = "location-based", "market-based"

POWER = {"activity": "electricity", "quantity": "120", "unit": "MWh", "region": "NWPP"}

CONTRACTS = """\
activity,gas,value,unit,region,category,kind,holder,gwp_basis,biogenic
Electricity,CO2e,83.2,kg/MWh,US,purchased electricity,supplier,Cascade Power,AR5,
Electricity,CO2,0,kg/MWh,US,purchased electricity,instrument,Mesa Wind,,
Electricity,CH4,0,kg/MWh,US,purchased electricity,instrument,Mesa Wind,,
Electricity,N2O,0,kg/MWh,US,purchased electricity,instrument,Mesa Wind,,
Electricity,CO2,1000,kg/MWh,US,purchased electricity,instrument,Forest Heat,,yes
"""

RESIDUAL = (
    "activity,gas,value,unit,region,category,kind\n"
    "Electricity,CO2,400,kg/MWh,ERCT,purchased electricity,residual-mix\n"
)


def by_hand(mwh, rates):
    """CO2e under IPCC AR5 WG1 table 8.A.1: methane 28, nitrous oxide 265."""
    co2, ch4, n2o = (mwh * LB * rate for rate in rates)
    return co2 + ch4 * 28 + n2o * 265


def co2e(inventory, method):
    (total,) = (total for total in inventory.totals if total.method == method)
    return total.co2e


@pytest.mark.parametrize(("region", "rates"), [("NWPP", NWPP), ("ERCT", ERCT), ("US", US)])
def test_location_based_is_the_average_of_the_grid(inventory_of, kilograms, region, rates):
    inventory = inventory_of({**POWER, "region": region})
    assert {gas: mass for gas, (mass, _) in kilograms(inventory, LOCATION).items()} == {
        gas: 120 * LB * rate for gas, rate in zip(("CO2", "CH4", "N2O"), rates, strict=True)
    }
    assert co2e(inventory, LOCATION) == by_hand(120, rates)


def test_kwh_and_mwh_are_told_apart(inventory_of):
    assert co2e(inventory_of({**POWER, "quantity": "120000", "unit": "kWh"}), LOCATION) == by_hand(120, NWPP)


def test_steam_has_the_factors_of_table_7(inventory_of, kilograms):
    # 66.33 kg CO2, 1.250 g CH4 and 0.125 g N2O per mmBtu.
    inventory = inventory_of({"activity": "district steam", "quantity": "310", "unit": "MMBtu"})
    assert {gas: mass for gas, (mass, _) in kilograms(inventory, LOCATION).items()} == {
        "CO2": Decimal("20562.3"),
        "CH4": Decimal("0.3875"),
        "N2O": Decimal("0.03875"),
    }


def test_a_state_takes_the_average_of_its_country_and_that_is_recorded(inventory_of):
    inventory = inventory_of({**POWER, "region": "US-WA"})
    assert co2e(inventory, LOCATION) == by_hand(120, US)
    recorded = {(one.fallback.kind, one.fallback.wanted, one.fallback.used) for one in inventory.fallbacks}
    assert ("region", "US-WA", "US") in recorded


@pytest.mark.parametrize("region", ["FR", "DE", ""])
def test_no_other_country_gets_the_factors_of_the_us(inventory_of, region):
    with pytest.raises(DataError, match="row 2, column 'region'"):
        inventory_of({**POWER, "region": region})
    inventory = inventory_of(POWER, {**POWER, "region": region}, on_error="skip")
    assert co2e(inventory, LOCATION) == by_hand(120, NWPP)
    assert {skip.row for skip in inventory.skipped} == {1}


def test_without_contracts_the_grid_average_is_a_recorded_fallback_of_the_market_based_method(inventory_of):
    inventory = inventory_of(POWER)
    assert co2e(inventory, MARKET) == by_hand(120, NWPP)
    (fallback,) = inventory.fallbacks
    assert (fallback.method, fallback.fallback.kind, fallback.fallback.used) == (
        MARKET,
        "method",
        "grid average",
    )
    with pytest.raises(DataError, match="method 'market-based' would fall back to 'grid average'"):
        inventory_of(POWER, forbidden_fallbacks=("method",))


def test_the_residual_mix_comes_before_the_grid_average(inventory_of):
    inventory = inventory_of({**POWER, "region": "ERCT"}, factors=RESIDUAL)
    assert co2e(inventory, MARKET) == 48000
    assert co2e(inventory, LOCATION) == by_hand(120, ERCT)
    assert inventory.fallbacks == ()
    # It is for one subregion, and no other takes it.
    assert co2e(inventory_of(POWER, factors=RESIDUAL), MARKET) == by_hand(120, NWPP)


def test_a_supplier_counts_by_the_market_and_never_by_the_location(inventory_of, kilograms):
    inventory = inventory_of({**POWER, "tags": "supplier=cascade power"}, factors=CONTRACTS)
    assert kilograms(inventory, MARKET) == {"CO2e": (None, Decimal(9984))}
    assert co2e(inventory, LOCATION) == by_hand(120, NWPP)
    assert inventory.fallbacks == ()


@pytest.mark.parametrize("tags", ["supplier=Nobody", "instrument=Nothing"])
def test_a_contract_without_a_factor_is_refused_and_not_replaced(inventory_of, tags):
    with pytest.raises(DataError, match="row 2, column 'tags': there is no factor for 'Electricity'"):
        inventory_of({**POWER, "tags": tags}, factors=CONTRACTS)


def test_an_instrument_covers_the_whole_quantity_unless_it_says_how_much(inventory_of):
    inventory = inventory_of({**POWER, "tags": "instrument=Mesa Wind"}, factors=CONTRACTS)
    assert co2e(inventory, MARKET) == 0
    assert co2e(inventory, LOCATION) == by_hand(120, NWPP)


def test_what_an_instrument_does_not_cover_goes_down_the_ladder(inventory_of, kilograms):
    tags = "instrument=Mesa Wind; instrument_quantity=30"
    inventory = inventory_of({**POWER, "tags": tags}, factors=CONTRACTS)
    assert co2e(inventory, MARKET) == by_hand(90, NWPP)
    inventory = inventory_of({**POWER, "tags": f"{tags}; supplier=Cascade Power"}, factors=CONTRACTS)
    assert co2e(inventory, MARKET) == 90 * Decimal("83.2")


def test_the_same_cover_is_another_share_of_another_quantity(inventory_of):
    tags = "instrument=Mesa Wind; instrument_quantity=30"
    rows = [{**POWER, "quantity": quantity, "tags": tags} for quantity in ("60", "120")]
    figures = inventory_of(*rows, factors=CONTRACTS).co2e_by_row(MARKET).to_decimals()
    assert figures == [by_hand(30, NWPP), by_hand(90, NWPP)]


def test_biogenic_and_fossil_co2_of_one_row_stay_apart(inventory_of, kilograms):
    tags = "instrument=Forest Heat; instrument_quantity=30"
    inventory = inventory_of({**POWER, "tags": tags}, factors=CONTRACTS)
    found = kilograms(inventory, MARKET)
    assert found["CO2 biogenic"] == (Decimal(30000), None)
    assert found["CO2"][0] == 90 * LB * NWPP[0]
    assert co2e(inventory, MARKET) == by_hand(90, NWPP)


def test_gases_that_an_instrument_does_not_give_are_missing_for_its_part(inventory_of):
    tags = "instrument=Forest Heat; instrument_quantity=30"
    inventory = inventory_of({**POWER, "tags": tags}, factors=CONTRACTS)
    assert [(gap.gas, gap.reason, gap.rows.tolist()) for gap in inventory.missing] == [
        ("CH4", "a part of the quantity has no factor for it", [0]),
        ("N2O", "a part of the quantity has no factor for it", [0]),
    ]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.fractions(min_value=0, max_value=1, max_denominator=10**4)),
        min_size=1,
        max_size=6,
    )
)
def test_partial_cover_is_exact_for_every_row(activity_data, rows):
    cells = []
    for kwh, share in rows:
        covered = int(kwh * share)
        tags = f"instrument=Mesa Wind; instrument_quantity={covered}"
        cells.append({**POWER, "quantity": str(kwh), "unit": "kWh", "tags": tags})
    data = activity_data(*cells, factors=CONTRACTS)
    inventory = build_inventory([location_based.spec.function(data), market_based.spec.function(data)])
    figures = inventory.co2e_by_row(MARKET).to_decimals()
    for (kwh, share), figure in zip(rows, figures, strict=True):
        rest = Fraction(kwh - int(kwh * share), 1000) * Fraction(LB)
        masses = [round_(rest * Fraction(rate), 12) for rate in NWPP]
        assert figure == masses[0] + round_(masses[1] * 28, 12) + round_(masses[2] * 265, 12)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("instrument=Mesa Wind; instrument_quantity=121", "is not between 0 and the row's quantity"),
        ("instrument=Mesa Wind; instrument_quantity=-1", "is not between 0 and the row's quantity"),
        ("instrument=Mesa Wind; instrument_quantity=1,5", "instrument_quantity: '1,5'"),
        ("instrument=Mesa Wind; instrument_quantity=all", "instrument_quantity: 'all'"),
        ("instrument_quantity=30", "of no instrument"),
    ],
)
def test_a_cover_that_is_wrong_is_refused_by_row(inventory_of, tags, words):
    with pytest.raises(DataError) as refused:
        inventory_of(POWER, {**POWER, "tags": tags}, factors=CONTRACTS)
    (problem,) = refused.value.problems
    assert (problem.row, problem.column) == (3, "tags")
    assert words in problem.message


def test_nothing_bought_is_nothing_emitted(inventory_of):
    tags = "instrument=Mesa Wind; instrument_quantity=0"
    inventory = inventory_of({**POWER, "quantity": "0", "tags": tags}, factors=CONTRACTS)
    assert co2e(inventory, MARKET) == co2e(inventory, LOCATION) == 0


def test_the_methods_stand_side_by_side_and_are_never_added(inventory_of):
    inventory = inventory_of({**POWER, "tags": "supplier=Cascade Power"}, {}, factors=CONTRACTS)
    totals = {(total.scope, total.method): total.co2e for total in inventory.totals}
    # 1500 mmBtu of natural gas, as worked out for the fuels.
    assert totals == {
        (1, ""): Decimal("79671.75"),
        (2, LOCATION): by_hand(120, NWPP),
        (2, MARKET): Decimal(9984),
    }
    for method in (LOCATION, MARKET):
        assert inventory.co2e_by_row(method).sum() == totals[1, ""] + totals[2, method]
    assert inventory.co2e_by_row().sum() == totals[1, ""]


@pytest.mark.parametrize(("method", "other"), [(LOCATION, MARKET), (MARKET, LOCATION)])
def test_a_row_may_be_for_one_method_alone(inventory_of, method, other):
    inventory = inventory_of({**POWER, "method": method})
    assert [total.method for total in inventory.totals if total.rows] == [method]


def test_a_supplier_under_another_gwp_set_is_refused_by_row(inventory_of):
    row = {**POWER, "tags": "supplier=Cascade Power"}
    with pytest.raises(DataError, match="is CO2e under AR5, this inventory is under AR4"):
        inventory_of(row, factors=CONTRACTS, gwp_set="AR4")
    inventory = inventory_of(POWER, row, factors=CONTRACTS, gwp_set="AR4", on_error="skip")
    assert [skip.row for skip in inventory.skipped] == [1]
    # The row takes no part by either method, and stands in neither total.
    assert [total.rows for total in inventory.totals if total.scope == 2] == [1, 1]


def test_a_supplier_without_a_gwp_basis_is_labelled(inventory_of):
    own = CONTRACTS.replace("Cascade Power,AR5", "Cascade Power,")
    summary = inventory_summary(
        inventory_of({**POWER, "tags": "supplier=Cascade Power"}, factors=own, gwp_set="AR6")
    )
    (labelled,) = summary["co2e_as_published"]
    assert labelled["gwp_basis"] == "unspecified"


def test_the_origin_of_the_grids_methane_is_not_guessed(inventory_of):
    with pytest.raises(DataError, match="has two values for CH4, by origin"):
        inventory_of(POWER, gwp_set="AR6-7.15")


def test_a_program_may_name_the_factors_of_contracts(activity_data):
    data = activity_data({**POWER, "tags": "supplier=Cascade Power"})
    factors = Resource.of("contracts.csv", CONTRACTS)
    emissions = market_based.spec.function(data, factors=factors)
    assert build_inventory(emissions).totals[0].co2e == 9984


def test_an_energy_of_the_users_own_is_taken_by_its_category(inventory_of):
    own = "activity,gas,value,unit,category\nChilled Water,CO2,0.05,kg/kWh,purchased energy\n"
    inventory = inventory_of({"activity": "chilled water", "quantity": "1000", "unit": "kWh"}, factors=own)
    assert co2e(inventory, LOCATION) == co2e(inventory, MARKET) == 50


def test_an_energy_that_one_method_alone_has_a_factor_for_is_told_and_not_left_out_of_the_other(
    activity_data,
):
    contracts = Resource.of(
        "contracts.csv", "activity,gas,value,unit,category\nChilled Water,CO2,0.05,kg/kWh,purchased energy\n"
    )
    water = {"activity": "chilled water", "quantity": "1000", "unit": "kWh"}

    def inventory(row):
        data = activity_data(POWER, row)
        return build_inventory(
            [location_based.spec.function(data), market_based.spec.function(data, factors=contracts)]
        )

    with pytest.raises(
        DataError,
        match="row 3, column 'method': 'chilled water' is counted market-based and not location-based",
    ):
        inventory(water)
    both = inventory({**water, "method": "market-based"})
    assert co2e(both, MARKET) - co2e(both, LOCATION) == 50


def test_totals_by_a_method_that_nothing_was_computed_by_are_refused(activity_data):
    data = activity_data(POWER)
    inventory = build_inventory(location_based.spec.function(data))
    with pytest.raises(InputError, match=r"are to be market-based, and .* are location-based only"):
        totals.spec.function(inventory, by="site", method=MARKET)


def test_a_group_of_rows_for_the_other_method_alone_has_no_total(inventory_of):
    inventory = inventory_of({**POWER, "site": "South", "method": MARKET}, {**POWER, "site": "North"})
    by_location, by_market = (
        dict(totals.spec.function(inventory, by="site", method=method).rows) for method in (LOCATION, MARKET)
    )
    assert by_location["South"] == ""
    assert by_location["North"] == by_market["South"] == by_market["North"] != ""
    assert result_table(totals.spec.function(inventory, by="site")).columns[1].cells[0] is None
