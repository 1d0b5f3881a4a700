"""Plan to what the compiled scheduler runs: names and texts become functions and values."""

from __future__ import annotations

__all__ = ["build_executable"]

from collections.abc import Callable, Sequence
from typing import Any

from greenlang.agents.contract import AgentSpec
from greenlang.agents.resource import Resource
from greenlang.agents.syntax import LiteralValue, canonical_literal
from greenlang.errors import StepError, nearest
from greenlang.gcel.builtins import BUILTINS, as_items
from greenlang.gcel.calls import option_values
from greenlang.gcel.decimal_context import EXACT_CONTEXT
from greenlang.gcel.literals import literal_options, read_literal
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
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
    modifiers_of,
    programs_of,
)
from greenlang_core import scheduler


def build_executable(
    programs: Sequence[Program], agents: Sequence[AgentSpec], resources: Sequence[Resource]
) -> tuple[scheduler.Program, ...]:
    """The programs of a plan, ready to run; the first is the plan's own."""
    built: dict[int, scheduler.Program] = {}
    # A program names only later ones.
    for number in reversed(range(len(programs))):
        program = programs[number]
        steps = [_instruction(step, agents, resources, built) for step in program.steps]
        built[number] = scheduler.Program(
            steps, program.result, as_items=as_items, context=None if number else EXACT_CONTEXT
        )
    return tuple(built[number] for number in range(len(programs)))


def _instruction(
    step: Step,
    agents: Sequence[AgentSpec],
    resources: Sequence[Resource],
    built: dict[int, scheduler.Program],
) -> tuple[Any, ...]:
    if modifiers_of(step):
        raise StepError("modifiers are compiled, but not run yet", fix="leave them out")
    if isinstance(step, AgentStep):
        spec = agents[step.agent]
        files = {name: resources[number] for name, number in step.resources.items()}
        options = option_values(spec.options, literal_options(step.options), files)
        return _call(step.input, spec.function, options, spec.is_async, spec.needs_task)
    if isinstance(step, BuiltinStep):
        builtin = BUILTINS[step.name]
        given = literal_options(step.options)
        options = {option.name: given.get(option.name) for option in builtin.options}
        return _call(step.input, builtin.make(**options))
    if isinstance(step, ConstantStep):
        value = read_literal(step.value)
        if isinstance(value, tuple):
            # A list of its own for every run, since a step may change it.
            return _call(0, lambda _: _listed(value))
        return "constant", (), value
    if isinstance(step, ListStep):
        return "list", step.inputs
    if isinstance(step, RecordStep):
        return "record", step.inputs, step.names
    programs = tuple(built[number] for number in programs_of(step))
    if isinstance(step, MapStep):
        return "map", (step.input,), programs[0]
    if isinstance(step, FilterStep):
        return "filter", (step.input,), programs[0]
    if isinstance(step, ChooseStep):
        return "choose", (step.test, step.input), programs, None
    if isinstance(step, GroupStep):
        return "group", (step.input,), programs[0]
    return "choose", (step.key, step.input), programs, _selector(step)


def _call(
    slot: int,
    function: Callable[..., Any],
    options: dict[str, Any] | None = None,
    is_async: bool = False,
    needs_task: bool = False,
) -> tuple[Any, ...]:
    options = options or {}
    return "call", (slot,), function, tuple(options), tuple(options.values()), is_async, needs_task


def _listed(value: LiteralValue) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _selector(step: RouteStep) -> Callable[[object], int]:
    numbers = {name: position for position, name in enumerate(step.names)}
    default = None if step.default is None else len(step.names)

    def select(key: object) -> int:
        number = numbers.get(key, default) if isinstance(key, str) else default
        if number is None:
            close = nearest(key, numbers) if isinstance(key, str) else []
            shown = canonical_literal(key) if isinstance(key, str) else repr(key)
            raise StepError(
                f"no route is named {shown}; the routes are {', '.join(map(canonical_literal, numbers))}",
                fix=f"did you mean {' or '.join(close)}?" if close else "add the route, or a default=step",
            )
        return number

    return select
