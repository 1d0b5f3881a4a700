"""How executions move from state to state: a table, apart from everything that stores or runs them."""

from __future__ import annotations

__all__ = ["REASONS", "TRANSITIONS", "may_become"]

from collections.abc import Mapping

from greenlang.stores import State

#: From where to where, and what that move means.
REASONS: Mapping[tuple[State, State], str] = {
    (State.PENDING, State.QUEUED): "its time has come: workers may claim it",
    (State.PENDING, State.CANCELLED): "cancelled before it ran",
    (State.PENDING, State.TIMEOUT): "its deadline passed before it ran",
    (State.QUEUED, State.RUNNING): "a worker claimed it, under a new fencing token and a lease",
    (State.QUEUED, State.CANCELLED): "cancelled before it ran",
    (State.QUEUED, State.TIMEOUT): "its deadline passed before it ran",
    (State.RUNNING, State.COMPLETED): "it ran to its end",
    (State.RUNNING, State.FAILED): "it failed on a mistake that no retry would mend",
    (State.RUNNING, State.TIMEOUT): "its deadline passed while it ran",
    (State.RUNNING, State.CANCELLED): "cancelled while it ran",
    (State.RUNNING, State.PENDING): "the attempt failed; the next waits for its back-off",
    (State.RUNNING, State.QUEUED): "its worker was lost or shut down: another may claim it",
    (State.RUNNING, State.DEAD_LETTER): "its last attempt failed",
    (State.DEAD_LETTER, State.QUEUED): "an operator had it tried again",
}

TRANSITIONS: Mapping[State, frozenset[State]] = {
    state: frozenset(after for before, after in REASONS if before is state) for state in State
}


def may_become(state: State, other: State) -> bool:
    """Whether an execution may move from one state to another."""
    return other in TRANSITIONS[state]
