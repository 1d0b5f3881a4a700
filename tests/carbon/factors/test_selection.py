"""Which factors a row gets: the cascade, the kinds of factor, units and heat bases, and what is recorded."""

from fractions import Fraction

import pytest

from greenlang.carbon import AccountingPolicy, FactorBook, Fallback, Selection, Wanted, blend, load_factors
from greenlang.carbon.periods import parse_period
from greenlang.carbon.regions import region_path
from greenlang.carbon.units.definitions import parse_unit
from greenlang.errors import FactorError, UnitMismatch

HEADER = (
    "activity,gas,value,unit,region,dataset,edition,published,applies_from,biogenic,gwp_basis,kind,holder"
)

PACK = (
    "Electricity,CO2,300,kg/MWh,US,hub,2025,2025-01-15,2025-01-15,,,,",
    "Electricity,CO2,250,kg/MWh,NWPP,hub,2025,2025-01-15,2025-01-15,,,,",
    "Electricity,CH4,20,g/MWh,US,hub,2025,2025-01-15,2025-01-15,,,,",
    "Gas,CO2,50,kg/mmBtu (HHV),US,hub,2025,2025-01-15,2025-01-15,,,,",
)


def book(own: tuple[str, ...] = (), packs: tuple[str, ...] = PACK, **policy: object) -> FactorBook:
    def sets(rows: tuple[str, ...], name: str) -> list:
        return [load_factors("\n".join([HEADER, *rows]), file=name)] if rows else []

    return FactorBook(
        sets(own, "own.csv"),
        sets(packs, "pack.csv"),
        AccountingPolicy(**policy),
        {"power": {"": "Electricity"}},
    )


def wanted(activity: str = "electricity", unit: str = "MWh", region: str = "US", **more: object) -> Wanted:
    period = parse_period(str(more.pop("period", "2025-03")))
    return Wanted(activity, parse_unit(unit, region=region), region_path(region), period, **more)


def rates(selection: Selection) -> dict[str, Fraction]:
    return {rate.gas: rate.rate for rate in selection.rates}


def test_the_nearest_region_decides_for_all_gases():
    selection = book().select(wanted(region="NWPP"))
    # CH4 has a factor for the country, but that of the subregion's grid is not known.
    assert rates(selection) == {"CO2": 250}
    assert selection.fallbacks == ()


def test_a_region_without_factors_takes_those_around_it_and_that_is_recorded():
    selection = book().select(wanted(region="CAMX"))
    assert rates(selection) == {"CO2": 300, "CH4": Fraction(20, 1000)}
    assert selection.fallbacks == (Fallback("region", "CAMX", "US"),)


def test_a_forbidden_region_fallback_is_refused():
    with pytest.raises(FactorError, match="'CAMX' would fall back to 'US', which is forbidden") as refused:
        book(forbidden_fallbacks=("region",)).select(wanted(region="CAMX"))
    assert refused.value.place == "region"


@pytest.mark.parametrize("region", ["GB", "CA", ""])
def test_no_other_country_is_a_fallback(region):
    with pytest.raises(FactorError) as refused:
        book().select(wanted(region=region))
    assert refused.value.place == "region"
    assert "'NWPP' or 'US'" in refused.value.fix


def test_the_users_own_factor_comes_before_those_of_packs_also_from_a_wider_region():
    selection = book(own=("Electricity,CO2,123,kg/MWh,US,mine,1,,,,,,",)).select(wanted(region="NWPP"))
    assert rates(selection) == {"CO2": 123}
    assert selection.fallbacks == (Fallback("region", "NWPP", "US"),)


def test_a_packs_factor_in_place_of_the_users_own_per_another_unit_is_recorded():
    own = ("Gas,CO2,0.05,kg/scf,US,mine,1,,,,,,", "Gas,CO2,60,kg/mmBtu (LHV),US,mine,1,,,,,,")
    selection = book(own=own).select(wanted("gas", "mmBtu (HHV)"))
    assert rates(selection) == {"CO2": 50}
    assert selection.fallbacks == (
        Fallback("own factor", "per mmBtu (LHV)", "a pack's per mmBtu (HHV)"),
        Fallback("own factor", "per scf", "a pack's per mmBtu (HHV)"),
    )
    assert book(own=own).select(wanted("gas", "scf")).fallbacks == ()
    # One for another place or holder would not have answered the row in any unit.
    elsewhere = ("Gas,CO2,0.05,kg/scf,GB,mine,1,,,,,,", "Gas,CO2,0.05,kg/scf,US,mine,1,,,,,supplier,Acme")
    assert book(own=elsewhere).select(wanted("gas", "mmBtu (HHV)")).fallbacks == ()


def test_a_factor_for_the_world_is_a_recorded_fallback():
    selection = book(own=("Ferry,CO2,2,kg/km,,mine,1,,,,,,",)).select(wanted("ferry", "km", "GB"))
    assert selection.fallbacks == (Fallback("region", "GB", "global"),)


def test_aliases_and_letter_case_find_the_publishers_name():
    assert book().select(wanted("POWER")).activity == "Electricity"
    assert book().select(wanted(" electricity ")).activity == "Electricity"


def test_an_unknown_activity_is_told_with_those_like_it():
    with pytest.raises(FactorError, match="no factor for activity 'electrcity'") as refused:
        book().select(wanted("electrcity"))
    assert "'Electricity'" in refused.value.fix
    assert refused.value.place == "activity"


@pytest.mark.parametrize("unit", ["gal (US)", "kg", "km"])
def test_a_unit_of_another_dimension_is_refused(unit):
    with pytest.raises(UnitMismatch, match="does not fit 'Electricity'") as refused:
        book().select(wanted(unit=unit))
    assert refused.value.place == "unit"
    assert "'MWh'" in refused.value.fix


def test_units_convert_exactly():
    # 1 mmBtu = 1055055852.62 J and 1 MWh = 3.6e9 J by definition (Btu of the International Table).
    per_mmbtu = Fraction("1055.05585262") * 1_000_000 / 3_600_000_000 * 300
    assert rates(book().select(wanted(unit="mmBtu")))["CO2"] == per_mmbtu


def test_pinned_editions_and_as_at_leave_out_the_others():
    later = "Electricity,CO2,280,kg/MWh,US,hub,2026,2026-01-15,2026-01-15,,,,"
    packs = (PACK[0], later)
    asked = wanted(period="2026-03")
    assert rates(book(packs=packs).select(asked)) == {"CO2": 280}
    pinned = book(packs=packs, editions={"hub": "2025"}).select(asked)
    assert rates(pinned) == {"CO2": 300}
    assert pinned.fallbacks == ()
    assert rates(book(packs=packs, as_at="2026-01-14").select(asked)) == {"CO2": 300}
    assert rates(book(packs=packs, as_at="2026-01-15").select(asked)) == {"CO2": 280}


def test_what_does_not_say_when_it_was_published_is_left_out_as_at_a_day():
    undated = "Electricity,CO2,290,kg/MWh,US,hub,2026,,2026-01-15,,,,"
    asked = wanted(period="2026-03")
    assert rates(book(packs=(PACK[0], undated)).select(asked)) == {"CO2": 290}
    assert rates(book(packs=(PACK[0], undated), as_at="2026-06-30").select(asked)) == {"CO2": 300}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"as_at": "2020-01-01"}, "publication date up to '2020-01-01'"),
        ({"editions": {"hub": "1999"}}, "edition 1999 of hub"),
    ],
)
def test_a_policy_that_leaves_no_factor_is_named(policy, words):
    with pytest.raises(FactorError) as refused:
        book(**policy).select(wanted())
    assert words in refused.value.message


def test_factors_of_two_publications_are_listed_and_none_is_taken():
    other = "Electricity,CO2,310,kg/MWh,US,other,7,,,,,,"
    with pytest.raises(FactorError, match="several factors for 'Electricity'") as refused:
        book(packs=(*PACK, other)).select(wanted())
    assert "hub 2025: 300 kg CO2 per MWh" in refused.value.message
    assert "other 7: 310 kg CO2 per MWh" in refused.value.message
    assert "--edition" in refused.value.fix


def test_a_co2e_total_and_gases_beside_it_are_ambiguous():
    total = "Electricity,CO2e,310,kg/MWh,US,hub,2025,2025-01-15,2025-01-15,,AR5,,"
    with pytest.raises(FactorError, match="several factors"):
        book(packs=(*PACK, total)).select(wanted())


def test_biogenic_co2_stands_beside_a_total_that_leaves_it_out():
    rows = ("Wood logs,CO2e,61.8,kg/t,,m,1,,,,AR5,,", "Wood logs,CO2,1436.23,kg/t,,m,1,,,yes,,,")
    selection = book(packs=rows).select(wanted("wood logs", "t"))
    assert {(rate.gas, rate.biogenic): rate.rate for rate in selection.rates} == {
        ("CO2e", None): Fraction("61.8"),
        ("CO2", True): Fraction("1436.23"),
    }


def test_what_a_substance_consists_of_holds_everywhere():
    rows = ("R-410A,HFC-32,0.5,kg/kg,,m,1,,,,,composition,",)
    selection = book(packs=rows).select(wanted("r-410a", "lb", "GB", kinds=("", "composition")))
    assert selection.fallbacks == ()


def test_a_word_means_what_it_means_in_the_region_of_the_row():
    header = "activity,gas,value,unit,region"
    rows = ("Motor Gasoline,CO2,8.78,kg/gal (US),US", "Petrol,CO2e,2.07,kg/L,GB", "LPG,CO2e,1.56,kg/L,GB")
    aliases = {"petrol fuel": {"": "Motor Gasoline", "GB": "Petrol"}, "lpg": {"US": "Motor Gasoline"}}
    both = FactorBook([], [load_factors("\n".join([header, *rows]), file="f")], AccountingPolicy(), aliases)
    for activity, region, meant in (
        ("petrol fuel", "GB", "Petrol"),
        ("petrol fuel", "US-WA", "Motor Gasoline"),
        # A publisher's own name comes first, and gives way where that publisher has nothing.
        ("LPG", "GB", "LPG"),
        ("LPG", "US", "Motor Gasoline"),
    ):
        assert both.select(wanted(activity, "L", region)).activity == meant
    with pytest.raises(FactorError, match="no factor for 'Petrol' in region 'DE'"):
        both.select(wanted("petrol", "L", "DE"))


def test_the_only_heat_basis_of_a_factor_is_taken_and_recorded():
    selection = book().select(wanted("gas", "mmBtu"))
    assert rates(selection) == {"CO2": 50}
    assert selection.fallbacks == (Fallback("heat basis", "mmBtu", "HHV"),)
    assert book().select(wanted("gas", "mmBtu (HHV)")).fallbacks == ()


def test_another_heat_basis_than_the_factors_is_refused():
    with pytest.raises(UnitMismatch, match=r"mmBtu \(LHV\)"):
        book().select(wanted("gas", "mmBtu (LHV)"))


def test_one_of_several_heat_bases_is_not_guessed():
    packs = (*PACK, "Gas,CO2,55,kg/mmBtu (LHV),US,hub,2025,2025-01-15,2025-01-15,,,,")
    with pytest.raises(FactorError, match="several heat bases"):
        book(packs=packs).select(wanted("gas", "mmBtu"))
    assert rates(book(packs=packs).select(wanted("gas", "mmBtu (LHV)"))) == {"CO2": 55}


def test_a_heat_basis_that_the_factor_does_not_say_is_recorded():
    selection = book().select(wanted(unit="kWh (LHV)"))
    assert selection.fallbacks == (Fallback("heat basis", "kWh (LHV)", "not said by the factor"),)


def test_biogenic_is_said_by_each_gas_whatever_the_order_of_the_file():
    rows = ("Wood,CO2,90,kg/t,,m,1,,,no,,,", "Wood,CH4,7,g/t,,m,1,,,yes,,,")
    for packs in (rows, rows[::-1]):
        selection = book(packs=packs).select(wanted("wood", "t"))
        assert {rate.gas: rate.biogenic for rate in selection.rates} == {"CO2": False, "CH4": True}


def test_a_gas_that_is_silent_on_its_origin_has_that_of_the_others():
    rows = ("Wood,CO2,90,kg/t,,m,1,,,yes,,,", "Wood,CH4,7,g/t,,m,1,,,,,,")
    selection = book(packs=rows).select(wanted("wood", "t"))
    assert {rate.gas: rate.biogenic for rate in selection.rates} == {"CO2": True, "CH4": True}


def test_co2_that_is_silent_on_its_origin_counts_whatever_the_other_gases_say():
    rows = ("Wood,CO2,90,kg/t,,m,1,,,,,,", "Wood,CH4,7,g/t,,m,1,,,yes,,,")
    selection = book(packs=rows).select(wanted("wood", "t"))
    assert {rate.gas: rate.biogenic for rate in selection.rates} == {"CO2": None, "CH4": True}


def test_editions_that_differ_on_the_origin_are_kept_apart():
    rows = (
        "Fuel,CO2,90,kg/t,,m,2024,,2024-01-01,no,,,",
        "Fuel,CO2,80,kg/t,,m,2025,,2025-01-01,yes,,,",
    )
    selection = book(packs=rows).select(wanted("fuel", "t", period="2024-12-31/2025-01-01"))
    assert {rate.biogenic: rate.rate for rate in selection.rates} == {False: 45, True: 40}


def test_a_supplier_is_asked_for_by_name_and_its_region_is_no_fallback():
    own = ("Electricity,CO2,10,kg/MWh,US,mine,1,,,,,supplier,Cascade Power",)
    named = wanted(region="NWPP", kinds=("supplier",), holder="cascade  power")
    assert rates(book(own=own).select(named)) == {"CO2": 10}
    assert book(own=own).select(named).fallbacks == ()
    with pytest.raises(FactorError, match="with supplier or instrument 'Nobody'") as refused:
        book(own=own).select(wanted(kinds=("supplier",), holder="Nobody"))
    assert refused.value.place == "tags"
    # What nobody asks for by name is not used for the others.
    assert rates(book(own=own).select(wanted()))["CO2"] == 300


def test_a_blend_weighs_each_part_and_keeps_origins_apart():
    rows = (
        "Fossil,CO2,90,kg/MWh,,m,1,,,no,,,",
        "Fossil,CH4,30,g/MWh,,m,1,,,no,,,",
        "Wood,CO2,60,kg/MWh,,m,1,,,yes,,,",
    )
    both = book(packs=rows)
    mixed = blend(
        [
            (both.select(wanted("fossil")), Fraction(1, 3)),
            (both.select(wanted("wood")), Fraction(2, 3)),
        ]
    )
    assert {(rate.gas, rate.biogenic): rate.rate for rate in mixed.rates} == {
        ("CO2", False): 30,
        ("CO2", True): 40,
        ("CH4", False): Fraction(1, 100),
    }
    assert mixed.covers("CO2")
    assert not mixed.covers("CH4")
    assert not mixed.covers("N2O")


def test_model_years_are_both_included():
    header = "activity,gas,value,unit,vehicle,model_year_from,model_year_to"
    rows = ("Petrol,CH4,1,g/v.km,Car,1990,1994", "Petrol,CH4,2,g/v.km,Car,1995,1995")
    cars = FactorBook([], [load_factors("\n".join([header, *rows]), file="f")], AccountingPolicy())
    for year, grams in ((1990, 1), (1994, 1), (1995, 2)):
        asked = wanted("petrol", "v.km", "", vehicle="car", model_year=year)
        assert rates(cars.select(asked)) == {"CH4": Fraction(grams, 1000)}
    for year in (1989, 1996, None):
        assert not cars.offers(wanted("petrol", "v.km", "", vehicle="car", model_year=year))
