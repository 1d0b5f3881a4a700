"""Global warming potentials: values against the tables they are from."""

from decimal import Decimal

import pytest

from greenlang.carbon.data import read_table
from greenlang.carbon.gwp import GWP_SETS, gases, gwp_set
from greenlang.errors import FactorError


@pytest.mark.parametrize(
    ("name", "gas", "factor"),
    [
        ("AR4", "CO2", "1"),
        ("AR4", "CH4", "25"),
        ("AR4", "N2O", "298"),
        ("AR4", "SF6", "22800"),
        ("AR5", "CH4", "28"),
        ("AR5", "N2O", "265"),
        ("AR5", "HFC-134a", "1300"),
        ("AR5-CCF", "CH4", "34"),
        ("AR5-CCF", "N2O", "298"),
        ("AR6", "CH4", "27.9"),
        ("AR6", "N2O", "273"),
        ("AR6", "NF3", "17400"),
    ],
)
def test_value_is_that_of_the_table(name: str, gas: str, factor: str) -> None:
    assert gwp_set(name).factor(gas) == Decimal(factor)


def test_plain_ar6_is_the_set_of_table_7_sm_7() -> None:
    assert gwp_set("AR6") == gwp_set("AR6-7.SM.7")
    assert gwp_set("AR6").name == "AR6-7.SM.7"
    assert gwp_set("AR6").names == ("AR6-7.SM.7", "AR6")


def test_methane_of_table_7_15_goes_by_origin() -> None:
    by_origin = gwp_set("AR6-7.15")
    assert by_origin.factor("CH4", biogenic=False) == Decimal("29.8")
    assert by_origin.factor("CH4", biogenic=True) == Decimal("27.0")
    with pytest.raises(FactorError, match="origin is not known"):
        by_origin.factor("CH4")


def test_other_gases_of_table_7_15_are_those_of_7_sm_7() -> None:
    assert gwp_set("AR6-7.15").factor("N2O") == gwp_set("AR6").factor("N2O")
    assert "7.SM.7" in gwp_set("AR6-7.15").value("N2O").citation


def test_origin_does_not_matter_where_the_set_has_one_value() -> None:
    assert {gwp_set("AR5").factor("CH4", origin) for origin in (None, True, False)} == {Decimal(28)}


def test_every_value_has_a_citation_and_every_set_the_three_main_gases() -> None:
    for name in GWP_SETS:
        values = gwp_set(name).values.values()
        assert all(value.citation.startswith("IPCC") for value in values)
        assert {"CO2", "CH4", "N2O", "SF6", "NF3"} <= {value.gas for value in values}


def test_every_row_of_the_table_is_in_a_set_once() -> None:
    rows = read_table("gwp")
    assert {row["set"] for row in rows} == set(GWP_SETS)
    assert len({(row["set"], row["gas"], row["origin"]) for row in rows}) == len(rows) == 192
    assert {row["gas"] for row in rows} == gases()


@pytest.mark.parametrize(("name", "fix"), [("AR-5", "AR5"), ("SAR", "AR4"), ("ar6", "AR6"), ("", "AR4")])
def test_unknown_set_is_refused_with_the_nearest(name: str, fix: str) -> None:
    with pytest.raises(FactorError, match=fix):
        gwp_set(name)


@pytest.mark.parametrize(("gas", "fix"), [("NO2", "N2O"), ("HFC134a", "HFC-134a"), ("", "it has")])
def test_unknown_gas_is_refused_with_the_nearest(gas: str, fix: str) -> None:
    with pytest.raises(FactorError, match=fix):
        gwp_set("AR5").factor(gas)


def test_a_gas_that_a_report_does_not_give_is_not_borrowed_from_another() -> None:
    with pytest.raises(FactorError, match="AR4 has no gas 'HFC-41'"):
        gwp_set("AR4").factor("HFC-41")
