"""How agents move from state to state with a tenant: a table, apart from what keeps or runs them."""

from __future__ import annotations

__all__ = ["BEGINNINGS", "EVENTS", "EXECUTABLE", "TRANSITIONS", "Move", "may_move"]

from collections.abc import Mapping
from typing import TypeAlias

from greenlang.stores.tables import AgentState

Move: TypeAlias = tuple[AgentState, AgentState]

#: Where an agent begins, and the event that tells of it: one that is yet to be written as a draft, one that
#: is installed, and was checked with its pack, where it only waits to be deployed.
BEGINNINGS: Mapping[AgentState, str] = {AgentState.DRAFT: "created", AgentState.STAGED: "registered"}

#: From where to where, and the event that tells of it.
EVENTS: Mapping[Move, str] = {
    (AgentState.DRAFT, AgentState.BUILDING): "generated",
    (AgentState.BUILDING, AgentState.TESTING): "built",
    (AgentState.TESTING, AgentState.VALIDATED): "validated",
    (AgentState.VALIDATED, AgentState.STAGED): "registered",
    (AgentState.STAGED, AgentState.ACTIVE): "deployed",
    (AgentState.ACTIVE, AgentState.RUNNING): "started",
    (AgentState.RUNNING, AgentState.ACTIVE): "stopped",
    (AgentState.ACTIVE, AgentState.PAUSED): "paused",
    (AgentState.RUNNING, AgentState.PAUSED): "paused",
    (AgentState.PAUSED, AgentState.RUNNING): "resumed",
    (AgentState.PAUSED, AgentState.ACTIVE): "resumed",
    (AgentState.DRAFT, AgentState.RETIRED): "retired",
    (AgentState.STAGED, AgentState.RETIRED): "retired",
    (AgentState.ACTIVE, AgentState.RETIRED): "retired",
    (AgentState.PAUSED, AgentState.RETIRED): "retired",
    (AgentState.FAILED, AgentState.RETIRED): "retired",
    (AgentState.FAILED, AgentState.DRAFT): "created",
    **{
        (state, AgentState.FAILED): "failed"
        for state in AgentState
        if state not in (AgentState.RETIRED, AgentState.FAILED)
    },
}

TRANSITIONS: Mapping[AgentState, frozenset[AgentState]] = {
    state: frozenset(after for before, after in EVENTS if before is state) for state in AgentState
}

#: Where it may be executed.
EXECUTABLE = frozenset({AgentState.ACTIVE, AgentState.RUNNING})


def may_move(state: AgentState, other: AgentState) -> bool:
    """Whether an agent may move from one state to another."""
    return other in TRANSITIONS[state]
