from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, TypeVar, Union

import pytest

from greenlang.gcel.types import (
    fits,
    is_collection,
    is_list,
    item_type,
    list_of,
    type_text,
    union_of,
    words_of,
)

Kilograms = NewType("Kilograms", Decimal)
T = TypeVar("T")


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Shape(TypedDict):
    x: int


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (Any, str),
        (str, Any),
        (int, Decimal),
        (bool, int),
        (object, str),
        (T, str),
        (Kilograms, Decimal),
        (Annotated[int, "count"], int),
        (int | None, int),
        (Optional[int], None),  # noqa: UP045  the older spelling is a type of its own
        (Union[int, str], str | bytes),  # noqa: UP007
        (list[int], list[Decimal]),
        (list, list[int]),
        (list[int], Sequence[int]),
        (list[Any], Iterable[str]),
        (tuple[int, ...], Sequence[int]),
        (tuple[int, str], tuple[int, ...]),
        (Literal["a", "b"], str),
        (str, Literal["a"]),
        (Literal["a", "b"], Literal["b"]),
        (dict[str, int], Mapping[str, int]),
        (dict, Shape),
        (Sequence[int], list[int]),
        ("a string", int),
    ],
)
def test_what_may_fit_fits(given, wanted):
    assert fits(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (str, int),
        (Decimal, int),
        (float, Decimal),
        (int, bool),
        (bool, Decimal),
        (int | None, str),
        (list[int], list[str]),
        (list[list[int]], list[list[str]]),
        (dict[str, int], list[int]),
        (Literal["a"], Literal["b"]),
        (Literal["a"], int),
        (None, int),
        (Kilograms, str),
    ],
)
def test_what_plainly_cannot_fit_does_not(given, wanted):
    assert not fits(given, wanted)


def test_lists_are_what_can_be_run_through_item_by_item():
    assert all(map(is_list, [Any, list, list[int], tuple[int, ...], Iterable[int], list | None, object]))
    assert not any(map(is_list, [int, str, bytes, dict[str, int], Mapping, None, Literal["a"], int | str]))


def test_sets_are_collections_and_no_lists_for_they_have_no_order():
    for given in (set[int], frozenset, set | None):
        assert is_collection(given)
        assert not is_list(given)
    assert item_type(set[int]) is int


def test_items_and_unions():
    assert item_type(list[int]) is int
    assert item_type(tuple[int, ...]) is int
    assert item_type(tuple[int, str]) is Any
    assert item_type(list[int] | tuple[str, ...] | None) == int | str
    assert item_type(list) is Any
    assert list_of(Any) is list
    assert list_of(int) == list[int]
    assert union_of([int, int]) is int
    assert union_of([int, str]) == int | str
    assert union_of([int, Any]) is Any
    assert union_of([]) is Any


def test_types_are_written_as_annotations_are():
    assert type_text(list[int | None]) == "list[int | None]"
    assert type_text(Any) == "anything"
    assert type_text(dict[str, tuple[int, ...]]) == "dict[str, tuple[int, ...]]"
    assert type_text(Literal["a", 1]) == "Literal['a', 1]"
    assert type_text(Annotated[Decimal, "kg"]) == "Decimal"


def test_words_are_those_of_literals_and_enumerations():
    assert words_of(Literal["a", "b"] | None) == ("a", "b")
    assert words_of(Size) == ("small", "large")
    assert words_of(str) == ()
