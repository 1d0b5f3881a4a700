"""Plan to what the compiled scheduler runs: names and texts become functions and values."""

from __future__ import annotations

__all__ = ["build_executable"]

from collections.abc import Callable, Sequence
from typing import Any

from greenlang.agents.contract import AgentSpec
from greenlang.agents.resource import Resource
from greenlang.agents.syntax import canonical_literal
from greenlang.errors import StepError, nearest
from greenlang.gcel.builtins import BUILTINS, one_by_one
from greenlang.gcel.calls import option_values
from greenlang.gcel.running.blocking import on_thread
from greenlang.gcel.running.columns import ColumnarMap
from greenlang.gcel.running.decimal_context import EXACT_CONTEXT
from greenlang.gcel.running.guards import build_guard
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
from greenlang.gcel.text import fresh_value, literal_options, read_literal
from greenlang_core import scheduler


def build_executable(
    programs: Sequence[Program],
    agents: Sequence[AgentSpec],
    resources: Sequence[Resource],
    labels: Sequence[Sequence[str]],
    key_of: Callable[[int, int], str],
) -> tuple[scheduler.Program, ...]:
    """The programs of a plan, ready to run; the first is the plan's own.

    `labels` are what people call each step; `key_of` a program and a step in it is what outputs are kept by.
    """
    built: dict[int, scheduler.Program] = {}
    # A program names only later ones.
    for number in reversed(range(len(programs))):
        program = programs[number]
        steps = [_instruction(step, agents, resources, built) for step in program.steps]
        guards: dict[int, scheduler.Guard] = {
            index: build_guard(labels[number][index], modifiers_of(step), built, key_of(number, index))
            for index, step in enumerate(program.steps)
            if modifiers_of(step)
        }
        for index, step in enumerate(program.steps):
            if isinstance(step, MapStep) and step.columnar and not step.modifiers:
                by_columns = _by_columns(step, programs[step.program], agents, resources)
                if by_columns is not None:
                    guards[index] = by_columns
        built[number] = scheduler.Program(
            steps,
            program.result,
            as_items=one_by_one,
            context=None if number else EXACT_CONTEXT,
            guards=guards,
            labels=labels[number],
        )
    return tuple(built[number] for number in range(len(programs)))


def _instruction(
    step: Step,
    agents: Sequence[AgentSpec],
    resources: Sequence[Resource],
    built: dict[int, scheduler.Program],
) -> tuple[Any, ...]:
    if isinstance(step, AgentStep):
        spec = agents[step.agent]
        options = _options(step, spec, resources)
        function = on_thread(spec.function) if spec.blocking else spec.function
        return _call(step.input, function, options, spec.is_async or spec.blocking, spec.needs_task)
    if isinstance(step, BuiltinStep):
        builtin = BUILTINS[step.name]
        given = literal_options(step.options)
        options = {option.name: given.get(option.name) for option in builtin.options}
        return _call(step.input, builtin.make(**options))
    if isinstance(step, ConstantStep):
        value = read_literal(step.value)
        if isinstance(value, tuple):
            # A list of its own for every run, since a step may change it.
            return _call(0, lambda _: fresh_value(value))
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


def _options(step: AgentStep, spec: AgentSpec, resources: Sequence[Resource]) -> dict[str, Any]:
    """What an agent's function gets for its options."""
    files = {name: resources[number] for name, number in step.resources.items()}
    return option_values(spec.options, literal_options(step.options), files)


def _by_columns(
    step: MapStep, program: Program, agents: Sequence[AgentSpec], resources: Sequence[Resource]
) -> ColumnarMap | None:
    """What runs a map by columns; None where a plan says so of a program that offers no such thing."""
    forms = []
    for inner in program.steps:
        if not isinstance(inner, AgentStep):
            return None
        spec = agents[inner.agent]
        if spec.columns is None:
            return None
        forms.append((spec.name, spec.columns, _options(inner, spec, resources)))
    return ColumnarMap(forms, column_kept=step.column_kept)


def _call(
    slot: int,
    function: Callable[..., Any],
    options: dict[str, Any] | None = None,
    is_async: bool = False,
    needs_task: bool = False,
) -> tuple[Any, ...]:
    options = options or {}
    return "call", (slot,), function, tuple(options), tuple(options.values()), is_async, needs_task


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
