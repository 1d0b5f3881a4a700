"""Text or Graph to Plan: read, name, check, and tell all that is wrong at once."""

from __future__ import annotations

__all__ = ["compile"]

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from greenlang.agents.contract import AgentSpec
from greenlang.agents.expressions import Expression, Graph, step_of
from greenlang.agents.places import Diagnostic, diagnose, gcel_error, here
from greenlang.agents.syntax import Node
from greenlang.errors import GcelError
from greenlang.gcel.calls import CallReader
from greenlang.gcel.checking import check_types
from greenlang.gcel.lowering import Lowered, lower
from greenlang.gcel.modifiers import check_modifiers
from greenlang.gcel.plan import Plan
from greenlang.gcel.text import read

if TYPE_CHECKING:
    from greenlang.gcel.calls import Agents


def compile(  # noqa: A001  `greenlang.compile` is what it is called
    program: str | Expression, *, registry: Agents | None = None, file: str | PathLike[str] | None = None
) -> Plan:
    """Compile a program.

    Parameters
    ----------
    program : str or Expression
        The text of a program, or composed agents.
    registry : Registry, optional
        Where names of agents are looked up; that of the environment if not given.
    file : path, optional
        The program's file: messages name it, and paths inside the program start from its folder.

    Raises
    ------
    GcelError
        With every error of the program in `diagnostics`.
    """
    if not isinstance(program, str | Expression):
        raise GcelError(
            f"a program is text or composed agents, and a {type(program).__name__} is given",
            fix="give the text of a program, or compose agents with >>",
        )
    if registry is None:
        from greenlang.agents.registry import default_registry

        registry = default_registry()
    folder = None if file is None else Path(file).parent
    if isinstance(program, str):
        reading = read(program, "<text>" if file is None else str(file))
        if reading.graph is None:
            # What could be read is checked all the same, so that one compilation tells everything.
            told = [diagnostic for node in reading.readable for diagnostic in _check(node, registry, folder)]
            raise gcel_error(dict.fromkeys([*reading.diagnostics, *told]))
        program = reading.graph
    # A step that stands alone, `compile(agent)`, has no operator to be placed by.
    graph = program if isinstance(program, Graph) else Graph(step_of(program, here(2)))
    calls = CallReader(registry, folder, graph.names)
    lowered = lower(graph.node, calls)
    agents = tuple(calls.agents)
    types, misfits = check_types(lowered.programs, lowered.origins, agents, lowered.reduced)
    told = [*calls.diagnostics, *misfits, *_misplaced(lowered, agents)]
    for node in graph.unused:
        told += _check(node, registry, folder)
    if told:
        # A binding that is used twice is wrong twice.
        raise gcel_error(dict.fromkeys(told))
    codes = tuple(registry.code_identity(spec) for spec in agents)
    return Plan(
        lowered.programs,
        lowered.origins,
        agents,
        codes,
        tuple(calls.resources),
        types,
        (*graph.warnings, *types.warnings),
    )


def _check(node: Node, registry: Agents, folder: Path | None) -> list[Diagnostic]:
    """What is wrong with a statement that is not part of the graph."""
    calls = CallReader(registry, folder, ())
    lowered = lower(node, calls)
    agents = tuple(calls.agents)
    _, misfits = check_types(lowered.programs, lowered.origins, agents, lowered.reduced)
    return [*calls.diagnostics, *misfits, *_misplaced(lowered, agents)]


def _misplaced(lowered: Lowered, agents: Sequence[AgentSpec]) -> list[Diagnostic]:
    """The modifiers that cannot cover their steps, each where it was written."""
    return [
        diagnose(lowered.modifier_origins[each.program, each.step, each.modifier], each.message, each.fix)
        for each in check_modifiers(lowered.programs, agents)
    ]
