"""Fold constants: what follows from the program's own literals is worked out once, before the plan runs."""

from __future__ import annotations

__all__ = ["fold_constants"]

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

from greenlang.agents.contract import AgentSpec
from greenlang.agents.syntax import MAXIMUM_NESTING, LiteralValue, canonical_literal, literal
from greenlang.errors import GcelError
from greenlang.exact import exact_context
from greenlang.gcel.builtins import BUILTINS
from greenlang.gcel.calls import option_values
from greenlang.gcel.passes.wiring import Wiring, pure_step, rewritten
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    GroupStep,
    ListStep,
    Program,
    Step,
    inputs_of,
)
from greenlang.gcel.text import fresh_value, literal_options, read_literal

#: The values that a literal gives back as they are: neither subclasses nor tuples.
_PLAIN = (bool, int, Decimal, str, type(None))


def fold_constants(wiring: Wiring) -> Wiring:
    """Replace pure steps on literals by their outputs, and conditionals on literals by the side they choose.

    A step that fails on a literal is left to fail where it stands; so is one whose output is no literal.
    """
    programs = tuple([_folded(program, wiring.agents) for program in wiring.programs])
    return rewritten(wiring, programs, wiring.origins)


def _folded(program: Program, agents: Sequence[AgentSpec]) -> Program:
    steps: list[Step] = []
    known: dict[int, str] = {}
    for slot, step in enumerate(program.steps, start=1):
        folded = _fold(step, known, agents)
        if isinstance(folded, ConstantStep):
            known[slot] = folded.value
        steps.append(folded)
    return Program(tuple(steps), program.result)


def _fold(step: Step, known: dict[int, str], agents: Sequence[AgentSpec]) -> Step:
    if isinstance(step, ChooseStep):
        chosen = {"true": step.yes, "false": step.no}.get(known.get(step.test, ""))
        return step if chosen is None else GroupStep(step.input, chosen)
    if not isinstance(step, AgentStep | BuiltinStep | ListStep) or not all(
        slot in known for slot in inputs_of(step)
    ):
        return step
    if isinstance(step, ListStep):
        text = f"[{', '.join(known[slot] for slot in step.inputs)}]"
        return ConstantStep(text) if _nesting(text) <= MAXIMUM_NESTING else step
    # Files are options of agents that read tables: too much to keep as a literal.
    if not pure_step(step, agents, ()) or (isinstance(step, AgentStep) and step.resources):
        return step
    output = _output(step, read_literal(known[step.input]), agents)
    return step if output is None else ConstantStep(output)


def _output(step: AgentStep | BuiltinStep, value: LiteralValue, agents: Sequence[AgentSpec]) -> str | None:
    """What a step gives for a literal, as a literal; None if it gives none."""
    options = literal_options(step.options)
    taken = fresh_value(value)
    with localcontext(exact_context()):
        try:
            if isinstance(step, BuiltinStep):
                builtin = BUILTINS[step.name]
                given = {option.name: options.get(option.name) for option in builtin.options}
                output = builtin.make(**given)(taken)
            else:
                spec = agents[step.agent]
                if spec.is_async or spec.blocking:
                    return None
                output = spec.function(taken, **option_values(spec.options, options, {}))
        except Exception:  # noqa: BLE001, RUF100  whatever a step raises, it raises again when the plan runs
            return None
    return _literal_text(output)


def _literal_text(value: Any) -> str | None:
    if not _is_plain(value, MAXIMUM_NESTING):
        return None
    try:
        return canonical_literal(literal(value).value)
    except GcelError:
        # More digits than a literal has.
        return None


def _is_plain(value: Any, levels: int) -> bool:
    if type(value) is list:
        return levels > 0 and all(_is_plain(item, levels - 1) for item in value)
    return type(value) in _PLAIN and not (isinstance(value, Decimal) and not value.is_finite())


def _nesting(text: str) -> int:
    return text.count("[")
