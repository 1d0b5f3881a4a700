"""How columns are made, read, refused and taken apart."""

import copy
import pickle
from array import array
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest

from greenlang_core.blocks import kept_bytes
from greenlang_core.decimals import DecimalColumn, DecimalOverflow, DecimalTextError

LIMIT = 10**38 - 1

# fmt: off
NO_NUMBERS = [
    "", " ", "-", ".", "e5", "1e", "1e+", "1e5.0", "1.2.3", "--1", "1,234.5", "1 234", " 1", "1 ", "1_000",
    "0x10", "NaN", "inf", "-Infinity", "\u0661", "\uff11", "1\x00", "\ud800", "½",
]
# fmt: on

pytestmark = pytest.mark.usefixtures("no_memory_is_lost")


def column(*texts: str, scale: int = 2) -> DecimalColumn:
    return DecimalColumn.from_strings(texts, scale)


# ---- from text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.5", "1.50"),
        ("+1.5", "1.50"),
        ("-0.01", "-0.01"),
        ("-0", "0.00"),
        (".5", "0.50"),
        ("5.", "5.00"),
        ("007", "7.00"),
        ("1.5000000", "1.50"),
        ("1e3", "1000.00"),
        ("1.25E+1", "12.50"),
        ("12500e-3", "12.50"),
        ("0e999999999999999999999", "0.00"),
        ("1e0000000000000000000001", "10.00"),
        ("0." + "0" * 500 + "1e501", "1.00"),
        ("1" + "0" * 500 + "e-500", "1.00"),
        ("9" * 36 + ".99", "9" * 36 + ".99"),
    ],
)
def test_text_is_read_exactly(text: str, plain: str) -> None:
    assert column(text).to_strings() == [plain]
    assert DecimalColumn.from_strings([text.encode()], 2).to_strings() == [plain]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused_with_its_row_and_text(text: str) -> None:
    with pytest.raises(DecimalTextError, match=r"^row 1: .* is not a decimal number; write ") as caught:
        column("1", text)
    assert caught.value.row == 1
    assert caught.value.text == text


@pytest.mark.parametrize("text", ["0.001", "1.234", "1e-3", "0." + "1" * 40, "1e-99999999999999999999"])
def test_text_of_more_places_than_the_scale_is_refused(text: str) -> None:
    with pytest.raises(DecimalTextError, match="more than 2 decimal places; round it, or use a larger scale"):
        column(text)


@pytest.mark.parametrize("text", ["1e36", "-1e36", "9" * 37, "1e400", "1e99999999999999999999", "1" * 5000])
def test_text_of_more_than_38_digits_is_refused(text: str) -> None:
    with pytest.raises(DecimalTextError, match="needs more than 38 digits at scale 2; use a smaller scale"):
        column(text)


def test_a_refusal_names_the_column_and_clips_the_text() -> None:
    with pytest.raises(DecimalTextError, match=r"^quantity, row 2: 'xxx.*…'") as caught:
        DecimalColumn.from_strings(["1", "2", "x" * 10_000], 0, name="quantity")
    assert len(str(caught.value)) < 250


def test_errors_keep_their_row_when_pickled() -> None:
    with pytest.raises(DecimalTextError) as caught:
        column("1", "x")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (again.row, again.text, str(again)) == (1, "x", str(caught.value))


# ---- from numbers ----------------------------------------------------------------------------------------


def test_decimals_and_integers_are_taken_at_the_scale() -> None:
    values = [Decimal("1.50"), 2, Decimal("1E+3"), Decimal("-0.0"), np.int64(7)]
    assert DecimalColumn.from_decimals(values, 2).to_strings() == ["1.50", "2.00", "1000.00", "0.00", "7.00"]


@pytest.mark.parametrize(
    "source",
    [
        [150, -25],
        (150, -25),
        np.array([150, -25]),
        np.array([150, -25], dtype=np.int32),
        np.array([150, -25], dtype=np.int16),
        np.array([150, 0, -25, 0])[::2],
        np.array([150, -25], dtype=object),
        array("q", [150, -25]),
    ],
)
def test_integers_are_unscaled(source: object) -> None:
    assert DecimalColumn.from_integers(source, 2).to_strings() == ["1.50", "-0.25"]


def test_integers_past_64_bits_are_taken() -> None:
    assert DecimalColumn.from_integers([LIMIT, -LIMIT, 2**64], 0).to_decimals() == [LIMIT, -LIMIT, 2**64]
    assert DecimalColumn.from_integers(np.array([2**64 - 1], dtype=np.uint64), 0)[0] == 2**64 - 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DecimalColumn.from_strings([0.1], 2), "row 0: 0.1 is a float; write '0.1'"),
        (lambda: DecimalColumn.from_strings(["1", 1], 2), "row 1: 1 is not text; use from_decimals"),
        (lambda: DecimalColumn.from_strings("1.5", 2), "one text; give a list"),
        (lambda: DecimalColumn.from_decimals([1, 0.1], 2), r"row 1: 0.1 is a float; write Decimal\('0.1'\)"),
        (
            lambda: DecimalColumn.from_decimals(np.array([0.1]), 2),
            r"row 0: 0.1 is a float; write Decimal\('0.1'\)",
        ),
        (
            lambda: DecimalColumn.from_decimals([np.float32(0.1)], 2),
            r"0.1 is a float; write Decimal\('0.1'\)",
        ),
        (
            lambda: DecimalColumn.from_decimals(["1"], 2),
            r"'1' is text; write Decimal\('1'\) or use from_strings",
        ),
        (lambda: DecimalColumn.from_decimals([None], 2), "row 0: None is not an integer"),
        (lambda: DecimalColumn.from_integers([1.0], 2), r"row 0: 1.0 is a float; write Decimal\('1.0'\)"),
        (lambda: DecimalColumn.from_integers(np.array([1.5]), 2), r"row 0: 1.5 is a float"),
        (lambda: column("1") + 0.5, r"0.5 is a float; write Decimal\('0.5'\)"),
        (lambda: 0.5 * column("1"), r"0.5 is a float; write Decimal\('0.5'\)"),
        (lambda: np.float64(0.5) - column("1"), r"0.5 is a float; write Decimal\('0.5'\)"),
        (lambda: column("1") * np.array([0.5]), "is a float"),
        (lambda: column("1").take([0.0]), "index row 0: 0.0 is a float"),
        (lambda: column("1").group_sum(np.array([0.0]), 1), "code row 0: 0.0 is a float"),
        (lambda: column("1").scale_by([0], [0.5], [1], 2), "numerator of code 0: 0.5 is a float"),
        (lambda: DecimalColumn.zeros(1, 2.0), "scale 2.0 is a float"),
        (lambda: column("1") + "1", "unsupported operand"),
        (lambda: DecimalColumn(), "made by from_strings"),
        (lambda: DecimalColumn.from_arrow([1]), "list has no __arrow_c_array__"),
        (lambda: hash(column("1")), "unhashable"),
    ],
)
def test_floats_and_strangers_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DecimalColumn.from_decimals([Decimal("1.234")], 2),
            "row 0: '1.234' has more than 2 decimal places",
        ),
        (lambda: DecimalColumn.from_decimals([1, Decimal("NaN")], 2), "row 1: NaN is not a finite number"),
        (lambda: DecimalColumn.from_decimals([Decimal("-Infinity")], 2), "-Infinity is not a finite number"),
        (lambda: column("1") + Decimal("NaN"), "NaN is not a finite number"),
        (lambda: column("1") + Decimal("1e-39"), "has 39 decimal places; a column holds 38"),
        (lambda: column("1", scale=39), "scale 39 is not in 0 to 38"),
        (lambda: column("1", scale=-1), "scale -1 is not in 0 to 38"),
        (lambda: DecimalColumn.zeros(-1, 0), "-1 rows asked for"),
        (lambda: column("1").round(39), "scale 39 is not in 0 to 38"),
        (
            lambda: column("1").round(0, "ROUND_NEAREST"),
            "'ROUND_NEAREST' is no rounding mode; use one of ROUND_HALF_E",
        ),
        (lambda: column("1", "2") + column("1"), "columns of 2 and 1 rows do not align"),
        (lambda: column("1", "1.25").rescale(1), "row 1: 1.25 has more than 1 dec"),
        (lambda: DecimalColumn.concat([]), "no columns to concatenate"),
        (
            lambda: DecimalColumn.concat([column("1"), column("1", scale=3)]),
            "scale 2 and 3 do not share a scale",
        ),
        (lambda: DecimalColumn.from_buffer(bytes(15), 0), "15 bytes are no whole number of 16-byte integers"),
        (lambda: column("1", "2").group_sum([0], 1), "1 codes for 2 rows"),
        (lambda: column("1").scale_by([0], [1, 2], [1], 2), "2 numerators but 1 denominators"),
        (lambda: column("1").scale_by([0], [1], [0], 2), "denominator of code 0 is 0; it must be positive"),
        (lambda: column("1").scale_by([0], [1], [-3], 5), "denominator of code 0 is -3; it must be positive"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "row"),
    [
        (lambda: DecimalColumn.from_integers([0, LIMIT + 1], 2), 1),
        (lambda: DecimalColumn.from_integers([10**5000], 2), 0),
        (lambda: DecimalColumn.from_decimals([0, Decimal(10) ** 36], 2), 1),
        (lambda: DecimalColumn.from_decimals([0, 0, -(10**5000)], 2), 2),
        (lambda: DecimalColumn.from_buffer((2**127 - 1).to_bytes(16, "little"), 0), 0),
        (lambda: DecimalColumn.from_buffer((LIMIT + 1).to_bytes(16, "little"), 38), 0),
        (lambda: DecimalColumn.from_integers([0, LIMIT, LIMIT], 0) + 1, 1),
        (lambda: -1 - DecimalColumn.from_integers([0, LIMIT], 0), 1),
        (lambda: DecimalColumn.from_integers([1, 10**37], 0) * 10, 1),
        (lambda: DecimalColumn.from_integers([1, 10**37], 0).rescale(1), 1),
        (lambda: DecimalColumn.from_integers([LIMIT, LIMIT, 1], 0).group_sum([1, 1, 0], 2), 1),
        (lambda: DecimalColumn.from_integers([1, 10**37], 0).scale_by([0, 0], [100], [1], 0), 1),
        (lambda: DecimalColumn.from_integers([1, 10**37], 0).scale_by([0, 0], [10**40], [10**38], 0), 1),
        (lambda: DecimalColumn.from_integers([0, 10**37], 0).scale_by([0, 0], [10**80], [1], 0), 1),
        # Wrapped to 128 bits, these four would be in range again.
        (lambda: DecimalColumn.from_integers([34], 0) + DecimalColumn.from_integers([9 * 10**37], 37), 0),
        (lambda: DecimalColumn.from_integers([2**64 - 1], 0).scale_by([0], [2**64 - 1], [1], 0), 0),
        (lambda: DecimalColumn.from_integers([LIMIT] * 3, 0).group_sum([0] * 3, 1), 0),
        (lambda: DecimalColumn.from_integers([-LIMIT] * 4, 0).group_sum([0] * 4, 1), 0),
        (lambda: column("1") + 10**38, None),
        (lambda: column("1", scale=20) * column("1", scale=19), None),
    ],
)
def test_what_leaves_38_digits_is_an_overflow_naming_its_row(
    make: Callable[[], object], row: int | None
) -> None:
    with pytest.raises(DecimalOverflow) as caught:
        make()
    assert caught.value.row == row
    assert len(str(caught.value)) < 300


def test_an_overflow_says_the_value_and_what_would_mend_it() -> None:
    big = DecimalColumn.from_integers([0, LIMIT], 2)
    message = r"^row 1: 9{36}\.99 \+ 0\.01 = 10{36}\.00 needs 39 digits at scale 2, a column holds 38; round"
    with pytest.raises(DecimalOverflow, match=message):
        big + Decimal("0.01")


# ---- memory ----------------------------------------------------------------------------------------------


def test_read_only_buffers_are_shared_and_writable_ones_copied() -> None:
    rows = b"".join(value.to_bytes(16, "little", signed=True) for value in (150, -25))
    writable = bytearray(rows)
    shared, copied = DecimalColumn.from_buffer(rows, 2), DecimalColumn.from_buffer(writable, 2)
    writable[:] = bytes(32)
    assert shared.to_strings() == copied.to_strings() == ["1.50", "-0.25"]
    address = np.frombuffer(rows, np.uint8).ctypes.data
    assert np.frombuffer(shared, np.uint8).ctypes.data == address


@pytest.mark.parametrize("offset", range(16))
def test_rows_of_any_alignment_are_read(offset: int) -> None:
    rows = bytes(offset) + b"".join(
        value.to_bytes(16, "little", signed=True) for value in (LIMIT, -LIMIT, -1)
    )
    values = DecimalColumn.from_buffer(memoryview(rows)[offset:], 0)
    assert (values + 0).equals(values)
    assert values.take([2, 0]).to_decimals() == [-1, LIMIT]
    assert values.scale_by([0, 0, 0], [1], [10], 0).to_decimals() == [10**37, -(10**37), 0]
    assert (values * -1).to_decimals() == (-values).to_decimals() == [-LIMIT, LIMIT, 1]


def test_a_column_gives_its_rows_as_little_endian_bytes_that_cannot_be_written() -> None:
    values = column("1.50", "-0.01")
    view = memoryview(values)
    assert view.readonly
    assert bytes(view) == values.to_bytes() == (150).to_bytes(16, "little") + b"\xff" * 16
    assert DecimalColumn.from_buffer(values, 2) == values


def test_slices_share_memory_and_keep_it_alive() -> None:
    whole = DecimalColumn.from_integers(range(100), 0)
    part = whole[10:90][5:-5]
    address = np.frombuffer(whole, np.uint8).ctypes.data
    assert np.frombuffer(part, np.uint8).ctypes.data == address + 15 * 16
    del whole
    assert part.to_decimals() == list(range(15, 85))


@pytest.mark.parametrize(
    "part", [slice(None, None, -1), slice(5, 1), slice(-3, None), slice(1, 9, 3), slice(50, 60)]
)
def test_slices_are_those_of_a_list(part: slice) -> None:
    assert DecimalColumn.from_integers(range(10), 0)[part].to_decimals() == list(range(10))[part]


def test_rows_are_read_by_number_from_either_end() -> None:
    values = column("1.50", "2.25")
    assert (values[0], values[-1]) == (Decimal("1.50"), Decimal("2.25"))
    assert str(values[np.int64(0)]) == "1.50"
    for row in (2, -3):
        with pytest.raises(IndexError, match=f"row {row} of a column of 2"):
            values[row]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_and_copies_are_equal(protocol: int) -> None:
    values = column("1.50", "-2.25")[1:]
    assert pickle.loads(pickle.dumps(values, protocol)) == values  # noqa: S301 - our own bytes
    assert copy.deepcopy(values) == values


def test_protocol_5_hands_over_the_memory_itself() -> None:
    values = column("1.50")
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(values, 5, buffer_callback=buffers.append)
    assert len(buffers) == 1
    assert pickle.loads(data, buffers=buffers) == values  # noqa: S301 - our own bytes


def test_memory_that_was_freed_is_used_again_and_nothing_is_seen_of_its_past() -> None:
    length = 123_457  # of no other test: a block of exactly this size is the one just freed
    values = DecimalColumn.from_integers(np.full(length, 7), 0)
    address = np.frombuffer(values, np.uint8).ctypes.data
    del values
    again = DecimalColumn.zeros(length - 1, 0)
    assert np.frombuffer(again, np.uint8).ctypes.data == address
    assert again.sum() == 0


def test_little_memory_is_kept_for_use_again() -> None:
    for length in (5_000, 100_000, 1_000_000, 2_000_000, 3_000_000):
        columns = [DecimalColumn.zeros(length, 0) for _ in range(5)]
        del columns
        assert kept_bytes() <= 64 * 2**20


def test_concatenation_is_end_to_end() -> None:
    assert DecimalColumn.concat([column("1"), column(), column("2", "3")]) == column("1", "2", "3")


# ---- reading ---------------------------------------------------------------------------------------------


def test_equality_is_by_number_as_between_decimals() -> None:
    assert column("1.50") == column("1.5", scale=1)
    assert column("1.50") != column("1.51")
    assert column("1.50") != column("1.50", "1.50")
    assert DecimalColumn.from_integers([LIMIT], 0) != DecimalColumn.from_integers([LIMIT], 38)
    assert column("1.50") != [Decimal("1.50")]


def test_decimals_keep_the_scale_and_the_callers_context_plays_no_part() -> None:
    with localcontext() as context:
        context.prec = 1
        values = column("123456789.10", "0")
        assert [str(value) for value in values.to_decimals()] == ["123456789.10", "0.00"]
        assert str(values.sum()) == "123456789.10"
        assert str(values[0]) == "123456789.10"
        assert (values * Decimal("1.25")).to_strings() == ["154320986.3750", "0.0000"]


def test_repr_shows_the_first_rows() -> None:
    assert repr(column("1", "2")) == "DecimalColumn([1.00, 2.00], length=2, scale=2)"
    assert repr(DecimalColumn.zeros(7, 0)) == "DecimalColumn([0, 0, 0, 0, 0, 0, …], length=7, scale=0)"


def test_the_empty_column_works_everywhere() -> None:
    empty = DecimalColumn.zeros(0, 2)
    assert (
        (empty + empty) * empty == -empty == empty.take([]) == empty[:] == DecimalColumn.from_buffer(b"", 2)
    )
    assert empty.sum() == 0
    assert empty.scale_by([], [], [], 3) == empty.round(0) == empty
    assert empty.group_sum([], 2).to_decimals() == [0, 0]
    assert empty.to_decimals() == empty.to_strings() == []


# ---- codes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [-1, 2, 2**31, -(2**63), 2**63 - 1])
def test_a_code_out_of_bounds_is_named_with_its_row(code: int) -> None:
    values = column("1", "2")
    for use in (
        lambda codes: values.take(codes),
        lambda codes: values.group_sum(codes, 2),
        lambda codes: values.scale_by(codes, [1, 1], [1, 1], 2),
    ):
        with pytest.raises(IndexError, match=f"row 1: code {code} is outside the 2 "):
            use([0, code])


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.uint64, np.int16, list, tuple])
def test_codes_of_any_integer_type_are_taken(kind: Callable[[list[int]], object]) -> None:
    codes = kind([2, 0, 2]) if kind in (list, tuple) else np.array([2, 0, 2], dtype=kind)
    values = column("1", "2", "3")
    assert values.take(codes) == column("3", "1", "3")
    assert values.group_sum(codes, 3) == column("2", "0", "4")


def test_codes_past_64_bits_are_refused() -> None:
    with pytest.raises(OverflowError, match="index row 0: 9223372036854775808 does not fit 64 bits"):
        column("1").take([2**63])
