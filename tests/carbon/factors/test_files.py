"""Emission factors: the file format, every mistake told at once, ids by content."""

import json
import re
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon.factors.factor import EmissionFactor, FactorSet, activity_key
from greenlang.carbon.factors.files import FACTOR_COLUMNS, load_aliases, load_factors
from greenlang.carbon.units.definitions import parse_unit
from greenlang.errors import DataError

MINIMAL = """activity,gas,value,unit,source,citation
electricity,CO2e,6.9714,kg/MMBtu,City of Seattle,Implied by the published figures
steam,CO2e,77.1879,kg/MMBtu,City of Seattle,Implied by the published figures
"""


def problems_of(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(DataError) as caught:
        load_factors(text, file="mine.csv")
    return [(problem.row, problem.column, problem.message) for problem in caught.value.problems]


def one(header: str, row: str) -> EmissionFactor:
    return load_factors(f"activity,gas,value,unit,{header}\n{row}\n", file="mine.csv").factors[0]


def test_a_minimal_file_is_read() -> None:
    factors = load_factors(MINIMAL, file="mine.csv")
    assert isinstance(factors, FactorSet)
    assert [factor.activity for factor in factors] == ["electricity", "steam"]
    first = factors.factors[0]
    assert first.value == Decimal("6.9714")
    assert first.unit_text == "kg/mmBtu"
    assert first.gwp_basis == "unspecified"
    assert (first.region, first.kind, first.biogenic, first.scope) == ("", "", None, 0)


def test_every_column_is_read() -> None:
    row = (
        "Hydrogen,CH4,1.250,g/mmBtu (HHV),US-WA,Acme,acme-factors,2025,Table 1,C7,"
        '2025-01-15,2023,2025-02-01,2025-12-31,"Acme, Factors (2025)",,yes,1,stationary combustion,'
        "instrument,PPA 7,Truck,2 stroke,1984,1993,7.0 %,checked"
    )
    text = f"{','.join(FACTOR_COLUMNS)}\n{row}\n"
    factor = load_factors(text, file="mine.csv").factors[0]
    assert factor.value_text == "1.250"
    assert factor.unit_text == "g/mmBtu (HHV)"
    assert factor.published == date(2025, 1, 15)
    assert (factor.applies_from, factor.applies_to) == (date(2025, 2, 1), date(2025, 12, 31))
    assert (factor.model_year_from, factor.model_year_to, factor.data_year) == (1984, 1993, 2023)
    assert (factor.biogenic, factor.scope, factor.kind, factor.holder) == (True, 1, "instrument", "PPA 7")
    assert factor.citation == "Acme, Factors (2025)"
    assert factor.uncertainty == "7%"


@pytest.mark.parametrize(
    ("unit", "gas", "shown"),
    [
        ("kg/mmBtu (HHV)", "CO2", "kg/mmBtu (HHV)"),
        ("kg CO2e/kWh", "CO2e", "kg/kWh"),
        ("kgCO2e per kWh", "CO2e", "kg/kWh"),
        ("tCO2eq/MWh", "CO2e", "t/MWh"),
        ("lb CO2/MWh", "CO2", "lb/MWh"),
        ("g/vehicle-mile", "N2O", "g/v.mi"),
        ("g CH4 / short ton", "CH4", "g/short ton"),
        ("kg per US gal", "CO2", "kg/gal (US)"),
    ],
)
def test_units_are_read_as_people_write_them(unit: str, gas: str, shown: str) -> None:
    assert one("region", f"x,{gas},1,{unit},").unit_text == shown


def test_gallon_of_a_factor_is_that_of_its_region() -> None:
    assert one("region", "x,CO2,1,kg/gal,US").unit_text == "kg/gal (US)"
    assert one("region", "x,CO2,1,kg/gal,GB").unit_text == "kg/gal (imp)"


def test_ar6_as_a_basis_is_named_with_its_table() -> None:
    assert one("gwp_basis", "x,CO2e,1,kg/kWh,AR6").gwp_basis == "AR6-7.SM.7"


@pytest.mark.parametrize(
    ("header", "row", "column", "message"),
    [
        ("region", "x,CO2,1,kg/kWh,ZZ", "region", "no region 'ZZ'"),
        ("region", "x,CO2,,kg/kWh,", "value", "empty"),
        ("region", ",CO2,1,kg/kWh,", "activity", "empty"),
        ("region", 'x,CO2,"1,234.5",kg/kWh,', "value", "has a comma"),
        ("region", "x,CO2,NaN,kg/kWh,", "value", "not a finite"),
        ("region", "x,CO2,-0.1,kg/kWh,", "value", "-0.1 is negative"),
        ("region", "x,CO3,1,kg/kWh,", "gas", "no gas 'CO3'"),
        ("region", "x,CO2,1,kg,", "unit", "not a mass per unit"),
        ("region", "x,CO2,1,kWh/kg,", "unit", "measures energy"),
        ("region", "x,CO2,1,kg/gal,", "unit", "may mean 'gal \\(US\\)' or 'gal \\(imp\\)'"),
        ("region", "x,CO2,1,kg/banana,", "unit", "no unit 'banana'"),
        ("region", "x,CH4,1,kg CO2e/kWh,", "unit", "mass of CO2e and the gas is CH4"),
        ("region", "x,CO2e,1,kg CO2/kWh,", "unit", "mass of CO2 and the gas is CO2e"),
        ("published", "x,CO2,1,kg/kWh,15/01/2025", "published", "not a date"),
        ("published", "x,CO2,1,kg/kWh,2025-02-30", "published", "not a date"),
        ("data_year", "x,CO2,1,kg/kWh,23", "data_year", "not a year"),
        ("applies_from,applies_to", "x,CO2,1,kg/kWh,2025-01-01,2024-12-31", "applies_to", "is before"),
        ("model_year_from,model_year_to", "x,CO2,1,kg/kWh,1990,1980", "model_year_to", "is before"),
        ("biogenic", "x,CO2,1,kg/kWh,maybe", "biogenic", "none of the values"),
        ("scope", "x,CO2,1,kg/kWh,4", "scope", "none of the values"),
        ("kind", "x,CO2,1,kg/kWh,average", "kind", "none of the values"),
        ("kind,holder", "x,CO2,1,kg/kWh,supplier,", "holder", "needs the name"),
        ("gwp_basis", "x,CO2,1,kg/kWh,AR5", "gwp_basis", "has no GWP basis"),
        ("gwp_basis", "x,CO2e,1,kg/kWh,AR7", "gwp_basis", "no GWP set"),
        ("region", "x,CO2,1,kg/kWh", "", "cells"),
    ],
)
def test_a_wrong_cell_is_told_with_row_and_column(header: str, row: str, column: str, message: str) -> None:
    found = problems_of(f"activity,gas,value,unit,{header}\n{row}\n")
    assert [(line, of) for line, of, _ in found] == [(2, column)]
    assert re.search(message, found[0][2])


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    found = problems_of("activity,gas,value,unit\nx,CO3,1,kg/kWh\n\ny,CO2,one,kg/fortnight\nz,CO2,1,kg/kWh\n")
    assert [(row, column) for row, column, _ in found] == [(2, "gas"), (4, "unit"), (4, "value")]


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="column 'citaton': there is no such column; did you mean 'citation'"):
        load_factors("activity,gas,value,unit,citaton\nx,CO2,1,kg/kWh,z\n", file="mine.csv")


def test_a_missing_column_is_told() -> None:
    with pytest.raises(DataError, match="'unit'"):
        load_factors("activity,gas,value\nx,CO2,1\n", file="mine.csv")


@pytest.mark.parametrize("text", ["", "\n", "activity,gas,value,unit\n", "a;b;c\n1;2;3\n", 'activity,"gas\n'])
def test_a_file_without_factors_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        load_factors(text, file="mine.csv")


def test_the_same_factor_twice_is_refused_with_both_rows() -> None:
    with pytest.raises(DataError, match=r"row 3: .*stands in row 2"):
        load_factors("activity,gas,value,unit\nx,CO2,1,kg/kWh\nX,CO2,2,kg/kWh\n", file="mine.csv")


def test_editions_regions_and_heat_bases_tell_factors_apart() -> None:
    text = (
        "activity,gas,value,unit,region,edition\n"
        "x,CO2,1,kg/kWh,,2024\nx,CO2,2,kg/kWh,,2025\nx,CO2,3,kg/kWh,GB,2024\n"
        "x,CO2,4,kg/kWh (net CV),,2024\nx,CO2,5,kg/kWh (gross CV),,2024\n"
    )
    assert len(load_factors(text, file="mine.csv")) == 5


def test_id_is_of_the_content() -> None:
    factor = one("region", "x,CO2,1.250,kg/kWh,US")
    canonical = factor.canonical()
    assert re.fullmatch("ef_[0-9a-f]{16}", factor.ef_cid)
    assert json.loads(canonical) == {
        "activity": "x",
        "gas": "CO2",
        "region": "US",
        "unit": "kg/kWh",
        "value": "1.250",
    }
    assert canonical == b'{"activity":"x","gas":"CO2","region":"US","unit":"kg/kWh","value":"1.250"}'
    # Whoever changes the canonical record changes every id, and this line with it.
    assert factor.ef_cid == "ef_27caaafe6dde957e"


def test_id_depends_on_every_field_but_the_note() -> None:
    factor = one("region", "x,CO2,1.25,kg/kWh,US")
    of_text = (
        *("activity", "gas", "source", "dataset", "edition", "table", "locator", "citation", "gwp_basis"),
        *("region", "category", "kind", "holder", "vehicle", "engine", "uncertainty"),
    )
    changes: list[tuple[str, object]] = [(name, "z") for name in of_text]
    changes += [(name, date(2025, 1, 1)) for name in ("published", "applies_from", "applies_to")]
    changes += [(name, 2020) for name in ("data_year", "model_year_from", "model_year_to")]
    changes += [("biogenic", True), ("biogenic", False), ("scope", 1), ("value", Decimal("1.250"))]
    changes += [("numerator", parse_unit("lb")), ("denominator", parse_unit("kWh (LHV)"))]
    assert {name for name, _ in changes} == {field.name for field in fields(factor)} - {"note"}
    ids = {replace(factor, **{name: content}).ef_cid for name, content in changes}  # type: ignore[arg-type]  # by name
    assert len(ids | {factor.ef_cid}) == len(changes) + 1
    assert replace(factor, note="z").ef_cid == factor.ef_cid


def test_column_order_and_white_space_do_not_change_the_id() -> None:
    first = load_factors("activity,gas,value,unit\nx,CO2,1,kg/kWh\n", file="a.csv").factors[0]
    second = load_factors("\ufeffunit,value,gas,activity\r\n kg / kWh ,1 ,CO2, x\r\n", file="b.csv").factors[
        0
    ]
    assert first.ef_cid == second.ef_cid


def test_aliases_are_read_and_each_means_one_activity_in_a_region() -> None:
    assert load_aliases("alias,activity\npetrol,Motor Gasoline\n", file="a.csv") == {
        "petrol": {"": "Motor Gasoline"}
    }
    by_region = "alias,activity,region\npetrol,Motor Gasoline,\nPetrol,Petrol (average biofuel blend),gb\n"
    assert load_aliases(by_region, file="a.csv") == {
        "petrol": {"": "Motor Gasoline", "GB": "Petrol (average biofuel blend)"}
    }
    with pytest.raises(DataError, match="column 'region': there is no region 'ZZ'"):
        load_aliases("alias,activity,region\npetrol,Motor Gasoline,ZZ\n", file="a.csv")
    with pytest.raises(DataError, match="row 3, column 'alias': alias 'Petrol' stands twice"):
        load_aliases("alias,activity\npetrol,Motor Gasoline\nPetrol,Propane\n", file="a.csv")
    with pytest.raises(DataError, match="column 'activity': the cell is empty"):
        load_aliases("alias,activity\npetrol,\n", file="a.csv")


def test_activities_are_alike_whatever_their_case_and_spaces() -> None:
    assert activity_key("  Natural   GAS ") == activity_key("natural gas")


@given(st.text(max_size=60))
def test_any_text_is_a_factor_file_or_an_error_of_ours(text: str) -> None:
    for header in ("", "activity,gas,value,unit\n"):
        try:
            load_factors(header + text, file="mine.csv")
        except DataError as error:
            assert error.problems  # noqa: PT017  either outcome will do
