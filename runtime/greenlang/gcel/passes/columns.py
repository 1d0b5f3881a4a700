"""Use columns: a map over agents that offer a columnar form calls each once for a whole column.

What runs by columns is decided when the input is there: one that is no column, and one on which a columnar
form raises, is run item by item (`greenlang.gcel.running.columns`). So a plan gives the same with and
without this pass, and the same item fails.
"""

from __future__ import annotations

__all__ = ["use_columns"]

from collections.abc import Sequence

from msgspec import structs

from greenlang.agents.contract import AgentSpec
from greenlang.gcel.builtins import COLUMN_READERS
from greenlang.gcel.passes.wiring import Wiring, rewritten
from greenlang.gcel.steps import AgentStep, BuiltinStep, MapStep, Program, Step, inputs_of


def use_columns(wiring: Wiring) -> Wiring:
    """Mark the maps that can run by columns, and those of them whose readers take a column too."""
    offered = frozenset(
        number for number, program in enumerate(wiring.programs) if _is_columnar(program, wiring.agents)
    )
    if not offered:
        return wiring
    programs = [_marked(program, offered) for program in wiring.programs]
    return rewritten(wiring, programs, wiring.origins)


def _is_columnar(program: Program, agents: Sequence[AgentSpec]) -> bool:
    """Whether a program is a chain of agents with columnar forms, each on the output of the one before."""
    return program.result == len(program.steps) > 0 and all(
        isinstance(step, AgentStep)
        and step.input == position
        and not step.modifiers
        and agents[step.agent].columns is not None
        for position, step in enumerate(program.steps)
    )


def _marked(program: Program, offered: frozenset[int]) -> Program:
    steps = list(program.steps)
    maps = [index for index, step in enumerate(steps) if _runs_by_columns(step, offered)]
    for index in maps:
        slot = index + 1
        readers = [step for step in program.steps if slot in inputs_of(step)]
        kept = slot != program.result and all(
            _runs_by_columns(reader, offered) or _takes_columns(reader) for reader in readers
        )
        steps[index] = structs.replace(steps[index], columnar=True, column_kept=kept)
    return Program(tuple(steps), program.result)


def _runs_by_columns(step: Step, offered: frozenset[int]) -> bool:
    return isinstance(step, MapStep) and not step.modifiers and step.program in offered


def _takes_columns(step: Step) -> bool:
    return isinstance(step, BuiltinStep) and not step.modifiers and step.name in COLUMN_READERS
