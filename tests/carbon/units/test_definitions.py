"""Units: names people write, exact ratios, and what is refused."""

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon.units.definitions import Unit, conversion_ratio, parse_unit, unit_table_hash, units
from greenlang.errors import AmbiguousUnit, FactorError, UnitError, UnitMismatch, UnknownUnit

#: From the definitions, worked out by hand: (one of, makes, of).
DEFINITIONS = [
    ("lb", "0.45359237", "kg"),
    ("short ton", "2000", "lb"),
    ("long ton", "2240", "lb"),
    ("oz", "1/16", "lb"),
    ("t", "1000", "kg"),
    ("kWh", "3600000", "J"),
    ("MWh", "1000", "kWh"),
    ("cal (IT)", "4.1868", "J"),
    ("Btu", "1055.05585262", "J"),
    ("kBtu", "1000", "Btu"),
    ("mmBtu", "1000000", "Btu"),
    ("therm", "100000", "Btu"),
    ("therm (US)", "105480400", "J"),
    ("toe", "41.868", "GJ"),
    ("gal (US)", "3.785411784", "L"),
    ("gal (imp)", "4.54609", "L"),
    ("bbl", "42", "gal (US)"),
    ("ft3", "0.028316846592", "m3"),
    ("Mscf", "1000", "scf"),
    ("MMscf", "1000000", "scf"),
    ("ccf", "100", "scf"),
    ("mi", "1609.344", "m"),
    ("nmi", "1852", "m"),
    ("ft", "0.3048", "m"),
    ("ton-mile (US)", "1.45997231821056", "t.km"),
    ("ton-mile (UK)", "1.6351689963958272", "t.km"),
    ("t.mi", "1.609344", "t.km"),
    ("t.nmi", "1.852", "t.km"),
    ("p.mi", "1.609344", "p.km"),
    ("v.mi", "1.609344", "v.km"),
]


@pytest.mark.parametrize(("one", "makes", "of"), DEFINITIONS)
def test_ratio_is_that_of_the_definition_exactly(one: str, makes: str, of: str) -> None:
    assert conversion_ratio(parse_unit(one), parse_unit(of)) == Fraction(makes)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("MMBtu", "mmBtu"),
        ("mmBtu", "mmBtu"),
        ("MMBTU", "mmBtu"),
        ("KWH", "kWh"),
        ("kwh", "kWh"),
        ("mwh", "MWh"),
        ("kW·h", "kWh"),
        ("kBTU", "kBtu"),
        ("m³", "m3"),
        ("m^3", "m3"),
        ("l", "L"),
        ("litres", "L"),
        ("Liter", "L"),
        ("ml", "mL"),
        ("ML", "ML"),
        ("US gal", "gal (US)"),
        ("gal(US)", "gal (US)"),
        ("imperial gallons", "gal (imp)"),
        ("tonnes", "t"),
        ("metric ton", "t"),
        ("Short Tons", "short ton"),
        ("lbs", "lb"),
        ("therms", "therm"),
        ("therm (EC)", "therm"),
        ("tonne-km", "t.km"),
        ("tkm", "t.km"),
        ("passenger-miles", "p.mi"),
        ("vehicle-mile", "v.mi"),
        ("miles", "mi"),
        ("Mcf", "Mscf"),
        ("MCF", "Mscf"),
        ("cubic  feet", "ft3"),
    ],
)
def test_names_that_people_write_are_read(text: str, symbol: str) -> None:
    assert parse_unit(text).symbol == symbol


@pytest.mark.parametrize(
    ("text", "basis"),
    [
        ("mmBtu (HHV)", "HHV"),
        ("MMBtu HHV", "HHV"),
        ("mmBtu(HHV)", "HHV"),
        ("kWh (gross CV)", "HHV"),
        ("kWh (Gross CV)", "HHV"),
        ("kWh (GCV)", "HHV"),
        ("kWh (net CV)", "LHV"),
        ("GJ (LHV)", "LHV"),
        ("kWh", ""),
    ],
)
def test_heat_basis_is_part_of_an_energy_unit(text: str, basis: str) -> None:
    assert parse_unit(text).basis == basis


def test_a_unit_writes_itself_so_that_it_can_be_read_again() -> None:
    for unit in units().values():
        assert parse_unit(str(unit)) == unit
    assert str(parse_unit("MMBtu (gross)")) == "mmBtu (HHV)"


def test_every_name_of_the_table_means_a_unit_of_the_table() -> None:
    from greenlang.carbon.data import read_table

    assert {row["symbol"] for row in read_table("unit_names")} <= set(units())
    assert {row["region"] for row in read_table("unit_names")} == {"", "US", "GB", "-"}


@pytest.mark.parametrize(
    ("text", "region", "symbol"),
    [
        ("gal", "US", "gal (US)"),
        ("gal", "NWPP", "gal (US)"),
        ("gallons", "US-WA", "gal (US)"),
        ("gal", "GB", "gal (imp)"),
        ("ton", "US", "short ton"),
        ("tons", "GB", "long ton"),
        ("ton-miles", "NEWE", "ton-mile (US)"),
    ],
)
def test_gallon_and_ton_are_those_of_the_region(text: str, region: str, symbol: str) -> None:
    assert parse_unit(text, region=region).symbol == symbol


@pytest.mark.parametrize(
    ("text", "region", "meanings"),
    [
        ("gal", "", ("gal (US)", "gal (imp)")),
        ("gallon", "DE", ("gal (US)", "gal (imp)")),
        ("ton", "", ("short ton", "long ton", "t")),
        ("ton", "FR", ("short ton", "long ton", "t")),
        ("MBtu", "US", ("kBtu", "mmBtu")),
        ("mbtu", "", ("kBtu", "mmBtu")),
        ("MT", "US", ("t", "Mt")),
        ("mt", "", ("t", "Mt")),
        ("mt", "US", ("t", "Mt")),
        ("Ml", "", ("mL", "ML")),
        ("mWh", "", ("MWh",)),
        ("mJ", "", ("MJ",)),
    ],
)
def test_an_ambiguous_name_is_refused_with_what_it_may_mean(
    text: str, region: str, meanings: tuple[str, ...]
) -> None:
    with pytest.raises(AmbiguousUnit) as caught:
        parse_unit(text, region=region)
    for meaning in meanings:
        assert meaning in str(caught.value)


def test_case_that_would_change_the_prefix_is_not_ignored() -> None:
    assert parse_unit("Mt").ratio == 10**9
    with pytest.raises(UnknownUnit, match="'t'"):
        parse_unit("T")


def test_therm_is_a_tenth_of_an_mmbtu_everywhere() -> None:
    for region in ("", "US", "GB"):
        ratio = conversion_ratio(parse_unit("therm", region=region), parse_unit("mmBtu"))
        assert ratio == Fraction(1, 10)


@pytest.mark.parametrize("text", ["bananas", "", "  ", "kWh2", "M", "kgg", "/", "Kilo Watt"])
def test_unknown_unit_is_refused(text: str) -> None:
    with pytest.raises(UnknownUnit) as caught:
        parse_unit(text)
    assert caught.value.fix


def test_a_misspelled_unit_is_told_the_nearest_ones() -> None:
    with pytest.raises(UnknownUnit, match="did you mean 'kWh'"):
        parse_unit("kWjh")


def test_only_energy_has_a_heat_basis() -> None:
    with pytest.raises(UnitError, match="'kg' measures mass"):
        parse_unit("kg (HHV)")


def test_units_of_other_dimensions_do_not_convert() -> None:
    with pytest.raises(UnitMismatch, match="'kWh' measures energy and 'kg' measures mass"):
        conversion_ratio(parse_unit("kWh"), parse_unit("kg"))


def test_heat_on_two_bases_does_not_convert() -> None:
    with pytest.raises(UnitMismatch, match="basis"):
        conversion_ratio(parse_unit("kWh (HHV)"), parse_unit("kWh (LHV)"))


def test_gas_at_standard_conditions_is_not_a_plain_volume() -> None:
    with pytest.raises(UnitMismatch, match="same conditions"):
        conversion_ratio(parse_unit("ft3"), parse_unit("scf"))


def test_an_unknown_region_is_an_error_even_where_the_unit_is_plain() -> None:
    with pytest.raises(FactorError, match="ZZ"):
        parse_unit("kWh", region="ZZ")


def test_table_hash_pins_the_units() -> None:
    # Whoever changes a ratio changes results, and this line with it.
    assert unit_table_hash() == "sha256:d803f6d07dfca7ae32eaa4da202d5ce2baaa25369a872587304a4a189b7f846d"


@given(*(st.sampled_from(sorted(units().values(), key=str)) for _ in range(2)))
def test_there_and_back_is_one(first: Unit, second: Unit) -> None:
    if first.dimension == second.dimension:
        assert conversion_ratio(first, second) * conversion_ratio(second, first) == 1
    else:
        with pytest.raises(UnitMismatch):
            conversion_ratio(first, second)


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(UnitError):
        assert parse_unit(text).symbol in units()
