"""Values come back identical, or are refused: nothing in between."""

import datetime
import enum
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang as gl
from greenlang.gcel.running.digests import input_digest
from greenlang.gcel.running.values import UnstorableError, read_value, write_value


class Kind(enum.Enum):
    GAS = "gas"
    COAL = "coal"


class Reading(msgspec.Struct):
    amount: Decimal
    tags: dict[Any, Any] = {}


class Checked(msgspec.Struct):
    amount: int

    def __post_init__(self):
        self.amount += 1


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    kind: Kind
    parts: tuple[Any, ...] = ()


@dataclass
class Open:
    name: str
    seen: int = field(init=False, default=3)


class Pair(NamedTuple):
    first: Any
    second: Any


def unfolded(moment):
    # The text of a moment does not say which of two equal hours of an autumn night it is.
    return moment.replace(fold=0)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.datetimes().map(unfolded),
    st.datetimes(timezones=st.just(datetime.UTC)).map(unfolded),
    st.times().map(unfolded),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from(Kind),
    st.builds(gl.Quantity, st.decimals(-1000, 1000, places=3), st.sampled_from(["kWh", "kg/kWh", "t"])),
)
hashable = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(hashable, inner),
        st.frozensets(hashable),
        st.sets(hashable),
        st.builds(Reading, st.decimals(allow_nan=False), st.dictionaries(hashable, inner)),
        st.builds(Site, st.text(), st.sampled_from(Kind), st.lists(inner).map(tuple)),
        st.builds(Pair, inner, inner),
    ),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_back_as_it_was(value):
    try:
        content = write_value(value)
    except UnstorableError:
        pytest.fail(f"{value!r} was refused")
    back = read_value(content)
    assert b"\n" not in content
    assert type(back) is type(value)
    assert input_digest(back) == input_digest(value)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.50"),
        Decimal("-0"),
        Decimal("sNaN123"),
        Decimal("1E+400"),
        -0.0,
        float("-inf"),
        2**200,
        Fraction(1, 3),
        UUID(int=5),
        datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
        {"decimal": "1.50"},
        {(1, "a"): {Decimal(1): b"\xff"}},
        Site("a", Kind.COAL, (Pair(1, None),)),
        Open("x"),
    ],
)
def test_the_last_digit_and_the_order_come_back(value):
    back = read_value(write_value(value))
    assert (type(back), repr(back)) == (type(value), repr(value))


def _itself():
    value: list[Any] = []
    value.append(value)
    return value


def _with_more():
    value = Open("x")
    value.more = 1  # type: ignore[attr-defined]  # that is the point
    return value


def _local():
    @dataclass
    class Local:
        x: int

    return Local(1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (threading.Lock(), "a lock has no form that can be read back"),
        ((number for number in [1]), "a generator has no form"),
        (_itself(), "holds itself"),
        ("\ud800", "no UTF-8"),
        (Checked(1), "a Checked does not come back from its fields as it was"),
        (_with_more(), "a Open has no form"),
        (_local(), "does not stand at the top of its module"),
        (datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(0), "X")), "time zone"),
    ],
)
def test_what_would_not_come_back_is_refused(value, reason):
    with pytest.raises(UnstorableError, match=reason):
        write_value(value)


def test_a_class_that_is_gone_or_changed_is_told_of():
    content = write_value(Site("a", Kind.GAS))
    for damaged in (content.replace(b"Site", b"Gone"), content.replace(b"GAS", b"OIL")):
        with pytest.raises(UnstorableError, match=r"not here any more|cannot be made again"):
            read_value(damaged)


def test_reading_imports_nothing():
    with pytest.raises(UnstorableError, match="is not here any more"):
        read_value(b'{"object":["antigravity","Gravity",[]]}')
