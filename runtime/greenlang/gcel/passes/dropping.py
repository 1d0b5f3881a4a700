"""Drop what nobody reads: a pure step runs only if its output goes somewhere."""

from __future__ import annotations

__all__ = ["drop_unread"]

from collections.abc import Sequence

from greenlang.gcel.passes.wiring import (
    Rewriting,
    Wiring,
    caught_programs,
    pure_programs,
    pure_step,
    rewritten,
)
from greenlang.gcel.steps import BuiltinStep, ListStep, Program, RecordStep, Step, inputs_of
from greenlang.gcel.text import literal_options


def drop_unread(wiring: Wiring) -> Wiring:
    """Leave out pure steps without readers; a field of a `branch` is read from the step that makes it.

    A step that is left out cannot fail, so where a `catch` may see a failure all of them stay.
    """
    pure, caught = pure_programs(wiring), caught_programs(wiring)
    programs: list[Program] = []
    origins = []
    for number, (program, places) in enumerate(zip(wiring.programs, wiring.origins, strict=True)):
        if number in caught:
            programs.append(program)
            origins.append(places)
            continue
        sources = _sources(program)
        kept = _kept(program, sources, [pure_step(step, wiring.agents, pure) for step in program.steps])
        rewriting = Rewriting()
        for slot, (step, origin) in enumerate(zip(program.steps, places, strict=True), start=1):
            if sources[slot] != slot:
                rewriting.replace(sources[slot])
            elif slot in kept:
                rewriting.keep(step, origin)
            else:
                rewriting.drop()
        programs.append(rewriting.program(program.result))
        origins.append(tuple(rewriting.origins))
    return rewritten(wiring, programs, origins)


def _sources(program: Program) -> list[int]:
    """For every slot, that which holds the same value first."""
    sources = [0]
    for slot, step in enumerate(program.steps, start=1):
        handed = _handed_on(step, program.steps)
        sources.append(slot if handed is None else sources[handed])
    return sources


def _handed_on(step: Step, steps: Sequence[Step]) -> int | None:
    """The slot whose value a step hands on as it is; None for a step that makes its own."""
    if not isinstance(step, BuiltinStep) or step.modifiers:
        return None
    if step.name == "identity":
        return step.input
    maker = steps[step.input - 1] if step.input else None
    if isinstance(maker, RecordStep) and step.name == "get":
        return dict(zip(maker.names, maker.inputs, strict=True)).get(
            str(literal_options(step.options).get("field"))
        )
    if isinstance(maker, ListStep) and step.name in {"first", "last"} and maker.inputs:
        return maker.inputs[0 if step.name == "first" else -1]
    return None


def _kept(program: Program, sources: Sequence[int], pure: Sequence[bool]) -> set[int]:
    """The slots whose steps run: those that are read, and those that do more than compute."""
    kept = {sources[program.result]}
    for slot in range(len(program.steps), 0, -1):
        if sources[slot] == slot and (slot in kept or not pure[slot - 1]):
            kept.add(slot)
            kept.update(sources[read] for read in inputs_of(program.steps[slot - 1]))
    return kept
