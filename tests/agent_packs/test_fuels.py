"""Stationary and mobile combustion, held to figures of the US EPA worked out by hand.

Published values: US EPA GHG Emission Factors Hub, 15 January 2025, tables 1 to 5; they are typed here.
Warming potentials: IPCC AR5 WG1 table 8.A.1, methane 28 and nitrous oxide 265.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.errors import DataError, FactorError
from greenlang_fuels.distances import parse_distance

METHANE, NITROUS_OXIDE = 28, 265

#: Exact by definition: the gallon of 231 cubic inches, the short ton of 2000 lb, the mile of 1760 yards.
LITRES_PER_GALLON = Decimal("3.785411784")

CAR = "vehicle=Gasoline Passenger Cars; model_year=2015"
EXCAVATOR = "vehicle=Construction/Mining Equipment; engine=Diesel Equipment"


def masses(found):
    return {gas: mass for gas, (mass, _) in found.items()}


def missing(inventory):
    return {(gap.gas, gap.activity): (gap.reason, gap.rows.tolist()) for gap in inventory.missing}


@pytest.mark.parametrize(
    ("activity", "quantity", "unit", "per_unit"),
    [
        # Table 1: kg CO2, g CH4 and g N2O per mmBtu or per unit, never the one for the other.
        ("natural gas", "1500", "MMBtu", ("53.06", "1.0", "0.10")),
        ("natural gas", "1500000", "scf", ("0.05444", "0.00103", "0.00010")),
        ("Distillate Fuel Oil No. 2", "420", "gal", ("10.21", "0.41", "0.08")),
        ("Distillate Fuel Oil No. 2", "420", "MMBtu", ("73.96", "3.0", "0.60")),
        ("propane", "12.5", "gal", ("5.72", "0.27", "0.05")),
        ("bituminous coal", "18", "short ton", ("2325", "274", "40")),
        ("bituminous coal", "18", "ton", ("2325", "274", "40")),
        ("bituminous coal", "18", "MMBtu (HHV)", ("93.28", "11", "1.6")),
    ],
)
def test_stationary_fuel_gives_the_published_factors_times_the_quantity(
    inventory_of, kilograms, activity, quantity, unit, per_unit
):
    row = {"activity": activity, "quantity": quantity, "unit": unit, "method": "stationary"}
    inventory = inventory_of(row)
    co2, ch4, n2o = (Decimal(quantity) * Decimal(value) for value in per_unit)
    expected = {"CO2": co2, "CH4": ch4 / 1000, "N2O": n2o / 1000}
    found = kilograms(inventory)
    assert masses(found) == expected
    assert inventory.totals[0].co2e == (co2 + expected["CH4"] * METHANE + expected["N2O"] * NITROUS_OXIDE)
    assert inventory.missing == ()


def test_co2_of_biomass_stands_apart_and_its_other_gases_count(inventory_of, kilograms):
    # Table 1: landfill gas 52.07 kg CO2, 3.2 g CH4, 0.63 g N2O per mmBtu.
    inventory = inventory_of({"activity": "landfill gas", "quantity": "1000"})
    found = kilograms(inventory)
    assert found["CO2 biogenic"] == (Decimal(52070), None)
    assert found["CH4"] == (Decimal("3.2"), Decimal("89.6"))
    assert found["N2O"] == (Decimal("0.63"), Decimal("166.95"))
    (total,) = inventory.totals
    assert total.co2e == Decimal("256.55")
    assert total.biogenic_co2 == Decimal(52070)
    assert "CO2" not in total.gases


def test_heat_without_a_basis_takes_that_of_the_factor_and_records_it(inventory_of):
    inventory = inventory_of({"unit": "MMBtu"})
    assert [(one.fallback.kind, one.fallback.used) for one in inventory.fallbacks] == [("heat basis", "HHV")]
    assert inventory_of({"unit": "MMBtu (HHV)"}).fallbacks == ()
    with pytest.raises(DataError, match=r"column 'unit': a quantity in mmBtu \(LHV\)"):
        inventory_of({"unit": "MMBtu (net CV)"})


def test_a_state_takes_the_factors_of_its_country_and_that_is_recorded(inventory_of):
    inventory = inventory_of({"region": "US-WA", "unit": "scf"})
    assert [(one.fallback.kind, one.fallback.wanted, one.fallback.used) for one in inventory.fallbacks] == [
        ("region", "US-WA", "US")
    ]
    with pytest.raises(DataError, match="region 'US-WA' would fall back to 'US', which is forbidden"):
        inventory_of({"region": "US-WA", "unit": "scf"}, forbidden_fallbacks=("region",))


@pytest.mark.parametrize("unit", ["bananas", "kg", "kWh (net CV)", "m"])
def test_a_unit_is_never_ignored(inventory_of, unit):
    with pytest.raises(DataError, match="row 2, column 'unit'"):
        inventory_of({"unit": unit})


def test_litres_and_gallons_are_not_the_same(inventory_of):
    gallons, litres = (
        inventory_of({"activity": "Distillate Fuel Oil No. 2", "quantity": "1000", "unit": unit}).totals[0]
        for unit in ("gal", "L")
    )
    assert gallons.gases["CO2"] == Decimal(10210)
    assert abs(litres.gases["CO2"] - Decimal(10210) / LITRES_PER_GALLON) < Decimal("1e-12")


def test_the_year_matters(inventory_of):
    # The hub of 15 January 2025 sets no end: it is in force from that day, and nearest before it.
    assert inventory_of({"period": "2026", "unit": "scf"}).fallbacks == ()
    (vintage,) = inventory_of({"period": "1995", "unit": "scf"}).fallbacks
    assert (vintage.fallback.kind, vintage.fallback.wanted) == ("vintage", "1995-01-01/1995-12-31")
    with pytest.raises(DataError, match="column 'period': no edition applies in 1995"):
        inventory_of({"period": "1995", "unit": "scf"}, vintage="strict")


def test_a_fuel_for_boilers_and_for_cars_is_refused_until_the_row_says_which(inventory_of):
    row = {"activity": "motor gasoline", "quantity": "100", "unit": "gal"}
    with pytest.raises(DataError) as refused:
        inventory_of(row)
    (problem,) = refused.value.problems
    assert "fuels.stationary (stationary combustion) and fuels.mobile (mobile combustion)" in problem.message
    assert "mobile combustion or stationary combustion" in problem.fix
    # Tables 1 and 2 both have 8.78 kg CO2 per gallon.
    stationary = inventory_of({**row, "method": "stationary combustion"})
    mobile = inventory_of({**row, "method": "Mobile"})
    assert stationary.totals[0].gases["CO2"] == mobile.totals[0].gases["CO2"] == Decimal(878)
    assert [part.agent for part in mobile.parts if len(part.rows)] == ["fuels.mobile"]


def test_a_car_has_co2_by_its_fuel_and_the_other_gases_by_its_distance(inventory_of, kilograms):
    # Table 2: 8.78 kg CO2 per gallon. Table 3, model year 2015: 0.0068 g CH4 and 0.0042 g N2O per mile.
    inventory = inventory_of(
        {
            "activity": "petrol",
            "quantity": "800",
            "unit": "gal",
            "tags": f"{CAR}; distance=24800 mi",
        }
    )
    assert masses(kilograms(inventory)) == {
        "CO2": Decimal(7024),
        "CH4": Decimal("0.0068") * 24800 / 1000,
        "N2O": Decimal("0.0042") * 24800 / 1000,
    }
    assert inventory.totals[0].co2e == Decimal("7056.32432")
    assert inventory.missing == ()


def test_distances_in_kilometres_are_those_in_miles(inventory_of):
    row = {"activity": "petrol", "quantity": "800", "unit": "gal"}
    totals = {
        inventory_of({**row, "tags": f"{CAR}; distance={distance}"}).totals[0].co2e
        for distance in ("24800 mi", "39911.7312 km", "24800 v.mi", "39911731.2 m")
    }
    assert totals == {Decimal("7056.32432")}


def test_without_a_distance_the_gases_that_depend_on_it_are_missing(inventory_of, kilograms):
    inventory = inventory_of({"activity": "petrol", "quantity": "800", "unit": "gal", "tags": CAR})
    assert masses(kilograms(inventory)) == {"CO2": Decimal(7024)}
    assert set(missing(inventory)) == {("CH4", "Motor Gasoline"), ("N2O", "Motor Gasoline")}
    reason, rows = missing(inventory)["CH4", "Motor Gasoline"]
    assert "tag the row with vehicle, model_year and distance" in reason
    assert rows == [0]


def test_a_vehicle_that_has_all_tags_and_no_factor_is_not_asked_for_tags(inventory_of):
    # Table 3 ends before model year 2025.
    tags = "vehicle=Gasoline Passenger Cars; model_year=2025; distance=24800 mi"
    inventory = inventory_of({"activity": "petrol", "quantity": "800", "unit": "gal", "tags": tags})
    assert missing(inventory)["CH4", "Motor Gasoline"][0] == (
        "its publisher gives no factor for CH4 of this fuel in 'Gasoline Passenger Cars', model year 2025"
    )


def test_a_row_that_is_a_distance_gives_what_depends_on_the_distance_alone(inventory_of, kilograms):
    inventory = inventory_of({"activity": "petrol", "quantity": "24800", "unit": "mi", "tags": CAR})
    assert masses(kilograms(inventory)) == {
        "CH4": Decimal("0.16864"),
        "N2O": Decimal("0.10416"),
    }
    reason, _ = missing(inventory)["CO2", "Motor Gasoline"]
    assert "depends on the fuel burnt" in reason


def test_a_machine_has_all_gases_by_its_fuel(inventory_of, kilograms):
    # Table 2: 10.21 kg CO2 per gallon. Table 5, construction equipment: 1.01 g CH4 and 0.94 g N2O.
    inventory = inventory_of({"activity": "diesel", "quantity": "260", "unit": "gal", "tags": EXCAVATOR})
    assert masses(kilograms(inventory)) == {
        "CO2": Decimal("2654.6"),
        "CH4": Decimal("0.2626"),
        "N2O": Decimal("0.2444"),
    }
    assert inventory.missing == ()


def test_ethanol_of_a_bus_is_biogenic_and_its_methane_counts(inventory_of, kilograms):
    # Table 2: 5.75 kg CO2 per gallon of ethanol. Table 4, buses: 0.1900 g CH4 and 0.0290 g N2O per mile.
    inventory = inventory_of(
        {"activity": "E100", "quantity": "10", "unit": "gal", "tags": "vehicle=buses; distance=100 mi"}
    )
    found = kilograms(inventory)
    assert found["CO2 biogenic"] == (Decimal("57.5"), None)
    assert masses(found)["CH4"] == Decimal("0.019")
    assert inventory.totals[0].co2e == Decimal("0.019") * METHANE + Decimal("0.0029") * NITROUS_OXIDE


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("vehicle=Gasoline Pasenger Cars; model_year=2015", "'Gasoline Passenger Cars'"),
        ("vehicle=Spaceship", "no factor for vehicle 'Spaceship'"),
        (f"{CAR[:-4]}15; distance=5 mi", "model_year '15' is not a year"),
        (f"{CAR}; distance=24,800 mi", "distance '24,800 mi'"),
        (f"{CAR}; distance=24800", "distance '24800'"),
        (f"{CAR}; distance=24800 gal (US)", "is not in a unit of distance"),
        (f"{CAR}; distance=given", "distance 'given'"),
        (f"{CAR}; distance=NaN mi", "distance 'NaN mi'"),
        (f"{CAR}; distance=1e30 mi", "20 digits before the point"),
        (f"{CAR}; distance=0.1234567890123456 mi", "18 after it"),
    ],
)
def test_a_tag_that_is_wrong_is_refused_by_row(inventory_of, tags, words):
    row = {"activity": "petrol", "quantity": "800", "unit": "gal", "tags": tags}
    with pytest.raises(DataError) as refused:
        inventory_of({}, row)
    (problem,) = refused.value.problems
    assert (problem.row, problem.column) == (3, "tags")
    assert words in problem.message + problem.fix
    assert len(inventory_of({}, row, on_error="skip").skipped) == 1


def test_tags_that_cannot_be_read_stop_no_other_row(inventory_of):
    inventory = inventory_of({"tags": "vehicle"}, {}, on_error="skip")
    assert [(skip.row, skip.problem.column) for skip in inventory.skipped] == [(0, "tags")]
    assert inventory.totals[0].co2e == Decimal("79671.75")


OWN = "activity,gas,value,unit,category,gwp_basis,vehicle\n"


def test_the_users_own_total_for_a_fuel_is_not_counted_beside_the_packs_gases(inventory_of, kilograms):
    own = OWN + "Diesel Fuel,CO2e,2.7,kg/L,mobile combustion,AR5,\n"
    row = {"activity": "diesel", "quantity": "100", "unit": "L"}
    for tags in (EXCAVATOR, "vehicle=Medium- and Heavy-Duty Vehicles; model_year=2012; distance=500 mi", ""):
        inventory = inventory_of({**row, "tags": tags}, factors=own)
        assert kilograms(inventory) == {"CO2e": (None, Decimal(270))}
        assert inventory.missing == ()


def test_the_users_own_gas_for_a_fuel_replaces_the_packs_and_is_not_added_to_it(inventory_of, kilograms):
    own = OWN + (
        "Diesel Fuel,CO2,2.6,kg/L,mobile combustion,,\nDiesel Fuel,CH4,0.5,g/L,mobile combustion,,\n"
    )
    inventory = inventory_of(
        {"activity": "diesel", "quantity": "100", "unit": "L", "tags": EXCAVATOR}, factors=own
    )
    found = masses(kilograms(inventory))
    assert (found["CO2"], found["CH4"]) == (Decimal(260), Decimal("0.05"))
    # Table 5: 0.94 g N2O per gallon, which the user's file leaves open.
    assert abs(found["N2O"] - Decimal("0.094") / LITRES_PER_GALLON) < Decimal("1e-12")


def test_a_vehicle_of_the_users_own_is_known(inventory_of, kilograms):
    own = OWN + "Diesel Fuel,CH4,0.2,g/v.km,mobile combustion,,Snow Groomer\n"
    row = {
        "activity": "diesel",
        "quantity": "1",
        "unit": "gal",
        "tags": "vehicle=snow groomer; distance=7 km",
    }
    assert masses(kilograms(inventory_of(row, factors=own)))["CH4"] == Decimal("0.0014")


def test_an_activity_of_the_users_own_is_taken_by_its_category(inventory_of, kilograms):
    own = OWN + "Taxi,CO2e,0.2,kg/km,mobile combustion,AR5,\n"
    inventory = inventory_of({"activity": "taxi", "quantity": "15", "unit": "km"}, factors=own)
    assert kilograms(inventory) == {"CO2e": (None, Decimal(3))}


def test_a_factor_of_a_category_that_nobody_knows_is_told_and_not_passed_over_for_the_packs(inventory_of):
    own = "activity,gas,value,unit,category\nNatural Gas,CO2,12,kg/mmBtu,{}\n"
    for known in ("stationary combustion", "Stationary Combustion", ""):
        assert inventory_of({}, factors=own.format(known)).totals[0].gases["CO2"] == 18000
    with pytest.raises(
        DataError, match="is of category 'stationery combustion', which no agent has"
    ) as refused:
        inventory_of({"activity": "nat gas"}, factors=own.format("stationery combustion"))
    assert "write 'stationary combustion'" in str(refused.value)
    # One for another category of the GHG Protocol is for another program, and says nothing of this one.
    other = inventory_of({}, factors=own.format("process emissions"))
    assert other.totals[0].gases["CO2"] == Decimal(79590)


def test_a_factor_that_is_for_another_scope_is_refused_and_not_reported_in_this_one(inventory_of):
    own = "activity,gas,value,unit,category,scope\nNatural Gas,CO2,12,kg/mmBtu,stationary combustion,{}\n"
    assert inventory_of({}, factors=own.format(1)).totals[0].gases["CO2"] == 18000
    with pytest.raises(DataError, match="'Natural Gas' is for scope 3, and would be reported in scope 1"):
        inventory_of({}, factors=own.format(3))


@given(st.one_of(st.text(max_size=12), st.from_regex(r"-?[0-9.]{1,40} (mi|km|m|ft)", fullmatch=True)))
def test_a_distance_is_read_or_refused_with_what_to_write(text):
    refused = None
    try:
        parse_distance(text)
    except FactorError as error:
        refused = error
    assert refused is None or (refused.place == "tags" and refused.fix)


@given(st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False))
def test_a_mile_is_exactly_1_609344_km(miles):
    assert parse_distance(f"{miles:f} mi") == miles * Decimal("1.609344")
