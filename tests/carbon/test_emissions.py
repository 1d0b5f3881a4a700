"""Quantities times factors: exact, rounded once, per gas and as CO2e under a named GWP set."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.agents import Resource
from greenlang.carbon import (
    Component,
    FactorBook,
    GasRate,
    Selection,
    build_inventory,
    calculate,
    kinds_of_rows,
    load_factors,
    wanted_of,
)
from greenlang.carbon.agents import emissions as emissions_agent
from greenlang.carbon.formulas import CO2E, KG_PLACES, MASS
from greenlang.errors import AgentError, DataError, FactorError
from greenlang_core.decimals import CodeBook, DecimalColumn

#: US EPA GHG Emission Factors Hub, 15 January 2025, table 1: natural gas and wood and wood residuals.
FUELS = """\
activity,gas,value,unit,region,biogenic
Natural Gas,CO2,53.06,kg/mmBtu (HHV),US,no
Natural Gas,CH4,1.0,g/mmBtu (HHV),US,no
Natural Gas,N2O,0.10,g/mmBtu (HHV),US,no
Wood,CO2,1640,kg/short ton,US,yes
Wood,CH4,126,g/short ton,US,yes
Wood,N2O,63,g/short ton,US,yes
"""

#: Warming potentials over 100 years: IPCC AR4 WG1 table 2.14; AR5 WG1 table 8.A.1; AR6 WG1 tables 7.SM.7
#: and 7.15 (methane of fossil and of other origin).
WARMING = {
    "AR4": {"CH4": "25", "N2O": "298"},
    "AR5": {"CH4": "28", "N2O": "265"},
    "AR6": {"CH4": "27.9", "N2O": "273"},
    "AR6-7.15": {"CH4": "29.8", "CH4 biogenic": "27.0", "N2O": "273"},
}


def rounded(exact: Fraction) -> Decimal:
    """Half-even to 12 places, by integers alone."""
    scaled = exact * 10**12
    below = scaled.numerator // scaled.denominator
    rest = scaled - below
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1)
    return Decimal(below + up).scaleb(-12, Context(prec=76))


def every_row(data):
    return np.arange(len(data), dtype=np.int32)


def by_gas(emissions, row=0):
    """Mass and CO2e of one row, by gas."""
    found = {}
    for gas in emissions.gases:
        for position in [list(gas.rows).index(row)] if row in gas.rows else []:
            found[gas.gas] = (
                None if gas.mass is None else gas.mass[position],
                None if gas.co2e is None else gas.co2e[position],
            )
    return found


@pytest.mark.parametrize(("gwp", "total"), [("AR4", "79672.2"), ("AR5", "79671.75"), ("AR6", "79672.8")])
def test_natural_gas_in_mmbtu_is_the_published_factor_times_the_quantity(
    activity_data, emissions_of, gwp, total
):
    (emissions,) = emissions_of(activity_data({}, gwp_set=gwp), FUELS)
    found = by_gas(emissions)
    assert {gas: mass for gas, (mass, _) in found.items()} == {
        "CO2": Decimal("79590"),
        "CH4": Decimal("1.5"),
        "N2O": Decimal("0.15"),
    }
    assert sum(co2e for _, co2e in found.values()) == Decimal(total)


@pytest.mark.parametrize("gwp", sorted(WARMING))
@pytest.mark.parametrize("fuel", ["natural gas", "wood"])
def test_co2e_is_mass_times_the_warming_potential_of_the_set(activity_data, emissions_of, gwp, fuel):
    row = {"activity": fuel, "unit": "MMBtu" if fuel == "natural gas" else "short ton"}
    (emissions,) = emissions_of(activity_data(row, gwp_set=gwp), FUELS)
    for gas, (mass, co2e) in by_gas(emissions).items():
        if gas == "CO2":
            assert co2e == (mass if fuel == "natural gas" else None)
        else:
            key = "CH4 biogenic" if fuel == "wood" and f"{gas} biogenic" in WARMING[gwp] else gas
            assert co2e == mass * Decimal(WARMING[gwp][key])


def test_biogenic_co2_stands_apart_and_its_other_gases_count(activity_data, emissions_of):
    row = {"activity": "wood", "quantity": "10", "unit": "short ton"}
    (emissions,) = emissions_of(activity_data(row), FUELS)
    assert by_gas(emissions) == {
        "CO2": (Decimal(16400), None),
        "CH4": (Decimal("1.26"), Decimal("35.28")),
        "N2O": (Decimal("0.63"), Decimal("166.95")),
    }


def test_a_factor_published_as_co2e_has_no_masses(activity_data, emissions_of):
    factors = "activity,gas,value,unit,gwp_basis\nNatural Gas,CO2e,66.4,kg/mmBtu,AR5\n"
    (emissions,) = emissions_of(activity_data({"quantity": "2"}), factors)
    assert by_gas(emissions) == {"CO2e": (None, Decimal("132.8"))}
    assert emissions.missing == ()


def test_a_factor_published_under_another_gwp_set_is_refused_by_row(activity_data, emissions_of):
    factors = (
        "activity,gas,value,unit,gwp_basis\nOld,CO2e,66.4,kg/mmBtu,AR4\nAny,CO2e,60,kg/mmBtu,unspecified\n"
    )
    (emissions,) = emissions_of(activity_data({"activity": "old"}, {"activity": "any"}), factors)
    ((row, problem),) = emissions.refused
    assert (row, problem.row, problem.column) == (0, 2, "activity")
    assert "CO2e under AR4, this inventory is under AR5" in problem.message
    assert "--gwp AR4" in problem.fix
    assert by_gas(emissions, row=1) == {"CO2e": (None, Decimal(90000))}


@pytest.mark.parametrize("name", ["AR6", "AR6-7.SM.7"])
def test_a_gwp_set_and_its_alias_are_one(activity_data, emissions_of, name):
    factors = f"activity,gas,value,unit,gwp_basis\nNatural Gas,CO2e,60,kg/mmBtu,{name}\n"
    (emissions,) = emissions_of(activity_data({}, gwp_set="AR6"), factors)
    assert emissions.refused == ()


def test_methane_of_unknown_origin_is_refused_under_a_set_that_tells_origins_apart(
    activity_data, emissions_of
):
    factors = "activity,gas,value,unit\nNatural Gas,CH4,1,g/mmBtu\n"
    (emissions,) = emissions_of(activity_data({}, gwp_set="AR6-7.15"), factors)
    ((_, problem),) = emissions.refused
    assert "two values for CH4" in problem.message


def test_a_gas_without_a_factor_is_missing_and_not_zero(activity_data, emissions_of):
    factors = "activity,gas,value,unit\nNatural Gas,CO2,53.06,kg/mmBtu\n"
    (emissions,) = emissions_of(activity_data({}), factors)
    assert set(by_gas(emissions)) == {"CO2"}
    assert [(gap.gas, gap.activity, gap.rows.tolist()) for gap in emissions.missing] == [
        ("CH4", "Natural Gas", [0]),
        ("N2O", "Natural Gas", [0]),
    ]


def test_combustion_gases_are_not_missed_where_nothing_burns(activity_data, emissions_of):
    factors = "activity,gas,value,unit\nLeaks,HFC-134a,1,kg/kg\n"
    (emissions,) = emissions_of(activity_data({"activity": "leaks", "quantity": "2", "unit": "kg"}), factors)
    # IPCC AR5 WG1 table 8.A.1: HFC-134a 1300.
    assert by_gas(emissions) == {"HFC-134a": (Decimal(2), Decimal(2600))}
    assert emissions.missing == ()


@pytest.mark.parametrize("quantity", ["100000000000", "-100000000000", "9e10", "1e19"])
def test_a_row_that_nobody_emits_is_refused_and_the_others_are_computed(
    activity_data, emissions_of, quantity
):
    factors = "activity,gas,value,unit\nHeat,CO2,1000,t/kWh\nHeat,SF6,0.05,t/kWh\n"
    rows = [{"activity": "heat", "unit": "kWh", "quantity": text} for text in ("1", quantity, "2", "8e10")]
    (emissions,) = emissions_of(activity_data(*rows), factors)
    # IPCC AR5 WG1 table 8.A.1: SF6 23500, so 9e10 kWh are 9e16 kg of CO2 and 1.06e17 kg CO2e of SF6.
    ((row, problem),) = emissions.refused
    assert (row, problem.column) == (1, "quantity")
    assert "1e+17 kg of emissions or more" in problem.message
    assert by_gas(emissions, row=0)["CO2"][0] == Decimal(1_000_000)
    assert by_gas(emissions, row=3)["CO2"][0] == Decimal(8 * 10**16)


def test_components_that_count_a_gas_twice_are_a_mistake_of_the_agent(activity_data):
    data = activity_data({})
    one = Selection("Natural Gas", (GasRate("CO2", False, Fraction(1), ()),))
    total = Selection("Natural Gas", (GasRate("CO2e", None, Fraction(1), ()),))
    for components in ([Component(one), Component(one)], [Component(one), Component(total)]):
        with pytest.raises(AgentError, match=r"acme\.burn counts emissions of 'Natural Gas' twice"):
            calculate(
                data,
                agent="acme.burn",
                scope=1,
                category="x",
                kinds=kinds_of_rows(every_row(data), (data.activity,)),
                choose=lambda row, components=components: components,
            )


def test_the_file_of_a_program_has_to_say_the_scope(activity_data):
    with pytest.raises(FactorError, match="does not say which scope"):
        emissions_agent.spec.function(activity_data({}), factors=Resource.of("f.csv", FUELS))
    with pytest.raises(FactorError, match="there is no scope 4"):
        emissions_agent.spec.function(activity_data({}), factors=Resource.of("f.csv", FUELS), scope=4)


def test_the_file_of_a_program_says_the_category_too(activity_data):
    factors = (
        "activity,gas,value,unit,scope,category\n"
        "Car,CO2,1,kg/km,3,business travel\nCar,CO2,2,kg/km,3,employee commuting\nGas,CO2,3,kg/mmBtu,1,\n"
    )
    rows = [
        {"activity": "car", "unit": "km", "quantity": "10", "method": "employee commuting"},
        {"activity": "gas", "unit": "MMBtu", "quantity": "10"},
    ]
    data = activity_data(*rows)
    made = emissions_agent.spec.function(data, factors=Resource.of("f.csv", factors))
    assert [(line.category, line.activity, line.co2e) for line in build_inventory(made).lines] == [
        ("own factors", "Gas", 30),
        ("employee commuting", "Car", 20),
    ]
    # A factor of the run goes before that of the file under the same category alone.
    run = "activity,gas,value,unit,category\nCar,CO2,7,kg/km,business travel\nGas,CO2,9,kg/mmBtu,\n"
    made = emissions_agent.spec.function(
        activity_data(*rows, factors=run), factors=Resource.of("f.csv", factors)
    )
    assert [line.co2e for line in build_inventory(made).lines] == [90, 20]
    made = emissions_agent.spec.function(
        activity_data({**rows[0], "method": ""}), factors=Resource.of("f.csv", factors)
    )
    with pytest.raises(DataError, match="business travel or employee commuting"):
        build_inventory(made)


quantities = st.decimals(
    min_value=-(10**6), max_value=10**6, allow_nan=False, allow_infinity=False, places=9
).map(lambda number: format(number, "f"))
units = st.sampled_from(["kWh", "MWh", "GJ", "MMBtu", "therm", "kBtu"])
values = st.decimals(min_value=0, max_value=10**4, places=6, allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(quantities, units), min_size=1, max_size=12),
    published=st.tuples(values, values, values),
    per=st.sampled_from(["kWh", "mmBtu", "GJ"]),
)
def test_a_column_gives_what_each_record_gives_in_exact_arithmetic(
    activity_data, emissions_of, rows, published, per
):
    joules = {
        "kWh": Fraction(3_600_000),
        "MWh": Fraction(3_600_000_000),
        "GJ": Fraction(10**9),
        "MMBtu": Fraction("1055055852.62"),
        "mmBtu": Fraction("1055055852.62"),
        "therm": Fraction("105505585.262"),
        "kBtu": Fraction("1055055.85262"),
    }
    factors = "activity,gas,value,unit\n" + "".join(
        f"Heat,{gas},{value:f},{mass}/{per}\n"
        for gas, mass, value in zip(("CO2", "CH4", "N2O"), ("kg", "g", "lb"), published, strict=True)
    )
    data = activity_data(*({"activity": "heat", "quantity": text, "unit": unit} for text, unit in rows))
    (emissions,) = emissions_of(data, factors)
    kilograms = {"CO2": Fraction(1), "CH4": Fraction(1, 1000), "N2O": Fraction("0.45359237")}
    for row, (text, unit) in enumerate(rows):
        found = by_gas(emissions, row)
        for gas, value in zip(("CO2", "CH4", "N2O"), published, strict=True):
            exact = Fraction(text) * joules[unit] / joules[per] * Fraction(value) * kilograms[gas]
            mass = rounded(exact)
            warming = {"CO2": 1, "CH4": 28, "N2O": 265}[gas]
            assert found[gas] == (mass, rounded(Fraction(mass) * warming))


ratios = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**9)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=18, allow_nan=False), ratios)
def test_formulas_give_one_record_what_they_give_a_column(amount, rate):
    for formula in (MASS, CO2E):
        column = DecimalColumn.from_decimals([amount], 18)
        quantity, by = formula.operands
        codes = np.zeros(1, dtype=np.int32)
        (of_column,) = formula.of_columns(**{quantity: column, by: CodeBook([rate])[codes]}).to_decimals()
        assert of_column == formula.of_record(amount, rate) == rounded(Fraction(amount) * rate)
        assert formula.of_record(amount, rate).as_tuple().exponent == -KG_PLACES


def test_rounding_is_half_even():
    half = Decimal("0.0000000000005")
    assert MASS.of_record(half, Fraction(1)) == 0
    assert MASS.of_record(half, Fraction(3)) == Decimal("0.000000000002")
    assert half.quantize(Decimal("1e-12"), ROUND_HALF_EVEN) == 0


def test_kinds_are_the_rows_that_are_alike_in_order_of_their_first(activity_data):
    data = activity_data(
        {"unit": "kWh"},
        {"unit": "MMBtu"},
        {"unit": "kWh", "region": "GB"},
        {"unit": "kWh"},
        {"unit": "MMBtu"},
    )
    kinds = kinds_of_rows(every_row(data), (data.unit, data.region))
    assert [(kind.example, kind.rows.tolist()) for kind in kinds] == [(0, [0, 3]), (1, [1, 4]), (2, [2])]
    assert kinds_of_rows(every_row(data)[:0], (data.unit,)) == []


def test_factors_are_chosen_once_for_each_kind(activity_data):
    data = activity_data(*({"quantity": str(number)} for number in range(1, 50)))
    asked = []

    def choose(row):
        asked.append(row)
        return [Component(Selection("Natural Gas", (GasRate("CO2", False, Fraction(2), ()),)))]

    emissions = calculate(
        data,
        agent="acme.burn",
        scope=1,
        category="x",
        kinds=kinds_of_rows(every_row(data), (data.activity, data.unit)),
        choose=choose,
    )
    assert asked == [0]
    assert emissions.gases[0].mass.sum() == 2 * sum(range(1, 50))


def test_a_row_without_a_right_factor_names_the_column_to_blame(activity_data):
    data = activity_data({"unit": "kg"}, {"region": "GB"}, {"activity": "unobtainium"})
    book = FactorBook([], [load_factors(FUELS, file="f.csv")], data.policy)
    emissions = calculate(
        data,
        agent="acme.burn",
        scope=1,
        category="x",
        kinds=kinds_of_rows(every_row(data), (data.activity, data.unit, data.region)),
        choose=lambda row: [Component(book.select(wanted_of(data, row)))],
    )
    assert [(problem.row, problem.column) for _, problem in emissions.refused] == [
        (2, "unit"),
        (3, "region"),
        (4, "activity"),
    ]
    with pytest.raises(DataError, match="row 2, column 'unit'"):
        data.without(emissions.refused)
