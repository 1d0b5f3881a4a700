"""What the operations share: how an execution is told, and what is said of one that is not there."""

from __future__ import annotations

__all__ = ["found", "told", "unknown"]

import msgspec

from greenlang.engine.executions import time_text
from greenlang.service.messages import ExecutionData, Fault
from greenlang.service.reads import Reads
from greenlang.service.wire import Call, Refusal
from greenlang.stores import ExecutionRow, Store


async def found(store: Store | Reads, call: Call) -> ExecutionRow:
    """The execution that the path names; Refusal (404) if the tenant has none of that id."""
    row = await store.execution(call.tenant, call.names["id"])
    if row is None:
        raise unknown("execution", call.names["id"])
    return row


def told(row: ExecutionRow, *, result: bool = True) -> ExecutionData:
    """An execution as callers see it, with what it gave unless that is not wanted."""
    return ExecutionData(
        execution_id=row.id,
        state=str(row.state),
        priority=f"P{row.priority}",
        plan_hash=row.plan_hash,
        agents=list(row.agents),
        created_at=time_text(row.created_at),
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        started_at=None if row.started_at is None else time_text(row.started_at),
        finished_at=None if row.finished_at is None else time_text(row.finished_at),
        deadline_at=None if row.deadline_at is None else time_text(row.deadline_at),
        cancel_requested=row.cancel_requested,
        calculation_id=row.calculation_id,
        error=None if row.error is None else msgspec.Raw(row.error),
        result=None if row.result is None or not result else msgspec.Raw(row.result),
    )


def unknown(kind: str, name: str) -> Refusal:
    """404, for something of a kind that is not there."""
    return Refusal(404, Fault("not_found", f"there is no {kind} '{name[:80]}'", "id"))
