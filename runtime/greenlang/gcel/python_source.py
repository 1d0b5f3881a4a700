"""A plan as straight-line Python: to read, to step through in a debugger, to run without the engine.

It is written from the plan as it was compiled, before any rewrite and without the scheduler, so tests take it
for what a plan should give.
"""

from __future__ import annotations

__all__ = ["python_source"]

import builtins
import keyword
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from greenlang.agents.contract import Agent, AgentSpec
from greenlang.agents.syntax import LiteralValue
from greenlang.errors import GcelError
from greenlang.gcel.builtins import AS_LIST, BUILTINS
from greenlang.gcel.calls import option_values
from greenlang.gcel.compiled import Compiled
from greenlang.gcel.passes import slots_read_again
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    ListStep,
    MapStep,
    Modifier,
    RecordStep,
    RouteStep,
    Step,
    inputs_of,
    modifiers_of,
    programs_of,
)
from greenlang.gcel.text import literal_options, read_literal

_HELPERS = {
    "caught": '''
def caught(call, handler, given, step):
    """What `call` gives, or what `handler` makes of its error."""

    {define} run():
        try:
            return {wait}call()
        except Exception as error:
            told = {{"type": type(error).__name__, "message": str(error), "step": step}}
            return {wait}handler({{"error": told, "input": given}})

    return run
''',
    "retried": '''
def retried(call, tries, on):
    """What `call` gives at last; bugs are not tried again unless they are named."""

    {define} run():
        for _ in range(tries):
            try:
                return {wait}call()
            except Exception as error:
                kinds = type(error).__mro__
                names = {{kind.__name__ for kind in kinds}}
                names |= {{f"{{kind.__module__}}.{{kind.__qualname__}}" for kind in kinds}}
                if names.isdisjoint(on) if on else isinstance(error, BUGS):
                    raise
        return {wait}call()

    return run
''',
    "awaitable": '''
def awaitable(function):
    """A plain function as one that is awaited."""

    async def run(given):
        return function(given)

    return run
''',
}


def python_source(plan: Compiled) -> str:
    """The plan as a module with a function `run(value)`, asynchronous where the plan is.

    Raises
    ------
    GcelError
        If an agent does not stand at the top of a module, where the text could import it from.
    """
    return _Writer(plan).module()


class _Writer:
    def __init__(self, plan: Compiled) -> None:
        self._plan = plan
        self._names: set[str] = {*dir(builtins), *keyword.kwlist, "run", "value", "item", "option"}
        #: Lines before the programs: imports, agents, files, configured built-ins.
        self._imports: dict[str, None] = {}
        self._constants: dict[str, str] = {}
        self._helpers: set[str] = set()
        self._is_async = _asynchronous(plan)
        self._again = slots_read_again(plan.programs, plan.agents)
        self._agents = [self._import(spec) for spec in plan.agents]

    def module(self) -> str:
        programs = [self._program(number) for number in reversed(range(len(self._plan.programs)))]
        first, wait = ("async def", "await ") if 0 in self._is_async else ("def", "")
        head = [
            f'"""Plan {self._plan.hash} as plain Python."""',
            "",
            "from decimal import Decimal, localcontext",
            "",
            *sorted([*self._imports, "from greenlang.exact import exact_context"]),
            "",
            *[f"{name} = {text}" for text, name in self._constants.items()],
        ]
        run = [f"{first} run(value):", "    with localcontext(exact_context()):"]
        run.append(f"        return {wait}program_0(value)")
        helpers = [self._helper(name) for name in sorted(self._helpers)]
        return "\n".join(
            [*head, *helpers, "", *["\n" + program + "\n" for program in programs], "", *run, ""]
        )

    # Names

    def _name(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._names or name.startswith("program_"):
            count += 1
            name = f"{wanted.removeprefix('program_') or 'step'}_{count}"
        self._names.add(name)
        return name

    def _import(self, spec: AgentSpec) -> str:
        module = sys.modules.get(spec.function.__module__)
        found = next(
            (
                name
                for name, value in vars(module or builtins).items()
                if isinstance(value, Agent) and value.spec is spec
            ),
            None,
        )
        if found is None:
            raise GcelError(
                f"agent '{spec.name}' does not stand at the top of a module, so Python cannot import it",
                fix="define it with @agent at the top of a module",
            )
        name = self._name(spec.name.rpartition(".")[2])
        self._imports[f"from {spec.function.__module__} import {found} as {name}"] = None
        return name

    def _constant(self, wanted: str, text: str) -> str:
        if text not in self._constants:
            self._constants[text] = self._name(wanted)
        return self._constants[text]

    def _helper(self, name: str) -> str:
        is_async = name.startswith("a_")
        text = _HELPERS[name.removeprefix("a_")].replace("def caught", f"def {name}")
        text = text.replace("def retried", f"def {name}")
        return text.format(define="async def" if is_async else "def", wait="await " if is_async else "")

    # Programs

    def _program(self, number: int) -> str:
        program = self._plan.programs[number]
        define = "async def" if number in self._is_async else "def"
        lines = [f"{define} program_{number}(x0):", *self._listed(number, 0)]
        for slot, step in enumerate(program.steps, start=1):
            lines += [f"    {line}" for line in self._step(slot, step)]
            lines += self._listed(number, slot)
        return "\n".join([*lines, f"    return x{program.result}"])

    def _listed(self, number: int, slot: int) -> list[str]:
        """The line that makes a list of what gives its items once, where they are wanted more than once."""
        if slot not in self._again[number]:
            return []
        return [f"    x{slot} = {self._builtin(BuiltinStep(slot, AS_LIST))}(x{slot})"]

    def _step(self, slot: int, step: Step) -> list[str]:
        text = self._expression(step)
        modifiers = modifiers_of(step)
        if not modifiers:
            return [f"x{slot} = {text}"]
        is_async = self._waits(step)
        wait, call = "await " if is_async else "", f"step_{slot}"
        lines = [f"{'async def' if is_async else 'def'} step_{slot}():", f"    return {text}"]
        for modifier in modifiers:
            call = self._covered(call, modifier, step, "a_" if is_async else "")
        told = ", ".join(each.name for each in modifiers if each.name not in {"catch", "retry"})
        comment = f"  # {told}: no part of the result" if told else ""
        return [*lines, f"x{slot} = {wait}{call}(){comment}"]

    def _covered(self, call: str, modifier: Modifier, step: Step, prefix: str) -> str:
        options = literal_options(modifier.options)
        if modifier.name == "catch":
            self._helpers.add(f"{prefix}caught")
            handler = f"program_{modifier.handler}"
            if prefix and modifier.handler not in self._is_async:
                handler = f"{self._awaitable()}({handler})"
            return f"{prefix}caught({call}, {handler}, x{inputs_of(step)[0]}, {self._plan.label(step)!r})"
        if modifier.name == "retry":
            self._helpers.add(f"{prefix}retried")
            self._imports["from greenlang.gcel.running import BUGS"] = None
            tries, on = options["n"], options.get("on", ())
            return f"{prefix}retried({call}, {_python(tries)}, {_python(on)})"
        return call

    def _awaitable(self) -> str:
        self._helpers.add("awaitable")
        return "awaitable"

    def _waits(self, step: Step) -> bool:
        return _step_waits(self._plan, step, self._is_async)

    def _run(self, number: int, given: str) -> str:
        return f"{'await ' if number in self._is_async else ''}program_{number}({given})"

    def _expression(self, step: Step) -> str:
        if isinstance(step, AgentStep):
            return self._agent(step)
        if isinstance(step, BuiltinStep):
            return f"{self._builtin(step)}(x{step.input})"
        if isinstance(step, ConstantStep):
            return _python(read_literal(step.value))
        if isinstance(step, ListStep):
            return f"[{', '.join(f'x{slot}' for slot in step.inputs)}]"
        if isinstance(step, RecordStep):
            pairs = zip(step.names, step.inputs, strict=True)
            return f"{{{', '.join(f'{name!r}: x{slot}' for name, slot in pairs)}}}"
        if isinstance(step, MapStep | FilterStep):
            self._imports["from greenlang.gcel.builtins import as_items"] = None
            done = self._run(step.program, "item")
            items = f"for item in as_items(x{step.input})"
            return f"[{done} {items}]" if isinstance(step, MapStep) else f"[item {items} if {done}]"
        if isinstance(step, GroupStep):
            return self._run(step.program, f"x{step.input}")
        if isinstance(step, ChooseStep):
            yes, no = (self._run(number, f"x{step.input}") for number in (step.yes, step.no))
            return f"({yes} if x{step.test} else {no})"
        return self._route(step)

    def _route(self, step: RouteStep) -> str:
        # Each of the programs by a test of its own, since some may be asynchronous and others not.
        given = f"x{step.input}"
        last = (
            self._run(step.default, given)
            if step.default is not None
            else f"{{}}[x{step.key}]"  # the error that a missing name is
        )
        tests = [
            f"{self._run(number, given)} if x{step.key} == {name!r} else "
            for name, number in zip(step.names, step.programs, strict=True)
        ]
        return f"({''.join(tests)}{last})"

    def _agent(self, step: AgentStep) -> str:
        spec, name = self._plan.agents[step.agent], self._agents[step.agent]
        given = literal_options(step.options)
        values = option_values(spec.options, given, {})
        options = [
            f", {option}={self._option(name, option, given, value)}" for option, value in values.items()
        ]
        for option, number in step.resources.items():
            resource = self._plan.resources[number]
            self._imports["from greenlang.agents.resource import Resource"] = None
            text = f"Resource({resource.name!r}, {resource.text!r}, {resource.sha256!r})"
            options.append(f", {option}={self._constant('file', text)}")
        wait = "await " if spec.is_async else ""
        return f"{wait}{name}(x{step.input}{''.join(options)})"

    def _option(self, agent: str, option: str, given: dict[str, LiteralValue], value: Any) -> str:
        if _is_plain(value):
            return _python(value)
        self._imports["from msgspec import convert"] = None
        kinds = self._constant(
            f"{agent}_options", f"{{option.name: option.type for option in {agent}.spec.options}}"
        )
        return f"convert({_python(given[option])}, {kinds}[{option!r}])"

    def _builtin(self, step: BuiltinStep) -> str:
        self._imports["from greenlang.gcel.builtins import BUILTINS"] = None
        given = literal_options(step.options)
        options = ", ".join(
            f"{option.name}={_python(given.get(option.name))}" for option in BUILTINS[step.name].options
        )
        return self._constant(step.name.replace(" ", "_"), f"BUILTINS[{step.name!r}].make({options})")


def _asynchronous(plan: Compiled) -> set[int]:
    """The programs in which something is awaited."""
    found: set[int] = set()
    for number in reversed(range(len(plan.programs))):
        if any(_step_waits(plan, step, found) for step in plan.programs[number].steps):
            found.add(number)
    return found


def _step_waits(plan: Compiled, step: Step, programs: Sequence[int] | set[int]) -> bool:
    is_async = isinstance(step, AgentStep) and plan.agents[step.agent].is_async
    return is_async or any(number in programs for number in programs_of(step))


def _is_plain(value: Any) -> bool:
    if type(value) in {list, tuple}:
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in {bool, int, str, Decimal}


def _python(value: Any) -> str:
    """A value of a literal, as Python writes it; tuples are lists."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(_python(item) for item in value)}]"
    return f'Decimal("{value}")' if isinstance(value, Decimal) else repr(value)
