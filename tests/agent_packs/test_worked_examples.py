"""Figures that people work out by hand or that publishers print, against what the packs compute.

Published values: UK Government GHG Conversion Factors for Company Reporting, 2024 v1.1 and 2025 v1; US EPA
GHG Emission Factors Hub, 15 January 2025, tables 8 to 10 and 12.
"""

import importlib
from decimal import Decimal

import pytest

from greenlang.carbon import build_inventory
from greenlang.errors import DataError

UK = {"region": "GB", "period": "2025-03"}

AGENTS = {
    "commuting.employees": "greenlang_commuting",
    "electricity.location_based": "greenlang_electricity",
    "freight.downstream": "greenlang_freight",
    "freight.upstream": "greenlang_freight",
    "fuels.mobile": "greenlang_fuels",
    "fuels.stationary": "greenlang_fuels",
    "materials.purchased": "greenlang_materials",
    "refrigerants.leakage": "greenlang_refrigerants",
    "travel.business": "greenlang_travel",
    "upstream.energy": "greenlang_upstream",
    "vehicles.driven": "greenlang_vehicles",
    "waste.generated": "greenlang_waste",
    "water.used": "greenlang_water",
}


def agent(name):
    return getattr(importlib.import_module(f"{AGENTS[name]}.agents"), name.partition(".")[2])


def activities(name, activity_data):
    """What an agent has factors for."""
    made = agent(name).spec.function(activity_data({"quantity": "0"}))
    return [activity for part in (made if isinstance(made, list) else [made]) for activity in part.activities]


@pytest.fixture(scope="session")
def computed(activity_data):
    """Computes rows with some agents: CO2e of each row, and the inventory."""

    def compute(names, *rows, **policy):
        data = activity_data(*rows, **policy)
        inventory = build_inventory([agent(name).spec.function(data) for name in names.split()])
        return inventory.co2e_by_row("location-based").to_decimals(), inventory

    return compute


@pytest.mark.parametrize(
    ("name", "activity", "quantity", "unit", "kg"),
    [
        # 2025: factor times quantity, worked out by hand.
        ("fuels.stationary", "natural gas", "1000", "kWh (gross CV)", "182.96"),
        ("fuels.stationary", "natural gas", "1000", "m3", "2066.72"),
        ("fuels.stationary", "butane", "1", "tonne", "3033.38067"),
        ("electricity.location_based", "electricity", "10", "MWh", "1770"),
        ("electricity.location_based", "district heat", "1000", "kWh", "175.29"),
        ("upstream.energy", "grid losses", "1000", "kWh", "18.53"),
        ("upstream.energy", "WTT electricity", "1000", "kWh", "45.90"),
        ("water.used", "tap water", "100", "m3", "19.13"),
        ("water.used", "wastewater", "2", "ML", "341.75098"),
        (
            "travel.business",
            "Flight, Domestic, to/from UK, Average passenger, With RF",
            "100",
            "p.km",
            "22.928",
        ),
        ("travel.business", "domestic flight, average passenger, without RF", "100", "p.km", "13.552"),
        ("travel.business", "ferry", "50", "passenger-km", "5.635"),
        ("commuting.employees", "working from home", "100", "FTE working hours", "33.378"),
    ],
)
def test_uk_figures_of_2025_are_multiplied_as_published(computed, name, activity, quantity, unit, kg):
    row = {**UK, "activity": activity, "quantity": quantity, "unit": unit}
    figures, inventory = computed(name, row)
    assert figures == [Decimal(kg)]
    assert inventory.missing == ()
    assert inventory.fallbacks == ()


def test_each_year_has_its_own_edition(computed):
    power = {**UK, "activity": "electricity", "quantity": "1000", "unit": "kWh"}
    rows = [{**power, "period": period} for period in ("2024", "2025", "2024-12-31/2025-01-01", "2026")]
    figures, inventory = computed("electricity.location_based", *rows)
    assert figures == [Decimal("207.05"), Decimal(177), Decimal("192.025"), Decimal(177)]
    recorded = {(one.fallback.kind, tuple(one.rows.tolist())) for one in inventory.fallbacks}
    assert recorded == {("straddle", (2,)), ("vintage", (3,))}
    with pytest.raises(DataError, match="no edition applies in 2026"):
        computed("electricity.location_based", rows[3], vintage="strict")


def test_the_published_uk_total_is_taken_and_not_the_sum_of_its_parts(computed):
    # 2025 electricity: CO2 0.17489 + CH4 0.00090 + N2O 0.00122 = 0.17701, printed as 0.17700.
    figures, inventory = computed(
        "electricity.location_based", {**UK, "activity": "electricity", "quantity": "100000", "unit": "kWh"}
    )
    assert figures == [17700]
    assert {gas.gas for part in inventory.parts for gas in part.gases if gas.mass is None} == {"CO2e"}


def test_a_uk_total_is_refused_under_another_gwp_set(computed):
    row = {**UK, "activity": "natural gas", "quantity": "1000", "unit": "m3"}
    with pytest.raises(DataError, match="is CO2e under AR5, this inventory is under AR6"):
        computed("fuels.stationary", row, gwp_set="AR6")


def test_biogenic_co2_of_uk_biofuels_stands_apart(computed):
    # 2025, wood logs: 1436.23 kg of biogenic CO2 per tonne, outside of scopes.
    row = {**UK, "activity": "wood logs", "quantity": "2", "unit": "t"}
    figures, inventory = computed("fuels.stationary", row)
    (total,) = inventory.totals
    assert total.biogenic_co2 == Decimal("2872.46")
    assert total.co2e == figures[0] < 200


def test_forecourt_diesel_has_a_total_and_the_biogenic_co2_of_its_blend(computed):
    # 2025 outside of scopes: 0.14 kg per litre of diesel with the average biofuel blend.
    row = {**UK, "activity": "diesel", "quantity": "1000", "unit": "L", "method": "mobile"}
    _, inventory = computed("fuels.stationary fuels.mobile", row)
    assert [part.agent for part in inventory.parts if len(part.rows)] == ["fuels.mobile"]
    (total,) = (total for total in inventory.totals if total.rows)
    assert total.biogenic_co2 == 140


def test_diesel_means_the_fuel_of_the_rows_country(computed):
    us = {"activity": "diesel", "quantity": "1", "unit": "gal", "region": "US"}
    _, inventory = computed("fuels.stationary fuels.mobile", us)
    assert inventory.lines[-1].activity == "Diesel Fuel"
    # Burnt in a boiler or in a car? In Great Britain both have a factor, and the row has to say.
    with pytest.raises(DataError, match=r"is taken by fuels\.stationary"):
        computed("fuels.stationary fuels.mobile", {**UK, **us, "region": "GB"})


@pytest.mark.parametrize("unit", ["mi", "vehicle-mile", "miles"])
def test_a_distance_said_of_a_vehicle_is_one_of_the_vehicle(computed, unit):
    # EPA table 10: 0.297 kg CO2, 0.0059 g CH4 per vehicle-mile of a passenger car.
    row = {"activity": "Passenger Car", "quantity": "1000", "unit": unit, "region": "US"}
    _, inventory = computed("travel.business", row)
    gases = inventory.totals[0].gases
    assert (gases["CO2"], gases["CH4"]) == (Decimal(297), Decimal("0.0059"))
    assert inventory.missing == ()


def test_a_distance_is_not_taken_for_that_of_a_passenger(computed):
    row = {**UK, "activity": "national rail", "quantity": "100", "unit": "km"}
    with pytest.raises(DataError, match=r"its factors are per 'p\.km'"):
        computed("travel.business", row)


def test_miles_and_kilometres_each_have_the_figure_that_is_published_for_them(computed):
    # The publisher rounds both: no one figure gives the other by 1.609344.
    car = {**UK, "activity": "Average car, Diesel", "quantity": "1000"}
    (miles, kilometres), _ = computed("vehicles.driven", {**car, "unit": "mi"}, {**car, "unit": "km"})
    assert (miles, kilometres) == (Decimal("278.49"), Decimal("173.04"))


def test_the_same_car_in_two_categories_is_refused_until_the_row_says_which(computed):
    car = {**UK, "activity": "Average car, Diesel", "quantity": "10", "unit": "mi"}
    names = "vehicles.driven travel.business commuting.employees"
    with pytest.raises(DataError) as refused:
        computed(names, car)
    assert "business travel" in refused.value.problems[0].fix
    _, inventory = computed(names, {**car, "method": "employee commuting"})
    assert [part.agent for part in inventory.parts if len(part.rows)] == ["commuting.employees"]


def test_radiative_forcing_is_never_chosen_for_the_user(computed):
    row = {**UK, "activity": "long-haul flight, economy class", "quantity": "1", "unit": "p.km"}
    with pytest.raises(DataError) as refused:
        computed("travel.business", row)
    assert "with RF" in refused.value.problems[0].fix


def test_a_night_in_a_hotel_has_the_figure_of_the_hotels_country(computed):
    night = {"activity": "hotel", "quantity": "2", "unit": "room-nights", "period": "2025-03"}
    figures, _ = computed("travel.business", *({**night, "region": region} for region in ("GB", "FR", "US")))
    assert len(set(figures)) == 3
    with pytest.raises(DataError, match="no factor for 'Hotel stay' in region 'IE'"):
        computed("travel.business", {**night, "region": "IE"})


def test_water_is_a_purchased_good_and_waste_water_is_waste(computed):
    rows = [
        {**UK, "activity": activity, "quantity": "1", "unit": "m3"} for activity in ("tap water", "sewage")
    ]
    _, inventory = computed("water.used", *rows)
    assert {(line.activity, line.category) for line in inventory.lines} == {
        ("Water supply", "purchased goods and services"),
        ("Water treatment", "waste generated in operations"),
    }


def test_agents_of_one_category_do_not_take_the_same_activity_of_the_users_own(activity_data):
    own = (
        "activity,gas,value,unit,category\n"
        "Sludge,CO2,3,kg/t,waste generated in operations\nTimber,CO2,7,kg/t,purchased goods and services\n"
    )
    rows = [{"activity": activity, "quantity": "1", "unit": "t"} for activity in ("sludge", "timber")]
    data = activity_data(*rows, factors=own)
    names = ("materials.purchased", "waste.generated", "water.used")
    inventory = build_inventory([agent(name).spec.function(data) for name in names])
    assert [(line.activity, line.co2e) for line in inventory.lines] == [("Timber", 7), ("Sludge", 3)]


def test_freight_by_weight_and_distance(computed):
    # EPA table 8: 0.186 kg CO2 per short ton-mile of a medium- and heavy-duty truck; rail 0.021.
    rows = [
        {"activity": activity, "quantity": "1000", "unit": "short ton-mile", "region": "US"}
        for activity in ("truck", "rail freight")
    ]
    _, inventory = computed("freight.upstream", *rows)
    (co2,) = (gas for gas in inventory.parts[0].gases if gas.gas == "CO2")
    assert co2.mass.to_decimals() == [186, 21]


def test_us_waste_is_ar4_and_uk_waste_is_ar5(computed):
    # EPA table 9: 0.39 t CO2e per short ton of newspaper landfilled.
    us = {"activity": "Newspaper, landfilled", "quantity": "10", "unit": "short ton", "region": "US"}
    assert computed("waste.generated", us, gwp_set="AR4")[0] == [3900]
    with pytest.raises(DataError, match="is CO2e under AR4, this inventory is under AR5"):
        computed("waste.generated", us)
    uk = {**UK, "activity": "Books, Landfill", "quantity": "1", "unit": "t"}
    assert computed("waste.generated", uk)[0][0] > 0


#: EPA hub 2025, table 12, as printed.
BLENDS = {
    "R-401A": 18,
    "R-402A": 1902,
    "R-404A": 3943,
    "R-406A": 0,
    "R-407A": 1923,
    "R-407C": 1624,
    "R-410A": 1924,
    "R-417A": 2127,
    "R-422D": 2473,
    "R-434A": 3075,
    "R-507A": 3985,
    "R-508B": 11698,
}


@pytest.mark.parametrize(("blend", "printed"), BLENDS.items())
def test_blends_have_the_gwp_that_the_epa_prints(computed, blend, printed):
    (figure,), _ = computed(
        "refrigerants.leakage", {"activity": blend, "quantity": "1", "unit": "kg", "region": "US"}
    )
    assert abs(figure - printed) <= Decimal("0.5")


def test_hcfcs_of_a_blend_are_missing_and_never_silently_zero(computed):
    # Table 12: R-401A is 53 percent HCFC-22, 34 percent HCFC-124 and 13 percent HFC-152a; R-406A has no HFC.
    rows = [{"activity": name, "quantity": "1", "unit": "kg"} for name in ("R-401A", "R-406A")]
    for gwp_set, of_hfc in (("AR5", "17.94"), ("AR4", "16.12"), ("AR6", "21.32")):
        figures, inventory = computed("refrigerants.leakage", *rows, gwp_set=gwp_set)
        assert figures == [Decimal(of_hfc), 0]
        assert [(gap.gas, gap.activity) for gap in inventory.missing] == [
            ("HCFC-124", "R-401A"),
            ("HCFC-22", "R-401A"),
            ("HCFC-142b", "R-406A"),
            ("HCFC-22", "R-406A"),
        ]
        assert all("apart from the scopes" in gap.reason for gap in inventory.missing)


def test_an_hcfc_that_the_user_has_a_factor_for_counts(activity_data):
    own = "activity,gas,value,unit,category\nR-22,HCFC-22,1,kg/kg,fugitive emissions\n"
    data = activity_data({"activity": "R-22", "quantity": "2", "unit": "kg"}, factors=own)
    inventory = build_inventory(agent("refrigerants.leakage").spec.function(data))
    assert (inventory.totals[0].co2e, inventory.missing) == (3520, ())


def test_blends_have_the_gwp_of_other_sets_too(computed):
    # EPA hub 2021 and 2022 under AR4: R-410A 2088, R-404A 3922.
    rows = [{"activity": name, "quantity": "1", "unit": "kg"} for name in ("R410A", "R-404A")]
    figures, inventory = computed("refrigerants.leakage", *rows, gwp_set="AR4")
    assert [round(figure) for figure in figures] == [2088, 3922]
    assert inventory.fallbacks == ()
    assert set(inventory.totals[0].gases) == {"HFC-32", "HFC-125", "HFC-134a", "HFC-143a"}


def test_the_misprinted_blend_is_computed_from_its_composition(computed):
    # The hub prints 3104 for R-424A; its composition gives 2211.85, and the UK figure is 2212.
    row = {"activity": "R-424A", "quantity": "1", "unit": "kg"}
    assert computed("refrigerants.leakage", row)[0] == [Decimal("2211.85")]


def test_uk_totals_of_refrigerants_agree_with_the_compositions(computed):
    names = ("R404A", "R407A", "R407C", "R410A", "R417A", "R422D", "R507A", "R508B")
    rows = [{**UK, "activity": name, "quantity": "1", "unit": "kg"} for name in names]
    uk = [{**row, "activity": f"{row['activity']} (Kyoto products only)"} for row in rows]
    ours, _ = computed("refrigerants.leakage", *rows)
    theirs, _ = computed("refrigerants.leakage", *uk)
    for name, one, other in zip(names, ours, theirs, strict=True):
        assert abs(one - other) <= 1, name


@pytest.mark.parametrize("gwp_set", ["AR4", "AR5", "AR6"])
def test_leaks_of_a_pure_gas_follow_the_gwp_set(computed, gwp_set):
    # IPCC 100-year GWPs of SF6: AR4 table 2.14, AR5 table 8.A.1, AR6 table 7.SM.7.
    printed = {"AR4": 22800, "AR5": 23500, "AR6": 25200}[gwp_set]
    row = {"activity": "sulphur hexafluoride", "quantity": "2", "unit": "kg", "region": "DE"}
    figures, inventory = computed("refrigerants.leakage", row, gwp_set=gwp_set)
    assert figures == [2 * printed]
    assert inventory.missing == ()


@pytest.mark.parametrize("name", sorted(AGENTS))
@pytest.mark.parametrize("unit", ["bananas", "V", "kWh (something)"])
def test_no_agent_ignores_a_unit(activity_data, name, unit):
    row = {"activity": sorted(activities(name, activity_data))[0], "unit": unit}
    with pytest.raises(DataError, match="column 'unit'"):
        build_inventory([agent(name).spec.function(activity_data(row))])


@pytest.mark.parametrize("region", ["ZZ", "AQ", ""])
@pytest.mark.parametrize("name", sorted(set(AGENTS) - {"refrigerants.leakage"}))
def test_no_agent_takes_the_factor_of_another_country(activity_data, name, region):
    known = next(text for text in activities(name, activity_data) if not text.endswith("RF"))
    row = {"activity": known, "region": region}
    with pytest.raises(DataError, match="column 'region'"):
        build_inventory([agent(name).spec.function(activity_data(row))])
