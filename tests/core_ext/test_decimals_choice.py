"""Comparisons, choices, extremes, means and quotients beside their plain twins."""

import decimal
import operator
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_core.decimals import CodeBook, DecimalColumn, DecimalOverflow
from greenlang_core.masks import Mask

LIMIT = 10**38 - 1
MODES = [name for name in dir(decimal) if name.startswith("ROUND_")]

pytestmark = pytest.mark.usefixtures("no_memory_is_lost")

rows = (
    st.integers(-LIMIT, LIMIT)
    | st.integers(-(2**66), 2**66)
    | st.integers(-100, 100)
    | st.builds(lambda exponent, delta: 10**exponent + delta, st.integers(0, 37), st.integers(-1, 1))
)
scales = st.integers(0, 38)
pairs = st.lists(st.tuples(rows, rows), max_size=6)


def column(*texts: str, scale: int = 2) -> DecimalColumn:
    return DecimalColumn.from_strings(texts, scale)


def exact(values: list[int], scale: int) -> list[Fraction]:
    return [Fraction(value, 10**scale) for value in values]


def rounded(ratio: Fraction, places: int, mode: str) -> Fraction:
    """By `decimal`: digits after the whole part stand in for a quotient that may not terminate."""
    scaled = abs(ratio) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    part = 0 if rest == 0 else 25 * (2 + (2 * rest > scaled.denominator) - (2 * rest < scaled.denominator))
    stand_in = Decimal(f"{'-' if ratio < 0 else ''}{whole}.{part:02}")
    context = decimal.Context(prec=10_000)
    return Fraction(int(stand_in.quantize(Decimal(1), rounding=mode, context=context)), 10**places)


def outcome(make: Callable[[], DecimalColumn]) -> object:
    """The numbers of a result, or the row of its overflow."""
    try:
        return [Fraction(value) for value in make().to_decimals()]
    except DecimalOverflow as error:
        return error.row


def expected(values: list[Fraction], scale: int) -> object:
    for row, value in enumerate(values):
        if abs(value) * 10**scale > LIMIT:
            return row
    return values


# ---- comparing -------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(pairs=pairs, scale=scales, other_scale=scales, same=st.booleans())
def test_comparisons_are_by_number_whatever_the_scales(
    pairs: list[tuple[int, int]], scale: int, other_scale: int, same: bool
) -> None:
    left = [value for value, _ in pairs]
    right = [value for _, value in pairs]
    if same and other_scale <= scale:
        left = [max(min(value * 10 ** (scale - other_scale), LIMIT), -LIMIT) for value in right]
    a, b = DecimalColumn.from_integers(left, scale), DecimalColumn.from_integers(right, other_scale)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        twin = list(map(compare, exact(left, scale), exact(right, other_scale)))
        assert compare(a, b).to_list() == twin
    assert a.equal(b).to_list() == list(map(operator.eq, exact(left, scale), exact(right, other_scale)))


def test_a_column_is_compared_with_numbers_from_either_side() -> None:
    values = column("-1", "0.5", "2")
    assert (values > 0).to_list() == operator.lt(0, values).to_list() == [False, True, True]
    assert (values >= Decimal("0.5")).to_list() == [False, True, True]
    assert values.equal(Decimal("0.500")).to_list() == [False, True, False]
    assert (np.int64(2) <= values).to_list() == [False, False, True]
    assert (values == values) is True


def test_a_mask_is_an_array_of_bools() -> None:
    mask = column("1", "2", "3") > 1
    array = np.asarray(mask)
    assert array.dtype == np.bool_
    assert not array.flags.writeable
    assert array.tolist() == mask.to_list() == [False, True, True]
    assert (len(mask), mask[0], mask[-1], repr(mask)) == (3, False, True, "Mask(2 of 3 rows)")
    with pytest.raises(IndexError):
        mask[3]


# ---- choosing --------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(data=st.data(), pairs=pairs, scale=scales, other_scale=scales)
def test_where_takes_either_side_at_the_larger_scale(
    data: st.DataObject, pairs: list[tuple[int, int]], scale: int, other_scale: int
) -> None:
    condition = [data.draw(st.booleans()) for _ in pairs]
    left, right = [value for value, _ in pairs], [value for _, value in pairs]
    a, b = DecimalColumn.from_integers(left, scale), DecimalColumn.from_integers(right, other_scale)
    sides = zip(condition, exact(left, scale), exact(right, other_scale), strict=True)
    twin = expected([x if true else y for true, x, y in sides], max(scale, other_scale))
    assert outcome(lambda: DecimalColumn.where(condition, a, b)) == twin
    assert outcome(lambda: DecimalColumn.where(np.array(condition, bool), a, b)) == twin
    bounds = list(zip(exact(left, scale), exact(right, other_scale), strict=True))
    assert outcome(lambda: a.minimum(b)) == expected(list(map(min, bounds)), max(scale, other_scale))
    assert outcome(lambda: a.maximum(b)) == expected(list(map(max, bounds)), max(scale, other_scale))


def test_where_takes_one_number_for_all_rows() -> None:
    values = column("-1", "2")
    assert DecimalColumn.where(values < 0, 0, values) == values.maximum(0) == column("0", "2")
    assert DecimalColumn.where(values < 0, values, Decimal("0.125")).to_strings() == ["-1.000", "0.125"]
    out = column("7", "7")
    assert values.minimum(1, out=out) is out
    assert out == column("-1", "1")


@given(values=st.lists(rows, min_size=1, max_size=8), scale=scales)
def test_extremes_and_magnitudes_are_those_of_a_list(values: list[int], scale: int) -> None:
    a = DecimalColumn.from_integers(values, scale)
    assert Fraction(a.min()) == min(exact(values, scale))
    assert Fraction(a.max()) == max(exact(values, scale))
    assert [Fraction(value) for value in abs(a).to_decimals()] == list(map(abs, exact(values, scale)))


# ---- means and quotients -----------------------------------------------------------------------------------


@given(
    values=st.lists(rows, min_size=1, max_size=8), scale=scales, places=scales, mode=st.sampled_from(MODES)
)
def test_a_mean_is_rounded_once(values: list[int], scale: int, places: int, mode: str) -> None:
    mean = DecimalColumn.from_integers(values, scale).mean(places, mode)
    assert Fraction(mean) == rounded(Fraction(sum(values), len(values) * 10**scale), places, mode)
    assert mean.as_tuple().exponent == -places


@settings(max_examples=400)
@given(pairs=pairs, scale=scales, other_scale=scales, places=scales, mode=st.sampled_from(MODES))
def test_quotients_and_products_of_columns_are_rounded_once(
    pairs: list[tuple[int, int]], scale: int, other_scale: int, places: int, mode: str
) -> None:
    pairs = [(value, other or 1) for value, other in pairs]
    left, right = [value for value, _ in pairs], [value for _, value in pairs]
    a, b = DecimalColumn.from_integers(left, scale), DecimalColumn.from_integers(right, other_scale)
    both = list(zip(exact(left, scale), exact(right, other_scale), strict=True))
    quotients = [rounded(x / y, places, mode) for x, y in both]
    assert outcome(lambda: a.divide(b, places, mode)) == expected(quotients, places)
    products = [rounded(x * y, places, mode) for x, y in both]
    assert outcome(lambda: a.multiply(b, places=places, mode=mode)) == expected(products, places)


@given(
    values=st.lists(rows, max_size=4),
    divisor=st.fractions().filter(bool) | rows.filter(bool),
    places=scales,
    mode=st.sampled_from(MODES),
)
def test_columns_divide_by_integers_and_fractions(
    values: list[int], divisor: Fraction | int, places: int, mode: str
) -> None:
    a = DecimalColumn.from_integers(values, 3)
    quotients = [rounded(value / divisor, places, mode) for value in exact(values, 3)]
    assert outcome(lambda: a.divide(divisor, places, mode)) == expected(quotients, places)
    products = [rounded(value * divisor, places, mode) for value in exact(values, 3)]
    assert outcome(lambda: a.multiply(divisor, places=places, mode=mode)) == expected(products, places)


def test_a_column_divides_by_a_decimal_into_out() -> None:
    out = column("7")
    assert column("1").divide(Decimal("0.3"), 4, ROUND_DOWN, out=out) is out
    assert out.to_strings() == ["3.3333"]
    assert column("1").divide(column("-3"), 4, ROUND_HALF_EVEN, out=out).to_strings() == ["-0.3333"]


# ---- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: column("1", "2").divide(column("1", "0"), 2), ZeroDivisionError, "row 1: 2.00 / 0.00; "),
        (lambda: column("1").divide(0, 2), ZeroDivisionError, "a column divided by 0; leave out"),
        (lambda: column("1").divide(0.5, 2), TypeError, r"write Decimal\('0.5'\)"),
        (lambda: column("1").divide("2", 2), TypeError, "'2' is not an integer"),
        (lambda: column("1").divide(CodeBook([1])[[0]], 2), TypeError, "is no column, Decimal or integer"),
        (lambda: column("1").divide(column("1", "2"), 2), ValueError, "columns of 1 and 2 rows do not align"),
        (lambda: column("1") < 0.5, TypeError, r"write Decimal\('0.5'\)"),
        (lambda: column("1") < "1", TypeError, "not supported between"),
        (lambda: column("1").equal(None), TypeError, "None is no column, Decimal or integer"),
        (lambda: column("1").minimum("1"), TypeError, "'1' is no column"),
        (lambda: DecimalColumn.where([True], 1, 2), TypeError, "give a column for one of them"),
        (lambda: DecimalColumn.where([1], column("1"), 2), TypeError, "condition row 0: 1 is not a bool"),
        (lambda: DecimalColumn.where(np.ones(1), column("1"), 2), TypeError, "row 0: 1.0 is not a bool"),
        (lambda: DecimalColumn.where([True, False], column("1"), 2), ValueError, "condition of 2 rows for 1"),
        (lambda: DecimalColumn.where([True], "1", column("1")), TypeError, "'1' is no column"),
        (lambda: DecimalColumn.zeros(0, 0).min(), ValueError, "has no least and no greatest"),
        (lambda: DecimalColumn.zeros(0, 0).mean(2), ValueError, "has no mean"),
        (lambda: Mask(), TypeError, "made by comparing columns"),
        (
            lambda: column("1e37", scale=0).maximum(Decimal("0.01")),
            DecimalOverflow,
            r"row 0: 10{37} = 10{37}\.00 needs 40 digits",
        ),
    ],
)
def test_what_cannot_be_compared_or_divided_is_refused(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()
