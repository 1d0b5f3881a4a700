from decimal import Context, Decimal, FloatOperation, Inexact, localcontext
from fractions import Fraction
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.errors import QuantityError
from greenlang.exact import (
    ROUNDING_MODES,
    canonical_text,
    decimal_from_text,
    decimal_text,
    divide,
    exact_context,
    exact_number,
    round_,
)

MODES = st.sampled_from(sorted(ROUNDING_MODES))
INTEGERS = st.integers(-(10**30), 10**30)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=12)


class TestContext:
    def test_product_of_two_full_columns_is_exact(self):
        largest = Decimal(10**38 - 1)
        with localcontext(exact_context()):
            assert largest * largest == (10**38 - 1) ** 2

    def test_a_lost_digit_is_an_error(self):
        with localcontext(exact_context()), pytest.raises(Inexact):
            Decimal(1) / Decimal(3)

    def test_a_float_is_an_error(self):
        with localcontext(exact_context()), pytest.raises(FloatOperation):
            Decimal(0.5)  # noqa: RUF032 - the float is the point

    def test_contexts_are_not_shared(self):
        assert exact_context() is not exact_context()


class TestExactNumber:
    @pytest.mark.parametrize("value", [3, Decimal("-1.50"), Fraction(1, 3)])
    def test_exact_values_pass_unchanged(self, value):
        assert exact_number(value) is value

    def test_float_is_refused_with_the_value_that_mends_it(self):
        with pytest.raises(QuantityError, match=r'0\.1 is a float.*; write Decimal\("0\.1"\)'):
            exact_number(0.1)

    def test_numpy_float_is_refused_like_a_float(self):
        numpy = import_module("numpy")
        with pytest.raises(QuantityError, match=r'write Decimal\("0\.1"\)'):
            exact_number(numpy.float64(0.1))

    @pytest.mark.parametrize(
        "value", [True, "1.5", None, 1j, Decimal("NaN"), Decimal("-Infinity"), float("inf")]
    )
    def test_everything_else_is_refused(self, value):
        with pytest.raises(QuantityError):
            exact_number(value)


class TestRound:
    @given(NUMBERS, st.integers(0, 12), MODES)
    def test_decimals_round_as_the_standard_library_does(self, value, places, mode):
        expected = value.quantize(Decimal(1).scaleb(-places), rounding=mode, context=Context(prec=60))
        assert str(round_(value, places, mode)) == str(expected if expected else abs(expected))

    @given(NUMBERS, st.integers(-6, 12), MODES)
    def test_a_fraction_rounds_like_its_decimal(self, value, places, mode):
        assert str(round_(Fraction(value), places, mode)) == str(round_(value, places, mode))

    def test_ties_go_to_the_even_digit_by_default(self):
        assert [str(round_(Decimal(text), 2)) for text in ("0.125", "0.135", "-0.125")] == [
            "0.12",
            "0.14",
            "-0.12",
        ]

    def test_zeros_are_kept_and_minus_zero_is_not(self):
        assert str(round_(5, 3)) == "5.000"
        assert str(round_(Decimal("-0.4"), 0)) == "0"

    def test_negative_places_round_to_hundreds_without_an_exponent(self):
        assert str(round_(Decimal("1251"), -2)) == "1300"

    def test_the_callers_context_changes_nothing(self):
        with localcontext(Context(prec=3)):
            assert str(round_(Decimal("123456.7895"), 3)) == "123456.790"
            assert str(divide(1, 7, 10)) == "0.1428571429"

    @pytest.mark.parametrize(
        ("value", "places", "mode"),
        [
            (0.5, 1, "ROUND_UP"),
            (1, 1, "half_even"),
            (1, 1.0, "ROUND_UP"),
            (1, True, "ROUND_UP"),
            (1, 99, "ROUND_UP"),
        ],
    )
    def test_wrong_arguments_are_refused(self, value, places, mode):
        with pytest.raises(QuantityError):
            round_(value, places, mode)

    @pytest.mark.parametrize("value", [Decimal("1E+999999999"), Decimal(10**70)])
    def test_a_result_past_76_digits_is_refused(self, value):
        with pytest.raises(QuantityError, match="more than 76 digits; round to fewer places"):
            round_(value, 10)


class TestDivide:
    @given(INTEGERS, INTEGERS.filter(bool), st.integers(0, 20), MODES)
    def test_quotients_round_once_from_the_exact_value(self, numerator, denominator, places, mode):
        quotient = Fraction(numerator, denominator)
        rounded = Fraction(divide(numerator, denominator, places, mode))
        last_place = Fraction(1, 10**places)
        half = mode.startswith("ROUND_HALF")
        assert abs(rounded - quotient) <= last_place / 2 if half else abs(rounded - quotient) < last_place
        assert (rounded / last_place).denominator == 1

    @given(NUMBERS, NUMBERS.filter(bool), st.integers(-3, 12), MODES)
    def test_types_of_operands_do_not_matter(self, numerator, denominator, places, mode):
        expected = round_(Fraction(numerator) / Fraction(denominator), places, mode)
        assert str(divide(numerator, denominator, places, mode)) == str(expected)

    def test_zero_cannot_divide(self):
        with pytest.raises(QuantityError, match="1 is divided by zero"):
            divide(1, Decimal("0.00"), 2)

    @pytest.mark.parametrize("operands", [(Decimal("1E+999999999"), 1), (1, Decimal("1E-999999999"))])
    def test_huge_exponents_are_refused_before_they_fill_the_memory(self, operands):
        with pytest.raises(QuantityError):
            divide(*operands, 2)


class TestDecimalFromText:
    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("0", "0"),
            ("+12.50", "12.50"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("1.5e3", "1500"),
            ("1.5E-3", "0.0015"),
            ("12e0", "12"),
            ("9" * 38, "9" * 38),
            ("1e37", "1" + "0" * 37),
            ("-0", "0"),
        ],
    )
    def test_plain_numbers_are_read(self, text, plain):
        with localcontext(Context(prec=5)):
            assert decimal_text(decimal_from_text(text)) == plain

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "the number is empty"),
            ("  ", "the number is empty"),
            ("NaN", "'NaN' is not a finite number"),
            ("-Infinity", "not a finite number"),
            ("1,234.5", "write 1234.5 without a thousands separator"),
            ("1,234", "write 1234 without a thousands separator, or 1.234 if the comma is a decimal comma"),
            ("1.234,5", "write 1234.5 with a decimal point"),
            ("1,5", "write 1.5 with a decimal point"),
            ("1 234", "write 1234 without spaces or separators"),
            (" 12", "write 12 without spaces"),
            ("1_000", "write 1000 without spaces or separators"),
            ("1\N{NARROW NO-BREAK SPACE}234.5", "write 1234.5"),
            ("\N{MINUS SIGN}5", "write -5"),
            ("\N{FULLWIDTH DIGIT FIVE}", "write 5"),
            ("12 kg", "a unit stands apart from its number"),
            ("0x10", "is not a number"),
            ("1e", "is not a number"),
            (".", "is not a number"),
            ("1e400", "needs more than 38 digits"),
            ("1e-400", "or 38 places"),
            ("1e99999999999999999999", "more than 38 digits"),
            ("1" * 39, "more than 38 digits"),
            ("x" * 1_000_000, "is not a number"),
            ("1e" + "9" * 10_000, "more than 38 digits"),
        ],
    )
    def test_all_else_is_refused_and_says_what_to_write(self, text, told):
        with pytest.raises(QuantityError) as refusal:
            decimal_from_text(text)
        assert told in str(refusal.value)
        assert len(str(refusal.value)) < 200

    @given(st.text(alphabet="0123456789+-.eE,_ NaInf", max_size=12))
    def test_what_is_read_equals_what_decimal_reads(self, text):
        try:
            number = decimal_from_text(text)
        except QuantityError:
            return
        assert number == Decimal(text)


class TestTexts:
    @pytest.mark.parametrize(
        ("value", "text", "canonical"),
        [
            ("1.50", "1.50", "1.5"),
            ("1E+2", "100", "100"),
            ("100", "100", "100"),
            ("-0.00", "0.00", "0"),
            ("15E-1", "1.5", "1.5"),
            ("1E-10", "0.0000000001", "0.0000000001"),
        ],
    )
    def test_texts_are_positional(self, value, text, canonical):
        assert decimal_text(Decimal(value)) == text
        assert canonical_text(Decimal(value)) == canonical

    @given(NUMBERS, st.integers(0, 20))
    def test_trailing_zeros_change_no_canonical_text(self, value, zeros):
        padded = Decimal(f"{value:f}" + "0" * zeros)
        assert canonical_text(padded) == canonical_text(value)
        assert Decimal(canonical_text(value)) == value

    def test_an_int_is_written_like_its_decimal(self):
        assert canonical_text(1200) == canonical_text(Decimal("1200.0")) == "1200"

    @pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), 0.5, True, Fraction(1, 3)])
    def test_what_has_no_exact_text_is_refused(self, value):
        with pytest.raises(QuantityError):
            canonical_text(value)
