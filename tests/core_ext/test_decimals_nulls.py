"""Nulls: where they come from, how operations pass them on, and what refuses them."""

import copy
import operator
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_core.decimals import CodeBook, DecimalColumn, DecimalTextError

LIMIT = 10**38 - 1

pytestmark = pytest.mark.usefixtures("no_memory_is_lost")

entries = st.none() | st.integers(-100, 100).map(lambda value: Decimal(value) / 4)
pairs = st.lists(st.tuples(entries, entries), max_size=20)


def column(*values: Decimal | int | None, scale: int = 2) -> DecimalColumn:
    return DecimalColumn.from_decimals(values, scale, nulls=True)


def propagate(function: Callable[..., Any], *sides: list[Any]) -> list[Any]:
    """The plain twin: null where any operand is."""
    return [None if None in row else function(*row) for row in zip(*sides, strict=True)]


def quarter(value: Decimal) -> Decimal:
    return Decimal(round(Fraction(value) / 4 * 100)) / 100


# ---- passing on ------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(pairs=pairs, start=st.integers(0, 9))
def test_operations_pass_nulls_on(pairs: list[tuple[Decimal | None, Decimal | None]], start: int) -> None:
    left, right = [value for value, _ in pairs][start:], [value for _, value in pairs][start:]
    # Slices, so that bitmaps start within a byte, and another scale.
    a = column(*[value for value, _ in pairs])[start:]
    b = column(*[value for _, value in pairs], scale=4)[start:]
    twos = [Decimal(2)] * len(left)
    for got, twin in [
        (a, left),
        (a + b, propagate(operator.add, left, right)),
        (a - b, propagate(operator.sub, left, right)),
        (a * b, propagate(operator.mul, left, right)),
        (2 + a, propagate(operator.add, left, twos)),
        (a * 2, propagate(operator.mul, left, twos)),
        (-a, propagate(operator.neg, left)),
        (abs(a), propagate(abs, left)),
        (a.minimum(b), propagate(min, left, right)),
        (a.maximum(2), propagate(max, left, twos)),
        (a.round(3), left),
        (a.divide(4, 2), propagate(quarter, left)),
        (a.multiply(Fraction(1, 4), places=2), propagate(quarter, left)),
        (a.multiply(b, places=4), propagate(operator.mul, left, right)),
        (a * CodeBook([3])[np.zeros(len(a), int)], propagate(lambda value: 3 * value, left)),
        (a.scale_by(np.zeros(len(a), int), [1], [4], 2), propagate(quarter, left)),
        (a[::-1], left[::-1]),
        (DecimalColumn.concat([a, column(1, None), a]), [*left, 1, None, *left]),
        (a.add(b, out=DecimalColumn.zeros(len(a), 0)), propagate(operator.add, left, right)),
        (pickle.loads(pickle.dumps(a)), left),  # noqa: S301 - our own bytes
        (copy.deepcopy(a), left),
    ]:
        assert got.to_decimals() == twin
        assert got.null_count == twin.count(None)
        assert got.sum(skip_nulls=True) == sum(value for value in twin if value is not None)
    assert (a < b).to_list() == propagate(operator.lt, left, right)
    assert (a <= 2).to_list() == propagate(operator.le, left, twos)
    assert a.equal(b).to_list() == propagate(operator.eq, left, right)
    assert a.is_null().to_list() == [value is None for value in left]
    assert (a == a[:]) is True
    assert (a == a.fill_null(1000)) is (None not in left)


@given(pairs=pairs, conditions=st.lists(entries, max_size=20))
def test_where_is_null_where_its_condition_or_its_choice_is(
    pairs: list[tuple[Decimal | None, Decimal | None]], conditions: list[Decimal | None]
) -> None:
    rows = list(zip(conditions, pairs, strict=False))
    condition = column(*[value for value, _ in rows]) > 0
    a, b = column(*[pair[0] for _, pair in rows]), column(*[pair[1] for _, pair in rows], scale=3)
    twin = [None if value is None else pair[0] if value > 0 else pair[1] for value, pair in rows]
    assert DecimalColumn.where(condition, a, b).to_decimals() == twin


@given(values=st.lists(entries, max_size=20))
def test_reductions_skip_nulls_when_told_to(values: list[Decimal | None]) -> None:
    a, numbers = column(*values), [value for value in values if value is not None]
    assert a.drop_nulls().to_decimals() == numbers
    codes = [row % 2 for row in range(len(values))]
    totals = [sum(value or 0 for value in values[start::2]) for start in (0, 1)]
    assert a.group_sum(codes, 2, skip_nulls=True).to_decimals() == totals
    if numbers:
        assert (a.min(skip_nulls=True), a.max(skip_nulls=True)) == (min(numbers), max(numbers))
        exact = sum(map(Fraction, numbers)) / len(numbers)
        assert abs(Fraction(a.mean(9, skip_nulls=True)) - exact) <= Fraction(1, 2 * 10**9)


def test_nothing_under_a_null_stops_a_loop() -> None:
    big, null = column(LIMIT, 1, scale=0), column(None, 1, scale=37)
    assert (null + big).to_decimals() == [*(null * big).to_decimals()[:1], 2]
    assert column(5, 6).divide(column(None, 3), 0).to_decimals() == [None, 2]
    assert big.multiply(column(None, 1), places=3).to_decimals() == [None, 1]


# ---- making and reading ------------------------------------------------------------------------------------


def test_none_is_a_null_where_it_is_asked_for() -> None:
    values = DecimalColumn.from_strings(["1.5", None], 2, nulls=True)
    assert values.to_strings() == ["1.50", None]
    assert (values[0], values[1], values.null_count) == (Decimal("1.50"), None, 1)
    assert repr(values) == "DecimalColumn([1.50, null], length=2, scale=2)"
    with pytest.raises(DecimalTextError, match=r"^amount, row 1: ") as caught:
        DecimalColumn.from_strings([None, "x"], 2, name="amount", nulls=True)
    assert caught.value.row == 1


def test_nulls_are_set_filled_and_dropped() -> None:
    values = column(1, 2, 3)
    some = values.with_nulls(np.array([False, True, False]))
    assert some.to_decimals() == [1, None, 3]
    assert some.with_nulls(some.fill_null(0) > 2).to_decimals() == [1, None, None]
    assert values.with_nulls(some.is_null()) == some
    assert some.fill_null(Decimal("0.125")).to_strings() == ["1.000", "0.125", "3.000"]
    assert values.fill_null(0) is values.drop_nulls() is values
    assert values.with_nulls([False] * 3).null_count == 0
    assert values.to_decimals() == [1, 2, 3]


@pytest.mark.parametrize(
    ("use", "kind"),
    [
        (lambda values: values.sum(), ValueError),
        (lambda values: values.mean(2), ValueError),
        (lambda values: values.min(), ValueError),
        (lambda values: values.max(), ValueError),
        (lambda values: values.group_sum([0, 0], 1), ValueError),
        (lambda values: values.to_bytes(), ValueError),
        (memoryview, BufferError),
        (lambda values: memoryview(values > 0), BufferError),
        (lambda values: values.with_nulls(values > 0), ValueError),
    ],
)
def test_what_cannot_tell_a_null_from_a_number_refuses_it(
    use: Callable[[DecimalColumn], object], kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"row 1 .*is null"):
        use(column(1, None))


def test_a_factor_is_never_null() -> None:
    with pytest.raises(TypeError, match="code 1: None is not an integer"):
        CodeBook(column(1, None))
