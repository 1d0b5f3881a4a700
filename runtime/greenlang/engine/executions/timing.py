"""What the steps of an execution took, written down with its end where nobody can find it out later.

A plan that only computes is run again for whoever wants to see its steps (`steps`). One with effects is not,
so its steps are timed while it runs; they wait for others most of the time, so that costs them nothing.
"""

from __future__ import annotations

__all__ = ["StepTaken", "Traces", "steps_taken", "trace_of"]

import contextlib
from collections.abc import Iterator

import msgspec

from greenlang.engine.effects import is_harmless
from greenlang.errors import InputError
from greenlang.gcel import Plan, Trace
from greenlang.gcel.steps import FilterStep, MapStep

#: Steps that are timed; and none where a map or a filter may run them any number of times.
_MOST_STEPS = 500


class StepTaken(msgspec.Struct, frozen=True):
    """What one step took, all tries together."""

    #: `map > acme.fetch`.
    path: str
    tries: int
    failed: int
    seconds: float


class _Payload(msgspec.Struct):
    steps: list[StepTaken] = []


def trace_of(plan: Plan) -> Trace | None:
    """What the run of a plan is to be timed with; None where its steps are many, or can be run again."""
    if is_harmless(plan):
        return None
    programs = plan.as_it_runs.programs
    steps = [step for program in programs for step in program.steps]
    if len(steps) > _MOST_STEPS or any(isinstance(step, MapStep | FilterStep) for step in steps):
        return None
    return Trace()


class Traces:
    """The traces of what runs now in one process."""

    def __init__(self) -> None:
        self._of: dict[str, Trace] = {}

    def begin(self, execution_id: str, plan: Plan) -> Trace | None:
        """A trace for an attempt, where it is to be timed."""
        trace = trace_of(plan)
        if trace is not None:
            self._of[execution_id] = trace
        return trace

    def ended(self, execution_id: str, error: bytes | None) -> bytes:
        """The payload of the event that ends an attempt: its error, and what its steps took."""
        trace = self._of.pop(execution_id, None)
        if trace is None:
            return error or b"{}"
        told = {} if error is None else msgspec.json.decode(error)
        return msgspec.json.encode({**told, "steps": list(_taken(trace))})


def _taken(trace: Trace) -> Iterator[StepTaken]:
    with contextlib.suppress(InputError):  # it ended before its first step
        for step in trace.steps():
            yield StepTaken(step.path, step.tries, step.failed, step.working_s + step.waiting_s)


def steps_taken(payload: bytes) -> list[StepTaken]:
    """The steps that an event tells of; none of most."""
    return msgspec.json.decode(payload, type=_Payload).steps
