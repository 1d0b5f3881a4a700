"""Step keys: what a step is known by, the same in every process and on every Python.

The key of a step is a digest of what it does (its agent's version and code, its options, the files it names,
what covers it), of the programs that it runs, and of the keys before it. So two steps with one key give one
output for one input, and what changed in a plan changes the keys of all that comes after, and no others.
"""

from __future__ import annotations

__all__ = ["own_forms", "step_keys"]

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from greenlang.agents.contract import AgentSpec
from greenlang.agents.resource import Resource
from greenlang.gcel.steps import AgentStep, Program, Step, inputs_of, modifiers_of, programs_of

_ENCODER = msgspec.json.Encoder(order="sorted")

_INPUT = "input"


def step_keys(
    programs: Sequence[Program],
    agents: Sequence[AgentSpec],
    codes: Sequence[str | None],
    resources: Sequence[Resource],
) -> tuple[tuple[str, ...], ...]:
    """The key of every step, 64 hex digits, program by program."""
    forms = own_forms(programs, agents, codes, resources)
    keys: dict[int, tuple[str, ...]] = {}
    whole: dict[int, str] = {}
    # A program names only later ones.
    for number in reversed(range(len(programs))):
        slots = [_INPUT]
        for step, form in zip(programs[number].steps, forms[number], strict=True):
            before = [slots[slot] for slot in inputs_of(step)]
            inner = [whole[named] for named in programs_of(step)]
            slots.append(_digest([form, before, inner]))
        keys[number] = tuple(slots[1:])
        whole[number] = _digest([slots[1:], slots[programs[number].result]])
    return tuple(keys[number] for number in range(len(programs)))


def own_forms(
    programs: Sequence[Program],
    agents: Sequence[AgentSpec],
    codes: Sequence[str | None],
    resources: Sequence[Resource],
) -> tuple[tuple[str, ...], ...]:
    """What each step does by itself, as JSON: all but what it reads and the programs that it runs."""
    return tuple(
        tuple([_own_form(step, agents, codes, resources) for step in program.steps]) for program in programs
    )


def _own_form(
    step: Step, agents: Sequence[AgentSpec], codes: Sequence[str | None], resources: Sequence[Resource]
) -> str:
    form: dict[str, Any] = {"kind": step.__struct_config__.tag}
    if isinstance(step, AgentStep):
        spec = agents[step.agent]
        form |= {"agent": spec.name, "version": spec.version, "code": codes[step.agent]}
        form["files"] = {name: resources[number].sha256 for name, number in step.resources.items()}
    for name in ("name", "names", "options", "value"):
        if hasattr(step, name):
            form[name] = getattr(step, name)
    if modifiers := modifiers_of(step):
        form["modifiers"] = [[each.name, each.options] for each in modifiers]
    return _ENCODER.encode(form).decode()


def _digest(value: object) -> str:
    return hashlib.sha256(_ENCODER.encode(value)).hexdigest()
