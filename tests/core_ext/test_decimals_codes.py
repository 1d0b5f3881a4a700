"""Factors gathered by code inside the loops that multiply, and results written over a column."""

import pickle
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_core.decimals import CodeBook, DecimalColumn, DecimalOverflow

LIMIT = 10**38 - 1

pytestmark = pytest.mark.usefixtures("no_memory_is_lost")

rows = st.integers(-LIMIT, LIMIT) | st.integers(-(2**64), 2**64) | st.integers(-1000, 1000)
numbers = st.builds(lambda value, scale: Decimal(f"{value}E-{scale}"), rows, st.integers(0, 38))


def column(*texts: str, scale: int = 2) -> DecimalColumn:
    return DecimalColumn.from_strings(texts, scale)


def address(values: DecimalColumn) -> int:
    return np.frombuffer(values, np.uint8).ctypes.data


# ---- gathering -------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    data=st.data(),
    values=st.lists(rows, max_size=6),
    scale=st.integers(0, 38),
    factors=st.lists(numbers, min_size=1, max_size=4),
    kind=st.sampled_from([np.int32, np.int64]),
)
def test_a_gathered_product_is_that_of_the_column_taken_first(
    data: st.DataObject,
    values: list[int],
    scale: int,
    factors: list[Decimal],
    kind: type[np.int32 | np.int64],
) -> None:
    codes = np.array([data.draw(st.integers(0, len(factors) - 1)) for _ in values], kind)
    quantity, book = DecimalColumn.from_integers(values, scale), CodeBook(factors)

    def outcome(make: Callable[[], DecimalColumn]) -> object:
        try:
            product = make()
        except DecimalOverflow as error:
            return error.row
        assert product.sum() == sum(map(Fraction, product.to_decimals()))
        return product.to_strings()

    gathered = outcome(lambda: quantity * book[codes])
    if book.scale is None:
        assert gathered is None
    else:
        taken = DecimalColumn.from_decimals(factors, book.scale).take(codes)
        assert gathered == outcome(lambda: quantity * taken) == outcome(lambda: book[codes] * quantity)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**63, 10**19])
@pytest.mark.parametrize("factor", [2**63 - 1, -(2**63), 2**63])
def test_products_around_64_bits_are_exact_and_their_total_passes_128(value: int, factor: int) -> None:
    book = CodeBook([1, factor])
    product = DecimalColumn.from_integers([value] * 5, 0) * book[[1] * 5]
    assert product.to_decimals() == [value * factor] * 5
    assert product.sum() == 5 * value * factor


@given(
    values=st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 2)), max_size=8),
    places=st.integers(0, 20),
)
def test_with_places_each_product_is_rounded_once(values: list[tuple[int, int]], places: int) -> None:
    factors = [Fraction(1, 7), Decimal("0.12345678901234567890"), 3]
    amounts = DecimalColumn.from_integers([value for value, _ in values], 6)
    codes = [code for _, code in values]
    product = amounts.multiply(CodeBook(factors)[codes], places=places, mode=ROUND_DOWN)
    for (value, code), result in zip(values, product.to_decimals(), strict=True):
        exact = Fraction(value, 10**6) * Fraction(factors[code])
        assert abs(Fraction(result) - exact) < Fraction(1, 10**places)
        assert abs(result) <= abs(exact)


def test_factors_keep_scales_of_their_own() -> None:
    book = CodeBook([Decimal("0.00000000000000000001"), Decimal("123456789012345678901234567890")])
    assert book.scale is None
    product = column("2", "3").multiply(book[[0, 1]], places=2)
    assert product.to_strings() == ["0.00", "370370367037037036703703703670.00"]
    with pytest.raises(DecimalOverflow, match=r"no scale holds all 2 factors .* use multiply\(…, places=…\)"):
        column("2", "3") * book[[0, 1]]


def test_a_book_gives_its_numbers_and_the_scale_that_holds_them() -> None:
    book = CodeBook([Decimal("1.50"), Fraction(1, 8), 2])
    assert (len(book), book.scale, book[1], book[-1]) == (3, 3, Fraction(1, 8), 2)
    assert repr(book) == "CodeBook(length=3, scale=3)"
    assert repr(book[[0, 1]]) == "Gathered(length=2, CodeBook(length=3, scale=3))"
    assert len(book[[0, 1]]) == 2
    assert CodeBook([Fraction(1, 3)]).scale is None
    assert CodeBook([]).scale == 0
    assert pickle.loads(pickle.dumps(book)).numbers == book.numbers  # noqa: S301 - our own bytes
    assert CodeBook(column("1.5")).numbers == (Decimal("1.50"),)


@pytest.mark.parametrize("kind", [np.int32, np.int64, list])
@pytest.mark.parametrize("code", [-1, 2, 2**31 - 1])
@pytest.mark.parametrize("factor", [1, 10**30])
def test_a_code_out_of_bounds_is_named_with_its_row(
    kind: Callable[[list[int]], object], code: int, factor: int
) -> None:
    codes = kind([0, code])
    for use in (
        lambda gathered: column("1", "2") * gathered,
        lambda gathered: column("1", "2").multiply(gathered, places=1),
    ):
        with pytest.raises(IndexError, match=f"row 1: code {code} is outside the 2 "):
            use(CodeBook([factor, 2])[codes])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: CodeBook([0.1]), TypeError, r"0.1 is a float; write Decimal\('0.1'\)"),
        (lambda: CodeBook(["1"]), TypeError, "code 0: '1' is not an integer"),
        (lambda: CodeBook([1])[[0.0]], TypeError, "code row 0: 0.0 is a float"),
        (lambda: column("1") * CodeBook([1])[[0, 0]], ValueError, "2 codes for 1 rows; give one each row"),
        (lambda: 3 * CodeBook([1])[[0]], TypeError, "unsupported operand"),
        (lambda: column("1") * CodeBook([1]), TypeError, "unsupported operand"),
        (lambda: column("1").multiply("1"), TypeError, "'1' is no column, Decimal or integer"),
        (lambda: column("1").multiply(0.5, places=1), TypeError, r"write Decimal\('0.5'\)"),
        (lambda: column("1").add(None), TypeError, "None is no column, Decimal or integer"),
        (lambda: column("1", scale=30) * CodeBook([Decimal("1e-9")])[[0]], OverflowError, "39 decimal place"),
        (
            lambda: column("1e20") * CodeBook([10**20])[[0]],
            OverflowError,
            r"row 0: 1.*\.00 \* 1.* needs 43 digits .* round with multiply",
        ),
    ],
)
def test_what_cannot_be_gathered_is_refused(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


# ---- results over a column ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, out: a.multiply(CodeBook([1, 2])[[0, 1]], out=out),
        lambda a, out: a.multiply(Fraction(1, 3), places=5, out=out),
        lambda a, out: a.multiply(a, out=out),
        lambda a, out: a.add(1, out=out),
        lambda a, out: a.subtract(a, out=out),
        lambda a, out: a.take([1, 0], out=out),
        lambda a, out: a.round(1, out=out),
        lambda a, out: a.round(2, out=out),
        lambda a, out: a.scale_by([0, 0], [1], [3], 4, out=out),
    ],
)
def test_a_result_takes_the_memory_of_out(
    operation: Callable[[DecimalColumn, DecimalColumn | None], DecimalColumn],
) -> None:
    values = column("1.5", "-2.25")
    out = column("7", "8", "9", scale=0)
    out.sum()
    memory = address(out)
    fresh = operation(values, None)
    assert operation(values, out) is out
    assert address(out) == memory
    assert out.to_strings() == fresh.to_strings()
    assert out.sum() == fresh.sum() == sum(fresh.to_decimals())
    assert out.add(0, out=column("1", "2")) == fresh


def test_out_may_be_used_again_at_its_full_length() -> None:
    out = DecimalColumn.zeros(3, 0)
    column("1").add(1, out=out)
    assert len(out) == 1
    assert column("1", "2", "3").add(1, out=out) == column("2", "3", "4")


def test_memory_that_is_seen_elsewhere_is_not_written_over() -> None:
    values = column("1", "2")
    for share in (lambda c: c[:1], memoryview, lambda c: c.__arrow_c_array__(), DecimalColumn.from_arrow):
        out = column("3", "4")
        shared = share(out)
        with pytest.raises(BufferError, match="memory of out is shared with a slice, a view or a library"):
            values.add(1, out=out)
        del shared
        assert values.add(1, out=out) == column("2", "3")
    with pytest.raises(BufferError, match="is shared"):
        values.add(1, out=DecimalColumn.from_buffer(bytes(32), 0))


@pytest.mark.parametrize(
    ("out", "kind", "message"),
    [
        ([1, 2], TypeError, "out is a list; give a DecimalColumn"),
        (DecimalColumn.zeros(1, 0), ValueError, "out has room for 1 rows, the result has 2"),
    ],
)
def test_an_out_that_cannot_hold_the_result_is_refused(
    out: object, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        column("1", "2").add(1, out=out)  # type: ignore[arg-type]  # what is refused


def test_an_operand_is_no_out() -> None:
    values, other = column("1", "2"), column("3", "4")
    for use in (
        lambda: values.add(1, out=values),
        lambda: values.multiply(other, out=other),
        lambda: values.take([0], out=values),
    ):
        with pytest.raises(ValueError, match="out is an operand too"):
            use()
    assert values == column("1", "2")


def test_after_an_error_out_is_empty() -> None:
    out = DecimalColumn.zeros(2, 0)
    with pytest.raises(DecimalOverflow):
        DecimalColumn.from_integers([1, LIMIT], 0).add(1, out=out)
    assert out.to_strings() == []
    assert column("1", "2").add(0, out=out) == column("1", "2")
