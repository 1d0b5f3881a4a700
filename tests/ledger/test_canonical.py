from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.errors import InputError, QuantityError
from greenlang.ledger.canonical import MAX_DEPTH, canonical_bytes, digest, encode_plain, plain
from greenlang_core.canonical import encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


#: What the compiled writer takes by itself, and a few values that it leaves to its twin.
decimals = st.decimals(allow_nan=False, allow_infinity=False)
written_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | decimals | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


class Colour(enum.Enum):
    GREEN = "green"


class Factor(msgspec.Struct, frozen=True):
    value: Decimal
    gas: str


class Renamed(msgspec.Struct, rename={"value": "v"}, tag="renamed", tag_field="kind"):
    value: int
    left_out: int | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Period:
    start: date
    days: int


@given(json_values)
def test_the_bytes_are_those_of_the_standard_library_with_keys_sorted(value: object) -> None:
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    ours = canonical_bytes(value)
    assert json.loads(ours) == value
    # The two differ only in how a control character is escaped (\b or \u0008, say).
    assert json.dumps(json.loads(ours), separators=(",", ":"), ensure_ascii=False) == expected


@given(written_values)
def test_the_compiled_writer_gives_the_bytes_of_its_twin_or_leaves_it_to_it(value: object) -> None:
    assert encode(value) in (None, encode_plain(plain(value)))


@pytest.mark.parametrize(
    "value",
    [
        {"b": [1, -(2**63), Decimal("-0.010")], "a": (True, False, None), "é": 'a "text"\n\\\x01\U0001f600'},
        [Decimal("0.00"), Decimal("-0"), Decimal("1200"), Decimal("0.000001"), {}, [], ()],
    ],
)
def test_the_compiled_writer_takes_what_requests_consist_of(value: object) -> None:
    assert encode(value) == encode_plain(plain(value))


@pytest.mark.parametrize(
    "value",
    [2**63, Decimal("1E+2"), Decimal("NaN1"), 1.5, "\ud800", {1: 2}, {"\ud800": 1}, Colour.GREEN, b"", {1}],
    ids=repr,
)
def test_the_compiled_writer_leaves_to_its_twin_what_it_does_not_know(value: object) -> None:
    assert encode(value) is None
    assert encode({"in": [value]}) is None


@given(json_values)
def test_what_was_written_reads_back_and_writes_the_same(value: object) -> None:
    once = canonical_bytes(value)
    assert canonical_bytes(msgspec.json.decode(once)) == once


def test_keys_are_sorted_by_code_point_not_by_utf16_unit() -> None:
    assert canonical_bytes({"\uffff": 1, "\U0001f600": 2, "é": 3, "b": 4, "aa": 5, "a": 6, "Z": 7}) == (
        '{"Z":7,"a":6,"aa":5,"b":4,"é":3,"\uffff":1,"\U0001f600":2}'.encode()
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(0, 20))
def test_equal_decimals_have_equal_bytes_whatever_their_zeros(value: Decimal, zeros: int) -> None:
    padded = Decimal(f"{value:f}" + "0" * zeros)
    assert canonical_bytes(padded) == canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.50"), '"1.5"'),
        (Decimal("1E+2"), '"100"'),
        (Decimal("-0.00"), '"0"'),
        (date(2024, 2, 29), '"2024-02-29"'),
        (datetime(2024, 1, 1, 12, tzinfo=UTC), '"2024-01-01T12:00:00Z"'),
        (datetime(2024, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))), '"2024-01-01T12:00:00Z"'),
        (datetime(2024, 1, 1, 12, 0, 0, 5), '"2024-01-01T12:00:00.000005"'),
        (Colour.GREEN, '"green"'),
        ({Colour.GREEN: 1}, '{"green":1}'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (2**70, "1180591620717411303424"),
        (True, "true"),
        ((1, [None]), "[1,[null]]"),
        ("\x7f\x1f/\u2028", '"\x7f\\u001f/\u2028"'),
        (Factor(Decimal("2.50"), "CH4"), '{"gas":"CH4","value":"2.5"}'),
        (Renamed(3), '{"kind":"renamed","v":3}'),
        (Period(date(2024, 1, 1), 366), '{"days":366,"start":"2024-01-01"}'),
    ],
)
def test_each_kind_of_value_has_its_text(value: object, expected: str) -> None:
    assert canonical_bytes(value) == expected.encode()


def test_a_digest_is_the_sha256_of_the_bytes() -> None:
    assert digest({"b": 1, "a": 2}) == "sha256:" + hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, 0.1]}, r'\$\.a\[1\]: 0\.1 is a float.*write Decimal\("0\.1"\)'),
        (np.float64(0.1), r"\$: 0\.1 is a float"),
        ([Decimal("NaN1")], r"\$\[0\]: NaN1 is not a finite number"),
        ([Decimal("NaN")], r"\$\[0\]: NaN is not a finite number"),
        ([Decimal("Infinity")], r"\$\[0\]: Infinity is not a finite number"),
        (Decimal("1E+999999999"), "out of range"),
    ],
)
def test_a_number_without_exact_text_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(QuantityError, match=message):
        canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1: "a"}, "1 is of type int and cannot be a key"),
        ({"a": {1, 2}}, r"\$\.a: a value of type set has no canonical form"),
        (b"bytes", "type bytes"),
        (Fraction(1, 3), "type Fraction"),
        ("\ud800", r"'\\ud800', which is no character"),
        ({"\ud800": 1}, "no character"),
        (Factor, "type StructMeta"),
    ],
)
def test_a_value_without_canonical_form_is_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        canonical_bytes(value)


def test_a_cycle_is_refused_before_the_interpreter_gives_up() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(InputError, match=f"nested deeper than {MAX_DEPTH}"):
        plain(cycle)


def test_plain_keeps_no_subclass() -> None:
    class Name(str):
        __slots__ = ()

    assert type(plain(Name("a"))) is str
