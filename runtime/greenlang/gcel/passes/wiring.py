"""What passes are made with: programs with all that belongs to them, rewired and renumbered."""

from __future__ import annotations

__all__ = [
    "Rewriting",
    "Wiring",
    "caught_programs",
    "pure_programs",
    "pure_step",
    "rewritten",
    "step_reading",
    "step_running",
]

from collections.abc import Callable, Container, Sequence

from msgspec import Struct, structs

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Origin
from greenlang.agents.resource import Resource
from greenlang.gcel.steps import (
    AgentStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    ListStep,
    MapStep,
    Program,
    RecordStep,
    RouteStep,
    Step,
    inputs_of,
    modifiers_of,
    programs_of,
)


class Wiring(Struct, frozen=True):
    """Programs, the places of their steps, and what the steps name by number."""

    programs: tuple[Program, ...]
    origins: tuple[tuple[Origin, ...], ...]
    agents: tuple[AgentSpec, ...]
    resources: tuple[Resource, ...]

    @property
    def step_count(self) -> int:
        """How many steps all programs have."""
        return sum(len(program.steps) for program in self.programs)


class Rewriting:
    """One program that is written anew: steps are taken over or left out, and readers follow."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.origins: list[Origin] = []
        #: The new slot of every old one.
        self.slots: list[int] = [0]

    def keep(self, step: Step, origin: Origin) -> None:
        """Take a step over, reading the new slots."""
        self.steps.append(step_reading(step, self.slots.__getitem__))
        self.origins.append(origin)
        self.slots.append(len(self.steps))

    def insert(self, step: Step, origin: Origin) -> None:
        """Put a step that reads one old slot behind it: who reads that reads this instead."""
        (read,) = inputs_of(step)
        self.steps.append(step_reading(step, self.slots.__getitem__))
        self.origins.append(origin)
        self.slots[read] = len(self.steps)

    def replace(self, slot: int) -> None:
        """Leave a step out: its readers read this old slot instead."""
        self.slots.append(self.slots[slot])

    def drop(self) -> None:
        """Leave out a step that has no readers."""
        self.slots.append(-1)

    def program(self, result: int) -> Program:
        """The new program, whose result was in this old slot."""
        return Program(tuple(self.steps), self.slots[result])


def step_reading(step: Step, slot: Callable[[int], int]) -> Step:
    """The same step, every slot that it reads renamed."""
    if isinstance(step, ConstantStep):
        return step
    if isinstance(step, ListStep | RecordStep):
        return structs.replace(step, inputs=tuple([slot(each) for each in step.inputs]))
    if isinstance(step, ChooseStep):
        return structs.replace(step, test=slot(step.test), input=slot(step.input))
    if isinstance(step, RouteStep):
        return structs.replace(step, key=slot(step.key), input=slot(step.input))
    renamed = slot(step.input)
    return step if renamed == step.input else structs.replace(step, input=renamed)


def step_running(step: Step, number: Callable[[int], int]) -> Step:
    """The same step, every program that it runs renumbered."""
    if isinstance(step, MapStep | FilterStep | GroupStep):
        step = structs.replace(step, program=number(step.program))
    elif isinstance(step, ChooseStep):
        step = structs.replace(step, yes=number(step.yes), no=number(step.no))
    elif isinstance(step, RouteStep):
        default = None if step.default is None else number(step.default)
        step = structs.replace(
            step, programs=tuple([number(each) for each in step.programs]), default=default
        )
    modifiers = modifiers_of(step)
    if any(each.handler is not None for each in modifiers):
        handled = tuple(
            [
                each if each.handler is None else structs.replace(each, handler=number(each.handler))
                for each in modifiers
            ]
        )
        step = structs.replace(step, modifiers=handled)
    return step


def rewritten(wiring: Wiring, programs: Sequence[Program], origins: Sequence[tuple[Origin, ...]]) -> Wiring:
    """The wiring with these programs, renumbered; itself where nothing changed."""
    if all(new == old for new, old in zip(programs, wiring.programs, strict=True)):
        return wiring
    return _renumbered(structs.replace(wiring, programs=tuple(programs), origins=tuple(origins)))


def _renumbered(wiring: Wiring) -> Wiring:
    """The programs that are still run, every one before those that it runs."""
    order: list[int] = []
    opened: set[int] = set()
    done: set[int] = set()
    waiting = [0]
    # Depth first, each program noted after all that it runs: backwards, callers come before callees.
    while waiting:
        number = waiting[-1]
        if number not in opened:
            opened.add(number)
            inner = [each for each in _inner(wiring.programs[number]) if each not in opened]
            waiting.extend(reversed(inner))
            continue
        waiting.pop()
        if number not in done:
            done.add(number)
            order.append(number)
    order.reverse()
    numbers = {old: new for new, old in enumerate(order)}
    programs = tuple(
        [
            Program(
                tuple([step_running(step, numbers.__getitem__) for step in wiring.programs[old].steps]),
                wiring.programs[old].result,
            )
            for old in order
        ]
    )
    return structs.replace(wiring, programs=programs, origins=tuple([wiring.origins[old] for old in order]))


def _inner(program: Program) -> list[int]:
    return [number for step in program.steps for number in programs_of(step)]


def pure_step(step: Step, agents: Sequence[AgentSpec], pure: Container[int]) -> bool:
    """Whether a step does nothing but compute, and always the same; modifiers count, retry and wait."""
    if modifiers_of(step):
        return False
    if isinstance(step, AgentStep) and "pure" not in agents[step.agent].effects:
        return False
    return all(number in pure for number in programs_of(step))


def pure_programs(wiring: Wiring) -> frozenset[int]:
    """The programs whose steps are all pure."""
    pure: set[int] = set()
    # A program names only later ones.
    for number in reversed(range(len(wiring.programs))):
        if all(pure_step(step, wiring.agents, pure) for step in wiring.programs[number].steps):
            pure.add(number)
    return frozenset(pure)


def caught_programs(wiring: Wiring) -> frozenset[int]:
    """The programs whose errors a `catch` may see."""
    caught: set[int] = set()
    for number, program in enumerate(wiring.programs):
        for step in program.steps:
            if number in caught or any(each.handler is not None for each in modifiers_of(step)):
                caught.update(programs_of(step))
    return frozenset(caught)
