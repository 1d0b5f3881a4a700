"""What the steps of an execution do, found out by running it once more while somebody looks."""

from __future__ import annotations

__all__ = ["StepTold", "StepsTold", "tell_steps"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from greenlang.engine.effects import refuse_effects
from greenlang.engine.executions.mishaps import mishap_of
from greenlang.engine.executions.orders import PlanCache, prepare, read_order
from greenlang.engine.executions.timing import StepTaken
from greenlang.errors import InputError
from greenlang.gcel import Plan
from greenlang.gcel.drawings import Drawing, drawing_of
from greenlang.ledger import canonical_bytes
from greenlang.stores import ExecutionRow

#: Seconds after which a run that somebody looks at is given up.
_LONGEST_SECONDS = 20.0

#: Characters of an output, and items of a list, that are told.
_SHOWN = 600
_SHOWN_ITEMS = 20

#: How the note of an error names the step: `in step 'fetch' (map[37] > fetch) at …`.
_FAILED_STEP = re.compile(r"in step '([^'\n]*)'(?: \(([^\n]*)\))?")
_ITEM = re.compile(r"\[\d+\]")


@dataclass(slots=True)
class StepTold:
    """One step, all items together."""

    path: str
    state: Literal["done", "failed", "not reached"] = "not reached"
    runs: int = 0
    seconds: float = 0.0
    output: str = ""


@dataclass(frozen=True, slots=True)
class StepsTold:
    """The plan as it runs, and its steps."""

    drawing: Drawing
    steps: tuple[StepTold, ...] = ()
    #: Why it was not run again; empty where it was.
    because: str = ""
    #: What ended the run, with the line of the program and its caret.
    error: str = ""


def tell_steps(row: ExecutionRow, plans: PlanCache, taken: Sequence[StepTaken] = ()) -> StepsTold:
    """Run an execution again, for nothing but to look at it.

    Parameters
    ----------
    taken : sequence of StepTaken
        What its steps took when it ran, told where it is not run again.

    Raises
    ------
    InputError
        If its program does not compile here any more.
    """
    order = read_order(row.request)
    plan = plans.plan(order.program)
    drawing = drawing_of(plan.as_it_runs)
    try:
        refuse_effects(plan)
        given = prepare(order, plan)
    except InputError as error:
        return StepsTold(drawing, _as_they_ran(drawing, taken), because=error.text())
    steps = {step.path: StepTold(step.path) for step in drawing.steps if step.path}
    try:
        _follow(plan, given, row.tenant, steps)
    except Exception as error:  # whatever an agent raises is what there is to look at
        mishap = mishap_of(error)
        _mark_failed(steps, mishap.note)
        return StepsTold(
            drawing, tuple(steps.values()), error="\n".join(filter(None, (mishap.message, mishap.note)))
        )
    return StepsTold(drawing, tuple(steps.values()))


def _as_they_ran(drawing: Drawing, taken: Sequence[StepTaken]) -> tuple[StepTold, ...]:
    """Every step of the plan, in the state that the run left it in."""
    if not taken:
        return ()
    known = {step.path: step for step in taken}
    told = []
    for path in dict.fromkeys(step.path for step in drawing.steps if step.path):
        step = StepTold(path)
        if (found := known.get(path)) is not None:
            step.state = "done" if found.tries > found.failed else "failed"
            step.runs, step.seconds = found.tries, found.seconds
        told.append(step)
    return tuple(told)


def _follow(plan: Plan, given: object, tenant: str, steps: dict[str, StepTold]) -> None:
    for result in plan.stream(given, deadline=_LONGEST_SECONDS, tenant=tenant):
        step = steps.get(_ITEM.sub("", result.path))
        if step is not None and result.item is None:
            step.state = "done"
            step.runs += 1
            step.seconds += result.elapsed_s
            step.output = _text(result.value)


def _mark_failed(steps: dict[str, StepTold], note: str) -> None:
    named = _FAILED_STEP.search(note)
    if named is not None and (step := steps.get(_ITEM.sub("", named[2] or named[1]))) is not None:
        step.state = "failed"


def _text(value: object) -> str:
    """An output for people: JSON where it has a form in it, else what it is."""
    if isinstance(value, list | tuple) and len(value) > _SHOWN_ITEMS:
        shown = list(islice(value, _SHOWN_ITEMS))
        return f"{_text(shown)} and {len(value) - _SHOWN_ITEMS:,} more"
    try:
        text = canonical_bytes(value).decode()
    except InputError:
        length = f" of {len(value):,}" if hasattr(value, "__len__") else ""
        return f"{type(value).__name__}{length}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
