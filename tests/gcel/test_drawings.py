"""Drawings: what a page needs to lay out a plan."""

import json

import greenlang as gl
from greenlang.gcel import drawings

PROGRAM = 'map(get("a") >> identity) >> (count | (sum >> catch(identity)))'


def drawn(program, **options):
    return json.loads(gl.compile(program).explain("drawing", **options))


def test_arrows_lead_from_box_to_box():
    picture = drawn(PROGRAM)
    boxes = {step["id"] for step in picture["steps"]}
    assert len(boxes) == len(picture["steps"])
    assert {end for edge in picture["edges"] for end in (edge["source"], edge["target"])} == boxes
    assert {edge["kind"] for edge in picture["edges"]} == {"flow", "use"}


def test_paths_are_those_of_the_results_of_a_run():
    plan = gl.compile(PROGRAM)
    picture = json.loads(plan.explain("drawing", planned=True))
    paths = {step["path"] for step in picture["steps"]}
    told = {result.path for result in plan.stream([{"a": 1}, {"a": 2}]) if result.item is None}
    assert {path.replace("[0]", "").replace("[1]", "") for path in told} <= paths


def test_what_is_too_large_to_be_seen_is_left_out(monkeypatch):
    monkeypatch.setattr(drawings, "DRAWN_STEPS", 5)
    picture = drawn(PROGRAM)
    assert picture["left_out"] > 0
    assert {edge["target"] for edge in picture["edges"]} <= {step["id"] for step in picture["steps"]}
