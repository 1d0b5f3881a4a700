"""List what gives its items once: an iterator that is run through is a list where others read it too.

Without it the first reader would leave nothing to the others, nor a map to its own second try, and nobody
would see that items are missing. What has a single reader stays as it is, and is run through in flat memory.
"""

from __future__ import annotations

__all__ = ["list_again", "slots_read_again"]

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

from greenlang.agents.contract import AgentSpec
from greenlang.gcel.builtins import AS_LIST, LIST_READERS
from greenlang.gcel.passes.wiring import Rewriting, Wiring, rewritten
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    FilterStep,
    GroupStep,
    MapStep,
    Modifier,
    Program,
    RouteStep,
    Step,
    inputs_of,
    modifiers_of,
    programs_of,
)
from greenlang.gcel.types import fits

#: Built-ins that may give an iterator: something that they were given, or a part of it.
_HANDING_ON = frozenset({"first", "get", "identity", "last", "max", "min"})


def list_again(wiring: Wiring) -> Wiring:
    """Put a step that makes a list behind each slot that is run through and read again."""
    programs = list(wiring.programs)
    origins = list(wiring.origins)
    for number, again in enumerate(slots_read_again(programs, wiring.agents)):
        if not again:
            continue
        program, places = programs[number], origins[number]
        rewriting = Rewriting()
        if 0 in again:
            rewriting.insert(BuiltinStep(0, AS_LIST), places[0])
        for slot, (step, origin) in enumerate(zip(program.steps, places, strict=True), start=1):
            rewriting.keep(step, origin)
            if slot in again:
                rewriting.insert(BuiltinStep(slot, AS_LIST), origin)
        programs[number] = rewriting.program(program.result)
        origins[number] = tuple(rewriting.origins)
    return rewritten(wiring, programs, origins)


def slots_read_again(programs: Sequence[Program], agents: Sequence[AgentSpec]) -> list[frozenset[int]]:
    """By program, the slots that may hold an iterator, are run through, and are read more than once."""
    found: dict[int, frozenset[int]] = {}
    #: Programs that run through their input.
    running: set[int] = set()
    # A program names only later ones.
    for number in reversed(range(len(programs))):
        program = programs[number]
        readers = Counter(slot for step in program.steps for slot in inputs_of(step))
        readers[program.result] += 1
        through: set[int] = set()
        for step in program.steps:
            slot = _run_through(step, running)
            if slot is not None:
                through.add(slot)
                readers[slot] += any(_asks_again(each, programs) for each in modifiers_of(step))
        if 0 in through:
            running.add(number)
        found[number] = frozenset(
            slot for slot in through if readers[slot] > 1 and _may_come_once(program.steps, slot, agents)
        )
    return [found[number] for number in range(len(programs))]


def _asks_again(modifier: Modifier, programs: Sequence[Program]) -> bool:
    """Whether what a step was given may be wanted again after it failed."""
    if modifier.handler is None:
        return modifier.name == "retry"
    handler = programs[modifier.handler]
    return handler.result == 0 or any(0 in inputs_of(step) for step in handler.steps)


def _run_through(step: Step, running: set[int]) -> int | None:
    """The slot whose items a step takes one by one."""
    if isinstance(step, MapStep | FilterStep) or (
        isinstance(step, BuiltinStep) and step.name in LIST_READERS
    ):
        return step.input
    if isinstance(step, GroupStep | ChooseStep | RouteStep) and not running.isdisjoint(programs_of(step)):
        return step.input
    return None


def _may_come_once(steps: Sequence[Step], slot: int, agents: Sequence[AgentSpec]) -> bool:
    """Whether what stands in a slot may be an iterator, by what makes it."""
    if not slot:
        return True
    step = steps[slot - 1]
    if isinstance(step, AgentStep):
        given = agents[step.agent].output_type
        return fits(given, Iterator) or fits(given, AsyncIterator)
    if isinstance(step, BuiltinStep):
        return step.name in _HANDING_ON
    return isinstance(step, GroupStep | ChooseStep | RouteStep)
