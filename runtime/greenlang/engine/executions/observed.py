"""How executions are counted and traced, for whoever watches the process that runs them."""

from __future__ import annotations

__all__ = ["ENDS", "agent_of", "followed"]

import contextlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from greenlang.observing import NONE
from greenlang.stores import ExecutionRow, State

if TYPE_CHECKING:
    from greenlang.observing.traces import Tracer

#: What ends of executions are counted as.
ENDS = {
    State.COMPLETED: "success",
    State.FAILED: "error",
    State.TIMEOUT: "error",
    State.DEAD_LETTER: "error",
}

_UNTRACED = contextlib.nullcontext()


def agent_of(agents: tuple[str, ...]) -> str:
    """The name of the agent that gives the result, of those of a plan with their versions."""
    return agents[-1].partition("@")[0] if agents else NONE


def followed(tracer: Tracer | None, row: ExecutionRow) -> AbstractContextManager[object]:
    """Follow an attempt of an execution in the trace of whoever asked for it, where anything is traced."""
    if tracer is None:
        return _UNTRACED
    attributes: dict[str, str | int] = {
        "greenlang.execution_id": row.id,
        "greenlang.tenant_id": row.tenant,
        "greenlang.agent_id": agent_of(row.agents),
        "greenlang.attempt": row.attempt,
    }
    parent = None if row.metadata is None else row.metadata.traceparent
    return tracer.follow("execution", parent, attributes, queued=True)
