"""Quantities: exact arithmetic, units checked, text that reads back."""

import contextlib
import copy
import pickle
from decimal import ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang as gl
from greenlang.carbon.units.definitions import parse_unit, units
from greenlang.carbon.units.quantity import Quantity
from greenlang.errors import AmbiguousUnit, InputError, QuantityError, UnitMismatch, UnknownUnit

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6)
symbols = st.sampled_from(sorted(units()))


def test_energy_times_intensity_is_mass() -> None:
    product = gl.Quantity("1500 MWh") * gl.Quantity("0.71 kg/kWh")
    assert str(product.to("kg")) == "1065000 kg"
    assert str(product) == "1065000 kg"


def test_conversion_is_exact() -> None:
    assert str(gl.Quantity("1 US gal").to("m3")) == "0.003785411784 m3"
    assert gl.Quantity("1 US gal").to("m3").value == Decimal("0.003785411784")


def test_value_is_a_decimal_where_it_ends_and_a_fraction_where_it_does_not() -> None:
    assert Quantity("1 kWh").to("mmBtu").value == Fraction(180_000_000, 52_752_792_631)
    ended = Quantity("1.50 kWh").value
    assert isinstance(ended, Decimal)
    assert str(ended) == "1.5"


def test_factor_on_a_heat_basis_cancels_only_heat_on_that_basis() -> None:
    assert str(Quantity("2 mmBtu (HHV)") * Quantity("53.06 kg/mmBtu (HHV)")) == "106.12 kg"
    with pytest.raises(UnitMismatch, match="heat basis"):
        (Quantity("2 mmBtu") * Quantity("53.06 kg/mmBtu (HHV)")).to("kg")
    with pytest.raises(UnitMismatch, match="heat basis"):
        Quantity("1 kWh").to("kWh (HHV)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1500 MWh", "1500 MWh"),
        ("1500MWh", "1500 MWh"),
        ("1.500 kwh", "1.5 kWh"),
        ("1e-3 kg", "0.001 kg"),
        ("5E3 kg", "5000 kg"),
        ("-0 kg", "0 kg"),
        ("+2 lbs", "2 lb"),
        (".5 t", "0.5 t"),
        ("1/3 kWh", "1/3 kWh"),
        ("42", "42"),
        ("0.71 kg per kWh", "0.71 kg/kWh"),
        ("3 kg/(US) gal", None),
        ("5 1/kWh", "5 1/kWh"),
        ("4 t*km", "4 t*km"),
        ("4 t·km", "4 t.km"),
        ("7 kg^2/m3", "7 kg^2/m3"),
        ("1 g/mmBtu (HHV)", "1 g/mmBtu (HHV)"),
        ("2 US gal", "2 gal (US)"),
    ],
)
def test_text_is_read_and_written_plainly(text: str, shown: str | None) -> None:
    if shown is None:
        with pytest.raises(UnknownUnit):
            Quantity(text)
    else:
        assert str(Quantity(text)) == shown
        assert Quantity(shown) == Quantity(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,234.5 kWh", "write 1234.5"),
        ("1 234.5 kWh", "write 1234.5"),
        ("1_000 kg", "write 1000"),
        ("NaN kg", "not a finite number"),
        ("-inf kg", "not a finite number"),
        ("1e400 kg", "38 digits"),
        ("", "empty"),
        ("kWh", "not a number"),
        ("1/0 kg", "divided by zero"),
    ],
)
def test_a_number_that_is_not_plain_is_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(QuantityError, match=message):
        Quantity(text)


def test_unit_is_read_by_region() -> None:
    assert str(Quantity("3 gal", region="US")) == "3 gal (US)"
    assert str(Quantity(3, "gal", region="GB").to("L")) == "13.63827 L"
    with pytest.raises(AmbiguousUnit):
        Quantity("3 gal")


@pytest.mark.parametrize(
    "refused",
    [
        lambda: Quantity(0.1, "kg"),  # type: ignore[arg-type]  # what a caller without types would write
        lambda: Quantity("1 kg") * 0.1,  # type: ignore[operator]  # the same
        lambda: 0.1 / Quantity("1 kg"),  # type: ignore[operator]  # the same
    ],
)
def test_floats_are_refused_with_the_mending_value(refused: object) -> None:
    assert callable(refused)
    with pytest.raises(QuantityError, match=r'Decimal\("0.1"\)'):
        refused()


def test_sums_take_the_unit_of_the_first() -> None:
    assert str(Quantity("1 kg") + Quantity("2 lb")) == "1.90718474 kg"
    assert str(Quantity("1 t") - Quantity("1 kg")) == "0.999 t"
    assert str(sum([Quantity("1 kg"), Quantity("500 g")])) == "1.5 kg"


def test_sums_and_comparisons_of_different_things_are_refused() -> None:
    energy, mass = Quantity("1 kWh"), Quantity("1 kg")
    for refused in (
        lambda: energy + mass,
        lambda: energy - mass,
        lambda: energy < mass,
        lambda: energy >= mass,
    ):
        with pytest.raises(UnitMismatch, match="energy"):
            refused()
    assert energy != mass


def test_quantity_and_plain_number_do_not_add() -> None:
    with pytest.raises(TypeError):
        Quantity("1 kg") + 1  # type: ignore[operator]  # what is tested
    with pytest.raises(TypeError):
        1 + Quantity("1 kg")


def test_equal_amounts_are_equal_in_any_unit() -> None:
    assert Quantity("1 MWh") == Quantity("1000 kWh")
    assert hash(Quantity("1 MWh")) == hash(Quantity("1000 kWh"))
    assert Quantity("1 MWh") < Quantity("1 TJ") <= Quantity("1000 GJ")
    assert Quantity("10 t") * Quantity("5 km") == Quantity("50 t.km")
    assert Quantity("1 kWh") != "1 kWh"


def test_products_of_dimensions_convert() -> None:
    assert str((Quantity("10 t") * Quantity("5 km")).to("t.km")) == "50 t.km"
    assert str((Quantity("100 t.km") / Quantity("10 t")).to("km")) == "10 km"
    assert str(Quantity("6 kg") / Quantity("3000 g")) == "2"
    assert str(5 / Quantity("2 kg")) == "2.5 1/kg"
    assert str(2 * Quantity("3 kWh") * Quantity("1 MWh")) == "6000 kWh^2"


def test_division_by_nothing_is_refused() -> None:
    with pytest.raises(QuantityError, match="divided by 0 kg"):
        Quantity("1 kg") / Quantity("0 kg")


def test_rounding_says_its_places() -> None:
    third = Quantity("1/3 kg")
    assert str(third.round(4)) == "0.3333 kg"
    assert str(third.round(4, ROUND_UP)) == "0.3334 kg"
    assert str(Quantity("1250 kg").round(-2)) == "1200 kg"


def test_unit_may_be_given_apart() -> None:
    assert (
        Quantity(Decimal("1.5"), "kg") == Quantity(Fraction(3, 2), parse_unit("kg")) == Quantity("1.5", "kg")
    )
    assert str(Quantity(7)) == "7"
    assert str(Quantity("1 kWh").unit) == "kWh"


def test_quantity_does_not_change_and_travels() -> None:
    quantity = Quantity("1/3 gal (US)")
    with pytest.raises(AttributeError):
        quantity._number = Fraction(1)
    assert pickle.loads(pickle.dumps(quantity)) == copy.deepcopy(quantity) == quantity  # noqa: S301  # our own bytes


@given(numbers, symbols, numbers, symbols)
def test_product_divided_by_a_factor_gives_the_other(a: Decimal, b: str, c: Decimal, d: str) -> None:
    first, second = Quantity(a, b), Quantity(c, d)
    assert first * second == second * first
    if c:
        assert first * second / second == first


@given(numbers, symbols)
def test_what_is_written_reads_back(number: Decimal, symbol: str) -> None:
    quantity = Quantity(number, symbol)
    text = str(quantity)
    assert Quantity(text) == quantity
    assert str(Quantity(text)) == text
    assert "E" not in text.split()[0]


@given(numbers, symbols, symbols)
def test_conversion_there_and_back_loses_nothing(number: Decimal, first: str, second: str) -> None:
    quantity = Quantity(number, first)
    if units()[first].dimension == units()[second].dimension:
        assert quantity.to(second).to(first) == quantity
        assert str(quantity.to(second).to(first)) == str(quantity)


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(InputError):
        assert Quantity(text) == Quantity(text)
