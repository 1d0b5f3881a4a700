"""Every kernel beside its plain twin in `decimal`, on inputs chosen to carry, borrow and overflow."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_core.decimals import DecimalColumn, DecimalOverflow, DecimalTextError

LIMIT = 10**38 - 1
MODES = [name for name in dir(decimal) if name.startswith("ROUND_")]

#: Wide enough for every exact result here; what would round traps.
EXACT = decimal.Context(
    prec=10_000, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero]
)


def boundaries(limit: int) -> list[int]:
    """Integers around powers of two and ten, where words end and digits carry."""
    near = {base + delta for exponent in range(129) for base in (2**exponent,) for delta in (-1, 0, 1)}
    near |= {
        base + delta
        for exponent in range(39)
        for base in (10**exponent, 5 * 10**exponent)
        for delta in (-1, 0, 1)
    }
    return sorted({value for value in near | {0, limit} if value <= limit})


#: 64-bit words that carry, borrow and upset estimates of quotients.
words = st.one_of(
    st.integers(0, 3),
    st.integers(2**64 - 4, 2**64 - 1),
    st.integers(2**63, 2**63 + 3),
    st.integers(0, 63).map(lambda shift: 2**shift),
    st.integers(0, 64).map(lambda shift: 2**64 - 2**shift),
    st.integers(0, 2**64 - 1),
)


def integers_to(limit: int) -> st.SearchStrategy[int]:
    """Magnitudes of every size, boundaries and odd patterns among them, of either sign."""
    shifts = st.integers(0, 127)
    patterned = st.builds(
        lambda high, low, shift: ((high << 64 | low) >> shift) % (limit + 1), words, words, shifts
    )
    magnitudes = st.sampled_from(boundaries(limit)) | patterned
    return st.builds(lambda value, sign: sign * value, magnitudes, st.sampled_from([1, -1]))


rows = integers_to(LIMIT)
small_rows = integers_to(10**19)
columns = st.lists(rows, max_size=6) | st.lists(small_rows, max_size=6)
scales = st.integers(0, 38)


def decimals(unscaled: list[int], scale: int) -> list[Decimal]:
    return [Decimal(value).scaleb(-scale, EXACT) for value in unscaled]


def outcome(make: Callable[[], DecimalColumn]) -> tuple[str, object, object]:
    """What a kernel did: its rows and scale, or the row of its overflow."""
    try:
        result = make()
    except DecimalOverflow as error:
        return "overflow", error.row, None
    return "rows", result.to_decimals(), result.scale


def expected(exact: list[Decimal], scale: int) -> tuple[str, object, object]:
    """What it should have done, from results that may be too long."""
    for row, value in enumerate(exact):
        if EXACT.abs(value.scaleb(scale, EXACT)) > LIMIT:
            return "overflow", row, None
    return "rows", exact, scale


def round_ratio(numerator: int, denominator: int, mode: str) -> int:
    """numerator / denominator to an integer, by `decimal` itself.

    A decimal with the same whole part stands in for the quotient, which may not terminate: .25, .5 or .75
    beside it falls on the same side of the half.
    """
    whole, rest = divmod(abs(numerator), denominator)
    part = 0 if rest == 0 else 25 * (2 + (2 * rest > denominator) - (2 * rest < denominator))
    stand_in = Decimal(f"{'-' if numerator < 0 else ''}{whole}.{part:02}")
    return int(stand_in.quantize(Decimal(1), rounding=mode, context=decimal.Context(prec=10_000)))


# ---- arithmetic ------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(data=st.data(), scale=scales, other_scale=scales)
@pytest.mark.parametrize("name", ["add", "subtract"])
def test_sums_and_differences_are_exact_whenever_they_fit(
    name: str, data: st.DataObject, scale: int, other_scale: int
) -> None:
    left = data.draw(columns)
    right = data.draw(st.lists(rows | small_rows, min_size=len(left), max_size=len(left)))
    if data.draw(
        st.booleans()
    ):  # nearly equal numbers at two scales: the intermediate leaves 128 bits, the result not
        shift = 10 ** abs(scale - other_scale)
        right = [int(-value // shift if other_scale < scale else -value * shift) for value in left]
        right = [min(max(value, -LIMIT), LIMIT) for value in right]
    a, b = DecimalColumn.from_integers(left, scale), DecimalColumn.from_integers(right, other_scale)
    pairs = zip(decimals(left, scale), decimals(right, other_scale), strict=True)
    exact = [getattr(EXACT, name)(x, y) for x, y in pairs]
    got = outcome(lambda: a + b if name == "add" else a - b)
    assert got == expected(exact, max(scale, other_scale))


@pytest.mark.parametrize("scaled", [3 * 10**18, 10**19 + 7, 2**64, -(2**63) - 1, -(10**19)])
@pytest.mark.parametrize("beside", [0, 1, -1, 10**30, -(10**30)])
def test_a_sum_past_64_bits_changes_sign_where_it_should(scaled: int, beside: int) -> None:
    other = -scaled * 10**18 + beside
    a, b = DecimalColumn.from_integers([scaled], 0), DecimalColumn.from_integers([other], 18)
    for result in (a + b, b + a, -(-a - b), b - (-a)):
        assert result.to_decimals() == decimals([beside], 18)


@settings(max_examples=300)
@given(data=st.data(), scale=scales, other_scale=scales)
def test_products_are_exact_whenever_they_fit(data: st.DataObject, scale: int, other_scale: int) -> None:
    left = data.draw(columns)
    right = data.draw(st.lists(rows | small_rows, min_size=len(left), max_size=len(left)))
    a, b = DecimalColumn.from_integers(left, scale), DecimalColumn.from_integers(right, other_scale)
    got = outcome(lambda: a * b)
    if scale + other_scale > 38:
        assert got == ("overflow", None, None)
    else:
        pairs = zip(decimals(left, scale), decimals(right, other_scale), strict=True)
        assert got == expected([EXACT.multiply(x, y) for x, y in pairs], scale + other_scale)


@given(values=columns, scale=scales, scalar=rows | small_rows, exponent=st.integers(-38, 3))
def test_a_scalar_stands_for_a_column_of_itself(
    values: list[int], scale: int, scalar: int, exponent: int
) -> None:
    a, number = DecimalColumn.from_integers(values, scale), Decimal(scalar).scaleb(exponent, EXACT)
    if abs(scalar) > 10**35 and exponent > 0:
        return
    places = max(-exponent, 0)
    b = DecimalColumn.from_decimals([number] * len(values), places)
    assert outcome(lambda: a + number) == outcome(lambda: a + b) == outcome(lambda: number + a)
    assert outcome(lambda: a - number) == outcome(lambda: a - b)
    assert outcome(lambda: number - a) == outcome(lambda: b - a)
    assert outcome(lambda: a * number) == outcome(lambda: a * b) == outcome(lambda: number * a)


@given(values=columns, scale=scales)
def test_negation_is_exact(values: list[int], scale: int) -> None:
    assert (-DecimalColumn.from_integers(values, scale)).to_decimals() == decimals(
        [-value for value in values], scale
    )


@given(values=columns, scale=scales, other_scale=scales)
def test_equality_across_scales_is_that_of_decimals(values: list[int], scale: int, other_scale: int) -> None:
    a = DecimalColumn.from_integers(values, scale)
    b = DecimalColumn.from_integers(values, other_scale)
    assert a.equals(b) == (decimals(values, scale) == decimals(values, other_scale))
    if outcome(lambda: a.round(other_scale))[0] == "rows":
        rounded = a.round(other_scale)
        assert a.equals(rounded) == (a.to_decimals() == rounded.to_decimals())


# ---- sums ------------------------------------------------------------------------------------------------


@given(values=st.lists(rows, max_size=20), scale=scales)
def test_the_sum_is_exact_past_38_digits(values: list[int], scale: int) -> None:
    total = DecimalColumn.from_integers(values, scale).sum()
    assert total.as_tuple().exponent == -scale
    assert total == Decimal(sum(values)).scaleb(-scale, EXACT)


@pytest.mark.parametrize("value", [LIMIT, -LIMIT])
def test_a_sum_of_extremes_carries_past_128_bits(value: int) -> None:
    values = DecimalColumn.from_integers([value], 0).take(np.zeros(100_000, np.int64))
    assert values.sum() == value * 100_000
    assert (-values).sum() == -value * 100_000


@given(data=st.data(), scale=scales, groups=st.integers(1, 4))
def test_group_sums_are_exact_whenever_they_fit(data: st.DataObject, scale: int, groups: int) -> None:
    values = data.draw(st.lists(rows, max_size=12))
    codes = data.draw(st.lists(st.integers(0, groups - 1), min_size=len(values), max_size=len(values)))
    totals = [
        sum(value for value, code in zip(values, codes, strict=True) if code == group)
        for group in range(groups)
    ]
    got = outcome(lambda: DecimalColumn.from_integers(values, scale).group_sum(codes, groups))
    assert got == expected(decimals(totals, scale), scale)


# ---- rounding and ratios ---------------------------------------------------------------------------------


@given(values=columns, scale=scales, places=scales)
@pytest.mark.parametrize("mode", MODES)
def test_rounding_is_that_of_decimal(mode: str, values: list[int], scale: int, places: int) -> None:
    unit = Decimal(1).scaleb(-places)
    context = decimal.Context(prec=10_000)
    exact = [value.quantize(unit, rounding=mode, context=context) for value in decimals(values, scale)]
    got = outcome(lambda: DecimalColumn.from_integers(values, scale).round(places, mode))
    assert got == expected(exact, places)


@given(values=columns, scale=scales, new_scale=scales)
def test_rescaling_is_exact_or_refused(values: list[int], scale: int, new_scale: int) -> None:
    a = DecimalColumn.from_integers(values, scale)
    exact = decimals(values, scale)
    lost = [
        row for row, value in enumerate(values) if new_scale < scale and value % 10 ** (scale - new_scale)
    ]
    if lost:
        with pytest.raises(ValueError, match=f"^row {lost[0]}: .* use round"):
            a.rescale(new_scale)
    else:
        assert outcome(lambda: a.rescale(new_scale)) == expected(exact, new_scale)


terms = integers_to(2**128 + 1) | integers_to(2**63) | integers_to(10**7) | integers_to(2**200)
ratios = st.lists(st.tuples(terms, terms.map(abs).filter(bool)), min_size=1, max_size=4)


@settings(max_examples=300)
@given(
    data=st.data(), values=columns, scale=scales, places=scales, ratios=ratios, mode=st.sampled_from(MODES)
)
def test_scaling_by_ratios_rounds_the_exact_quotient_once(
    data: st.DataObject, values: list[int], scale: int, places: int, ratios: list[tuple[int, int]], mode: str
) -> None:
    codes = data.draw(st.lists(st.integers(0, len(ratios) - 1), min_size=len(values), max_size=len(values)))
    numerators, denominators = zip(*ratios, strict=True)
    exact = []
    for value, code in zip(values, codes, strict=True):
        ratio = Fraction(value * numerators[code], denominators[code]) * Fraction(10) ** (places - scale)
        exact.append(round_ratio(ratio.numerator, ratio.denominator, mode))
    got = outcome(
        lambda: DecimalColumn.from_integers(values, scale).scale_by(
            codes, numerators, denominators, places, mode
        )
    )
    assert got == expected(decimals(exact, places), places)


@settings(max_examples=200)
@given(
    divisor=integers_to(2**128 - 1).map(abs).filter(bool),
    quotient=integers_to(LIMIT),
    delta=st.integers(-2, 2),
    mode=st.sampled_from(MODES),
)
def test_scaling_is_right_beside_every_tie_and_multiple(
    divisor: int, quotient: int, delta: int, mode: str
) -> None:
    """(quotient + 1/2) * divisor, give or take a little: where an estimated quotient would be one off."""
    for dividend in (quotient * divisor + delta, quotient * divisor + divisor // 2 + delta):
        exact = round_ratio(dividend, divisor, mode)
        got = outcome(
            lambda n=dividend: DecimalColumn.from_integers([1], 0).scale_by([0], [n], [divisor], 0, mode)
        )
        assert got == expected([Decimal(exact)], 0)


#: value, numerator, denominator: a search over patterned words for inputs on which dropping one correction
#: of an estimated quotient, or of a reciprocal, changes the result. Random inputs practically never do.
CORRECTIONS = {
    "quotient of three words, last step": (
        0x10000000000000001FFFFC,
        0x7FFFFFFFFE000000000,
        0x8000000000000003FFF,
    ),
    "quotient of three words, last step, again": (
        0x8000000000000002000000007FF,
        0xFFFFFFFFF800000080,
        0x10000000000000007F,
    ),
    "quotient of two words, last step": (0x4000000, 0x1FFFFFFFFFFFFFFF9FFFFFFFFFFFFF, 0x82A3D0FB5E),
    "quotient of two words, last step, again": (0x3FFF, 0x1FFFFFFFFFFFFFFFFFFFFF, 0x400000001F),
    "reciprocal, fourth step": (
        0x1FFFFFFFFFFFFFF,
        0x800000000000000100000001000000,
        0x20000000000001FFFFFFFFF,
    ),
    "reciprocal, fourth step, again": (
        0x7FFFFFFF000000007FFFFFFFFFFFFF,
        0x1F80000000000000,
        0x200000000000000FFFFFFFFF,
    ),
    "reciprocal, second step": (
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFF,
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFF,
        0x10000000000000003FFFFFFFFFFFFFFF,
    ),
    "reciprocal, third step": (
        0x100000000000000000000,
        0x7FFFFFF00000000064BE8F7C43A9,
        0x93ED751310AB758BFFFFFF,
    ),
    "quotient of three words, first step": (0x7FFFFFFFF, 0x1FFFFFFFF000, 0x7FFFFFFFFFFFFFFE80000FFFFFF),
    "quotient of 128 ones, rounded up": (10**20 + 40, 2**128 - (2**128 // (10**20 + 40) + 1), 10**20 + 39),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CORRECTIONS)
def test_estimated_quotients_are_corrected(case: str, mode: str) -> None:
    value, numerator, denominator = CORRECTIONS[case]
    for signed in (value, -value):
        exact = round_ratio(signed * numerator, denominator, mode)
        got = outcome(
            lambda n=signed: DecimalColumn.from_integers([n], 0).scale_by(
                [0], [numerator], [denominator], 0, mode
            )
        )
        assert got == expected([Decimal(exact)], 0)


@given(divisor=integers_to(10**38).map(abs).filter(bool), values=columns, mode=st.sampled_from(MODES))
def test_division_of_rows_of_every_size_is_exact(divisor: int, values: list[int], mode: str) -> None:
    codes = [0] * len(values)
    got = DecimalColumn.from_integers(values, 0).scale_by(codes, [1], [divisor], 0, mode)
    assert got.to_decimals() == [round_ratio(value, divisor, mode) for value in values]


# ---- text ------------------------------------------------------------------------------------------------


@given(values=columns, scale=scales)
def test_text_and_decimals_come_back_as_they_left(values: list[int], scale: int) -> None:
    a = DecimalColumn.from_integers(values, scale)
    assert a.to_strings() == [f"{value:f}" for value in decimals(values, scale)]
    assert DecimalColumn.from_strings(a.to_strings(), scale) == a
    assert DecimalColumn.from_decimals(a.to_decimals(), scale) == a
    assert DecimalColumn.from_buffer(a.to_bytes(), scale) == a
    assert [
        int.from_bytes(a.to_bytes()[16 * i : 16 * i + 16], "little", signed=True) for i in range(len(a))
    ] == values


@settings(max_examples=400)
@given(
    text=st.from_regex(r"[+-]?[0-9]{0,45}(\.[0-9]{0,45})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.text("0159.-+eE_ ", max_size=12),
    scale=scales,
)
def test_text_is_parsed_as_decimal_does_or_refused(text: str, scale: int) -> None:
    try:
        number = Decimal(text) if "_" not in text and text == text.strip() else None
    except decimal.InvalidOperation:
        number = None
    fits = (
        number is not None
        and (scaled := number.scaleb(scale, EXACT)) == int(scaled)
        and EXACT.abs(scaled) <= LIMIT
    )
    if fits:
        assert DecimalColumn.from_strings([text], scale).to_decimals() == [number]
    else:
        with pytest.raises(DecimalTextError):
            DecimalColumn.from_strings([text], scale)


@given(values=st.lists(rows, max_size=6), scale=st.integers(0, 38))
def test_trimmed_texts_are_plain_texts_without_the_zeros_at_their_end(values: list[int], scale: int) -> None:
    column = DecimalColumn.from_buffer(
        b"".join(value.to_bytes(16, "little", signed=True) for value in values), scale
    )
    plain = [text.rstrip("0").rstrip(".") if "." in text else text for text in column.to_strings()]
    assert column.to_strings(trimmed=True) == plain


# ---- gathering -------------------------------------------------------------------------------------------


@given(
    data=st.data(), values=st.lists(rows, min_size=1, max_size=6), kind=st.sampled_from([np.int32, np.int64])
)
def test_taking_is_indexing(data: st.DataObject, values: list[int], kind: type[np.int32 | np.int64]) -> None:
    indices = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    taken = DecimalColumn.from_integers(values, 0).take(np.array(indices, kind))
    assert taken.to_decimals() == [values[index] for index in indices]
