"""What changed between plans, also between ones that nothing here could run."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError
from greenlang.gcel import differences, outline_of, read_outline

from .conftest import text

PROGRAM = 'acme.numbers * (acme.above(limit=1) ? acme.text(tags=["a"]) : 0) >> route("k", a=count, default=5)'


def compiled(program, registry, **options):
    return gl.compile(program, registry=registry, **options)


def saved(plan, **changes):
    document = {**json.loads(plan.to_json()), **changes}
    return read_outline(json.dumps(document))


@pytest.mark.parametrize(
    "program", [PROGRAM, "acme.later >> timeout(2) >> retry(1) | branch(a=1, b=acme.any)"]
)
def test_a_saved_plan_has_the_outline_of_the_plan(program, registry):
    plan = compiled(program, registry)
    assert read_outline(plan.to_json()) == outline_of(plan)


def test_agents_that_are_not_here_are_compared(registry):
    @agent(name="old.gone", version="0.9.0")
    def gone(x: Any) -> Any:
        return x

    before = saved(gl.compile("old.gone >> count", registry=gl.Registry([gone])))
    assert differences(before, outline_of(compiled("acme.any >> count", registry))) == [
        "step old.gone became acme.any",
        "2 of 2 steps run again:",
        "  acme.any: it is another step",
        "  count: comes after acme.any",
    ]


def test_plans_of_other_code_and_other_hashes_are_compared(registry):
    @agent(name="acme.double", version="1.2.0")
    def changed(x: Decimal) -> Decimal:
        return x * 3

    before = saved(compiled("acme.double >> acme.text", registry), hash="sha256:of-other-times")
    after = outline_of(gl.compile("acme.double >> acme.text", registry=gl.Registry([changed, text])))
    assert differences(before, after) == [
        "agent 'acme.double' 1.2.0: its code changed",
        "2 of 2 steps run again:",
        "  acme.double: its code changed",
        "  acme.text: comes after acme.double",
    ]


def test_another_form_alone_changes_nothing_that_runs(registry):
    plan = compiled(PROGRAM, registry)
    before = saved(plan, form=0, hash="sha256:0", places=None)
    assert differences(before, outline_of(plan)) == [
        "nothing that runs: the plans are written in forms 0 and 1"
    ]


def test_steps_of_kinds_that_nothing_here_knows_are_compared(registry):
    plan = compiled("acme.any >> acme.any >> count", registry)
    document = json.loads(plan.to_json())
    document["programs"][0]["steps"][1] = {"kind": "window", "input": 1, "length": 5}
    before = read_outline(json.dumps(document))
    assert [step.label for step in before.steps] == ["acme.any", "window", "count"]
    assert differences(before, outline_of(plan)) == [
        "step window became acme.any",
        "2 of 3 steps run again:",
        "  acme.any: it is another step",
        "  count: comes after acme.any",
    ]


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ("acme.add >> acme.text", "acme.add(amount=2) >> acme.text", ["acme.add: option amount=2 was added"]),
        ("acme.add(amount=2)", "acme.add(amount=3)", ["acme.add: option amount: 2 became 3"]),
        ("acme.add(amount=2)", "acme.add", ["acme.add: option amount=2 was removed"]),
        ("acme.later", "acme.later >> retry(3)", ["acme.later: modifier retry=(n=3) was added"]),
        (
            "acme.later >> timeout(1) >> retry(3)",
            "acme.later >> retry(3) >> timeout(1)",
            ["acme.later: its modifiers are nested otherwise"],
        ),
        (
            "acme.numbers * acme.add",
            "acme.numbers * acme.add(amount=2)",
            ["map: inside it acme.add", "acme.add: option amount=2 was added"],
        ),
        ("acme.double >> 5", "acme.double >> 6", ["constant: its value 5 became 6"]),
        (
            "acme.double >> acme.add",
            "acme.double | acme.add",
            ["acme.add: it reads from other steps"],
        ),
        ("branch(a=1)", "branch(b=1)", ["branch: its names a became b"]),
    ],
)
def test_every_step_that_runs_again_says_why(before, after, reasons, registry):
    told = compiled(after, registry).differences(compiled(before, registry))
    for reason in reasons:
        assert any(line.startswith(f"  {reason}") for line in told), told


def test_the_first_of_several_results_is_told(registry):
    one, other = (compiled(program, registry) for program in ("acme.any | 1", "1 >> acme.any"))
    assert one.differences(other)
    assert other.differences(one)


@given(document=st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_what_is_no_plan_is_refused(document):
    with pytest.raises(GcelError, match="this is not a plan"):
        read_outline(json.dumps(document))
    with pytest.raises(GcelError, match="this is not a plan"):
        read_outline(json.dumps({"hash": "", "agents": document, "programs": [{"steps": [1], "result": 0}]}))


def test_what_is_no_json_is_refused():
    with pytest.raises(GcelError, match="this is not a plan"):
        read_outline(b"\xff")
