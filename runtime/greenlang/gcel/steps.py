"""What a plan is made of: programs of steps over numbered slots.

Slot 0 of a program is its input and slot n the output of its n-th step, so a step reads only slots below
its own. Steps that decide at run time which others run, or how often, name programs of their own; a program
names only later ones. This is the form that is hashed and saved: it holds names and texts, never Python
objects.
"""

from __future__ import annotations

__all__ = [
    "LABELS_BY_KIND",
    "AgentStep",
    "BuiltinStep",
    "ChooseStep",
    "ConstantStep",
    "FilterStep",
    "GroupStep",
    "ListStep",
    "MapStep",
    "Modifier",
    "Program",
    "RecordStep",
    "RouteStep",
    "Step",
    "check_wiring",
    "inputs_of",
    "label_of",
    "modifiers_of",
    "programs_of",
]

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from greenlang.agents.syntax import MAXIMUM_NESTING
from greenlang.errors import GcelError


class Modifier(Struct, frozen=True, omit_defaults=True):
    """What covers a step: `retry(3)`, `catch(handler)`."""

    name: str
    #: Values as GCEL writes them.
    options: dict[str, str] = {}
    #: The program of a `catch`, which takes `{error, input}`.
    handler: int | None = None


class AgentStep(Struct, frozen=True, tag="agent", tag_field="kind", omit_defaults=True):
    """An agent, by its number among the plan's agents."""

    input: int
    agent: int
    #: Values as GCEL writes them.
    options: dict[str, str] = {}
    #: Options that are files, by their number among the plan's resources.
    resources: dict[str, int] = {}
    #: The first is the innermost; so in every step that has them.
    modifiers: tuple[Modifier, ...] = ()


class BuiltinStep(Struct, frozen=True, tag="builtin", tag_field="kind", omit_defaults=True):
    """A step of the language's own."""

    input: int
    name: str
    options: dict[str, str] = {}
    modifiers: tuple[Modifier, ...] = ()


class ConstantStep(Struct, frozen=True, tag="constant", tag_field="kind"):
    """A literal, as GCEL writes it; ignores its input."""

    value: str


class ListStep(Struct, frozen=True, tag="list", tag_field="kind"):
    """The outputs of a parallel's branches, in written order."""

    inputs: tuple[int, ...]


class RecordStep(Struct, frozen=True, tag="record", tag_field="kind"):
    """The outputs of named branches, in written order."""

    inputs: tuple[int, ...]
    names: tuple[str, ...]


class MapStep(Struct, frozen=True, tag="map", tag_field="kind", omit_defaults=True):
    """A program run on each item of a list."""

    input: int
    program: int
    modifiers: tuple[Modifier, ...] = ()
    #: The planner's: whether agents that offer a columnar form are called once for a whole column, and
    #: whether those that read the result take a column as well.
    columnar: bool = False
    column_kept: bool = False


class FilterStep(Struct, frozen=True, tag="filter", tag_field="kind", omit_defaults=True):
    """The items of a list for which a program gives a true value."""

    input: int
    program: int
    modifiers: tuple[Modifier, ...] = ()


class GroupStep(Struct, frozen=True, tag="group", tag_field="kind", omit_defaults=True):
    """A program run as one step, because modifiers cover all of it."""

    input: int
    program: int
    modifiers: tuple[Modifier, ...] = ()


class ChooseStep(Struct, frozen=True, tag="choose", tag_field="kind"):
    """One of two programs, by the truth of `test`; both take `input`."""

    test: int
    input: int
    yes: int
    no: int


class RouteStep(Struct, frozen=True, tag="route", tag_field="kind", omit_defaults=True):
    """The program that `key` names; `programs` are parallel to `names`."""

    key: int
    input: int
    names: tuple[str, ...]
    programs: tuple[int, ...]
    default: int | None = None


Step: TypeAlias = (
    AgentStep
    | BuiltinStep
    | ConstantStep
    | ListStep
    | RecordStep
    | MapStep
    | FilterStep
    | GroupStep
    | ChooseStep
    | RouteStep
)


class Program(Struct, frozen=True):
    """Steps in an order in which they can run, and the slot that is the result."""

    steps: tuple[Step, ...]
    result: int


def inputs_of(step: Step) -> tuple[int, ...]:
    """The slots that a step reads."""
    if isinstance(step, AgentStep):
        return (step.input,)
    if isinstance(step, ListStep | RecordStep):
        return step.inputs
    if isinstance(step, ConstantStep):
        return ()
    if isinstance(step, ChooseStep):
        return step.test, step.input
    if isinstance(step, RouteStep):
        return step.key, step.input
    return (step.input,)


def modifiers_of(step: Step) -> tuple[Modifier, ...]:
    """What covers a step, the innermost first."""
    # Asked of every step of every plan several times, and an attribute is found sooner than a class.
    modifiers: tuple[Modifier, ...] = getattr(step, "modifiers", ())
    return modifiers


def programs_of(step: Step) -> tuple[int, ...]:
    """The programs that a step runs, and after them that of its `catch`."""
    handlers = tuple([each.handler for each in modifiers_of(step) if each.handler is not None])
    if isinstance(step, MapStep | FilterStep | GroupStep):
        return (step.program, *handlers)
    if isinstance(step, ChooseStep):
        return step.yes, step.no
    if isinstance(step, RouteStep):
        return step.programs if step.default is None else (*step.programs, step.default)
    return handlers


#: What a program writes for steps that have no name of their own.
LABELS_BY_KIND: Mapping[str, str] = {
    "constant": "constant",
    "list": "|",
    "record": "branch",
    "map": "map",
    "filter": "filter",
    "group": "group",
    "choose": "?",
    "route": "route",
}


def label_of(step: Step) -> str:
    """What a program writes for a step that is no agent's: its name, or the operator."""
    return step.name if isinstance(step, BuiltinStep) else LABELS_BY_KIND[str(step.__struct_config__.tag)]


def check_wiring(programs: Sequence[Program], agents: int, resources: int) -> None:
    """Refuse what no compiler wrote: slots, programs, agents or resources that are not there.

    Raises
    ------
    GcelError
        Where a plan read from a file does not hold together.
    """
    if not programs:
        raise _broken("it has no program")
    #: How deep each program is nested: what several steps ran would be checked once for every way to it.
    depths = {0: 0}
    for number, program in enumerate(programs):
        if number not in depths:
            raise _broken(f"no step runs program {number}")
        for slot, step in enumerate(program.steps, start=1):
            place = f"step {slot} of program {number}"
            if any(not 0 <= read < slot for read in inputs_of(step)):
                raise _broken(f"{place} reads a slot that is not before it")
            if any(not number < named < len(programs) for named in programs_of(step)):
                raise _broken(f"{place} names a program that is not after its own")
            for named in programs_of(step):
                if named in depths:
                    raise _broken(f"{place} names a program that another step runs")
                depths[named] = depths[number] + 1
                if depths[named] > MAXIMUM_NESTING:
                    raise _broken(f"{place} nests deeper than {MAXIMUM_NESTING} levels")
            if isinstance(step, AgentStep) and not (
                0 <= step.agent < agents and all(0 <= index < resources for index in step.resources.values())
            ):
                raise _broken(f"{place} names an agent or a resource that is not there")
            if isinstance(step, RecordStep) and len(step.names) != len(step.inputs):
                raise _broken(f"{place} has not one name for each input")
            if any((each.handler is None) == (each.name == "catch") for each in modifiers_of(step)):
                raise _broken(f"{place} has a handler where none belongs, or lacks one")
            if isinstance(step, RouteStep) and len(step.names) != len(step.programs):
                raise _broken(f"{place} has not one name for each route")
        if not 0 <= program.result <= len(program.steps):
            raise _broken(f"the result of program {number} is not one of its slots")


def _broken(reason: str) -> GcelError:
    return GcelError(f"the plan does not hold together: {reason}", fix="compile the program again")
