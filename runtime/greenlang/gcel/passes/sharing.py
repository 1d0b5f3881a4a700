"""Share equal steps: pure steps that are configured alike and read the same run once."""

from __future__ import annotations

__all__ = ["share_equal"]

import msgspec

from greenlang.gcel.passes.wiring import (
    Rewriting,
    Wiring,
    pure_programs,
    pure_step,
    rewritten,
    step_reading,
    step_running,
)
from greenlang.gcel.steps import ConstantStep, Program

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def share_equal(wiring: Wiring) -> Wiring:
    """Let the readers of equal pure steps all read the first of them."""
    pure = pure_programs(wiring)
    #: Programs that are equal have one number here.
    alike: dict[int, int] = {}
    known: dict[bytes, int] = {}
    programs: list[Program] = list(wiring.programs)
    origins = list(wiring.origins)
    for number in reversed(range(len(programs))):
        program = programs[number]
        rewriting = Rewriting()
        first: dict[bytes, int] = {}
        for slot, (step, origin) in enumerate(zip(program.steps, origins[number], strict=True), start=1):
            # A list in a program is a new one wherever it stands, since a reader may keep it.
            is_list = isinstance(step, ConstantStep) and step.value.startswith("[")
            if is_list or not pure_step(step, wiring.agents, pure):
                rewriting.keep(step, origin)
                continue
            read = step_reading(step, rewriting.slots.__getitem__)
            key = _ENCODER.encode(step_running(read, alike.__getitem__))
            if key in first:
                rewriting.replace(first[key])
            else:
                first[key] = slot
                rewriting.keep(step, origin)
        programs[number] = rewriting.program(program.result)
        origins[number] = tuple(rewriting.origins)
        shape = _ENCODER.encode(
            [
                [step_running(step, alike.__getitem__) for step in programs[number].steps],
                programs[number].result,
            ]
        )
        alike[number] = known.setdefault(shape, number)
    return rewritten(wiring, programs, origins)
