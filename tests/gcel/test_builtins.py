from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import greenlang as gl
from greenlang.agents import Registry, agent
from greenlang.errors import GcelError, StepError


class Fuel(msgspec.Struct):
    name: str
    amount: Decimal


@dataclass
class Site:
    name: str


Point = namedtuple("Point", "x y")


@agent(name="test.fuel", version="1.0.0")
def fuel(x: Any) -> Fuel:
    return Fuel("gas", Decimal(x))


REGISTRY = Registry([fuel])


def run(program, value):
    return gl.compile(program, registry=REGISTRY).run(value)


def given():
    return iter([1, 2])


@pytest.mark.parametrize(
    ("program", "value", "result"),
    [
        ("sum", [Decimal("0.10"), 2], Decimal("2.10")),
        ("sum", [], 0),
        ("sum", (1, 2), 3),
        ("sum", given(), 3),
        ("count", "abc", StepError),
        ("count", [1, 2], 2),
        ("count", {"a": 1}, 1),
        ("min", [3, Decimal("1.5")], Decimal("1.5")),
        ("max", ["a", "b"], "b"),
        ("mean(2)", [1, 2, 2], Decimal("1.67")),
        ("mean(places=0)", [1, 2], Decimal(2)),
        ("mean(0)", [0, 1], Decimal(0)),
        ("first", [1, 2], 1),
        ("last", [1, 2], 2),
        ("sort", [2, 1], [1, 2]),
        ('sort("x")', [{"x": 2}, {"x": 1}], [{"x": 1}, {"x": 2}]),
        ('sort(key="x")', [Point(2, 0), Point(1, 9)], [Point(1, 9), Point(2, 0)]),
        (
            'group_by("name")',
            [Site("a"), Site("b"), Site("a")],
            {"a": [Site("a"), Site("a")], "b": [Site("b")]},
        ),
        ('get("amount")', Fuel("gas", Decimal(1)), 1),
        ('get("y")', Point(1, 2), 2),
        ('get("name")', {"name": None}, None),
        ("merge", [{"a": 1}, {"b": 2, "a": 1}], {"a": 1, "b": 2}),
        ("merge", {"x": {"a": 1}, "y": Site("s")}, {"a": 1, "name": "s"}),
        ("merge", [[1], (2,), []], [1, 2]),
        ("merge", [], []),
    ],
)
def test_a_built_in_gives(program, value, result):
    if result is StepError:
        with pytest.raises(StepError):
            run(program, value)
    else:
        assert run(program, value) == result


@pytest.mark.parametrize(
    ("program", "value", "message"),
    [
        ("sum", [0.5, 1], "sum adds exact numbers, and these make a float"),
        ("sum", ["a", "b"], "sum adds exact numbers, and these make a str"),
        ("sum", [{"a": 1}], "sum adds exact numbers, and these make a dict"),
        ("sum", [None], "sum adds exact numbers, and these make a NoneType"),
        ("sum", ["a", 1], "sum cannot add these items"),
        ("sum", {5}, "a list or a table is wanted here, and {5} of type set came"),
        ("sum", 5, "a list or a table is wanted here, and 5 of type int came"),
        ("mean(2)", [], "mean of an empty list"),
        ("mean(2)", [0.5], "sum adds exact numbers, and these make a float"),
        ("min", [], "min of an empty list"),
        ("max", [1, "a"], "max cannot compare these items"),
        ("first", [], "first of an empty list"),
        ("sort", [1, "a"], "sort cannot compare these items"),
        ("sort", [{}, {}], "sort cannot compare these items"),
        ('sort("y")', [{"x": 1}], "the record has no field 'y'"),
        ('group_by("x")', [{"x": []}], "'x' is [], which cannot name a group"),
        ('group_by("x")', [{"x": ([],)}], "'x' is ([],), which cannot name a group"),
        ('get("nmae")', {"name": 1}, "the record has no field 'nmae'; did you mean name?"),
        ('get("amuont")', Fuel("gas", Decimal(1)), "the record has no field 'amuont'; did you mean amount?"),
        ('get("real")', 5, "a value of type int has no fields, and 'real' is asked of it"),
        ("merge", [{"a": 1}, {"a": 2}], "merge finds two values for 'a': 1 and 2"),
        ("merge", [1, 2], "merge joins records with records and lists with lists, and 1 is neither"),
        (
            "merge",
            [[1], {"a": 1}],
            "merge joins records with records and lists with lists, and [1] is neither",
        ),
    ],
)
def test_a_value_that_a_built_in_cannot_use_is_refused(program, value, message):
    with pytest.raises(StepError) as caught:
        run(program, value)
    assert str(caught.value).startswith(message)


def test_a_field_that_a_type_does_not_have_is_refused_before_the_run():
    with pytest.raises(GcelError, match=r"'get' finds no such field: the record has no field 'amuont'"):
        gl.compile('test.fuel >> get("amuont")', registry=REGISTRY)
    assert gl.compile('test.fuel >> get("amount")', registry=REGISTRY).output_type is Decimal
