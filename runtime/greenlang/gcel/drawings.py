"""A plan as nodes and edges, for pages that lay it out and draw it themselves."""

from __future__ import annotations

__all__ = ["Drawing", "DrawnEdge", "DrawnStep", "drawing_of"]

from typing import Literal

import msgspec

from greenlang.gcel.compiled import Compiled
from greenlang.gcel.pictures import reads_of, step_title, uses_of
from greenlang.gcel.steps import AgentStep, Step
from greenlang.gcel.types import type_text

#: Steps that are drawn; of a larger plan nobody sees anything.
DRAWN_STEPS = 2_000

#: Characters of a step's title.
_TITLE = 200


class DrawnStep(msgspec.Struct, frozen=True):
    """A box."""

    id: str
    #: 0 for the plan itself, else a program that one of its steps runs.
    program: int
    kind: Literal["input", "output", "agent", "step"]
    title: str
    #: The way to it, without items, as the results of a run name it: `map > acme.fetch`.
    path: str


class DrawnEdge(msgspec.Struct, frozen=True):
    """An arrow: a value that flows, or a program that a step uses."""

    source: str
    target: str
    label: str
    kind: Literal["flow", "use"]


class Drawing(msgspec.Struct, frozen=True):
    """What there is to draw."""

    takes: str
    gives: str
    steps: list[DrawnStep]
    edges: list[DrawnEdge]
    #: Steps that are left out, for there are too many.
    left_out: int


def drawing_of(plan: Compiled) -> Drawing:
    """The boxes and arrows of a plan, program by program."""
    steps: list[DrawnStep] = []
    edges: list[DrawnEdge] = []
    left_out = 0
    for number, way in enumerate(plan.ways):
        program = plan.programs[number]
        if len(steps) + len(program.steps) > DRAWN_STEPS:
            left_out += len(program.steps)
            continue
        result = _id(number, "out")
        steps.append(DrawnStep(_id(number, 0), number, "input", "input", ""))
        for slot, step in enumerate(program.steps, start=1):
            steps.append(_drawn(plan, step, number, slot, way))
            edges += [
                DrawnEdge(_id(number, read), _id(number, slot), label, "flow")
                for read, label in reads_of(step)
            ]
            edges += [
                DrawnEdge(_id(number, slot), _id(named, 0), when, "use") for named, when in uses_of(step)
            ]
        steps.append(DrawnStep(result, number, "output", "output", ""))
        edges.append(DrawnEdge(_id(number, program.result), result, "", "flow"))
    drawn = {step.id for step in steps}
    return Drawing(
        type_text(plan.input_type),
        type_text(plan.output_type),
        steps,
        [edge for edge in edges if edge.target in drawn],
        left_out,
    )


def _drawn(plan: Compiled, step: Step, number: int, slot: int, way: str) -> DrawnStep:
    title = step_title(plan, step)
    return DrawnStep(
        id=_id(number, slot),
        program=number,
        kind="agent" if isinstance(step, AgentStep) else "step",
        title=title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…",
        path=f"{way}{plan.label(step)}",
    )


def _id(number: int, slot: int | str) -> str:
    return f"p{number}_{slot}"
