from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict

import msgspec
import pytest

from greenlang.packs.values import find_float, holds_float, value_fits

Site = NewType("Site", str)


class Point(msgspec.Struct):
    x: Decimal
    y: list[float]


@dataclass
class Nested:
    point: Point | None
    next: "Nested | None" = None


class Total(TypedDict):
    site: str
    mass: Decimal


class Pair(NamedTuple):
    first: int
    second: str


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, Any),
        (1, int),
        (1, Decimal),
        (Decimal(1), Fraction),
        (None, None),
        (None, int | None),
        ([1, 2], list[int]),
        ([1, "a"], list[int | str]),
        ((1, "a"), tuple[int, str]),
        ((1, 2, 3), tuple[int, ...]),
        ({"a": Decimal(1)}, dict[str, Decimal]),
        ({"site": "a", "mass": Decimal(1)}, Total),
        ("a", Literal["a", "b"]),
        ("a", Site),
        (1, Annotated[int, "kg"]),
        (Pair(1, "a"), Pair),
        ({1}, set[int]),
    ],
)
def test_a_value_of_the_type_fits(value, kind):
    assert value_fits(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", int),
        (True, int),
        (True, Decimal),
        (1.5, Decimal),
        (None, int),
        ([1, "a"], list[int]),
        ((1, 2), tuple[int, str]),
        ((1,), tuple[int, int]),
        ([1], tuple[int, ...]),
        ({"a": "b"}, dict[str, Decimal]),
        ({"site": "a"}, Total),
        ({"site": "a", "mass": "1"}, Total),
        ("c", Literal["a", "b"]),
        (True, Literal[1]),
        (1, Site),
        ("1", Annotated[int, "kg"]),
    ],
)
def test_a_value_of_another_type_does_not_fit(value, kind):
    assert not value_fits(value, kind)


@pytest.mark.parametrize(
    "kind", [float, complex, list[float], dict[str, float | None], Annotated[float, "kg"], Point, Nested]
)
def test_a_float_in_a_type_is_found(kind):
    assert holds_float(kind)


@pytest.mark.parametrize("kind", [int, Decimal, list[Decimal], Total, Any, Literal["a"], dict[str, Any]])
def test_a_type_without_floats_is_let_through(kind):
    assert not holds_float(kind)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (1.5, "$"),
        ([1, [2, 3.5]], "$[1][1]"),
        ({"a": {"b": 1j}}, "$.a.b"),
        (Nested(Point(Decimal(1), [1, 2.5])), "$.point.y[1]"),
        ([Decimal("1.5"), "1.5"], None),
    ],
)
def test_a_float_in_a_value_is_found(value, place):
    assert find_float(value) == place
