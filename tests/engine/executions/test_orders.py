"""Programs are compiled once, and no more of them are kept than there is room for."""

import pytest

from greenlang.agents import Registry
from greenlang.engine.executions import PlanCache, orders


@pytest.fixture
def plans():
    return PlanCache(Registry())


def test_a_program_that_was_used_lately_is_compiled_once(plans):
    assert plans.plan("sum") is plans.plan("sum")
    assert plans.looks() == {"plans": (1, 1)}


@pytest.mark.parametrize(("name", "most"), [("_PLANS", 2), ("_STEPS", 2)])
def test_what_was_used_longest_ago_makes_room(plans, monkeypatch, name, most):
    monkeypatch.setattr(orders, name, most)
    first, second, third = "sum", "count", "first"
    kept = {program: plans.plan(program) for program in (first, second)}
    plans.plan(first)
    plans.plan(third)
    assert plans.plan(first) is kept[first]
    assert plans.plan(second) is not kept[second]


def test_one_program_is_kept_however_large_it_is(plans, monkeypatch):
    monkeypatch.setattr(orders, "_STEPS", 1)
    assert plans.plan("sum >> merge") is plans.plan("sum >> merge")
