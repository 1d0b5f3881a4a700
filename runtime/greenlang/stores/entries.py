"""What every store writes besides what it is given: the order of the queue, payloads of webhooks, errors."""

from __future__ import annotations

__all__ = ["DEADLINE_PASSED", "LEASE_LAPSED", "delivery_payload", "rank", "submitted_states"]

from datetime import UTC, datetime

import msgspec

from greenlang.stores.protocol import ExecutionRow, NewExecution, State

#: One step of priority weighs as much as this time in the queue, so a P3 that has waited three of them goes
#: before a new P0.
_PRIORITY_STEP = 60_000_000

LEASE_LAPSED = msgspec.json.encode(
    {"code": "worker_lost", "message": "the worker that ran it did not finish"}
)
DEADLINE_PASSED = msgspec.json.encode(
    {"code": "deadline", "message": "its deadline passed before a worker was free"}
)


def rank(execution: NewExecution | ExecutionRow) -> int:
    """Where an execution stands in the queue: lower goes first."""
    return execution.created_at + execution.priority * _PRIORITY_STEP


def delivery_payload(execution_id: str, state: State, at: int) -> bytes:
    """What a webhook is told of an end."""
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    data = {"execution_id": execution_id, "state": str(state)}
    return msgspec.json.encode({"type": f"execution.{state}", "timestamp": moment, "data": data})


def submitted_states(state: State) -> list[State]:
    """The states that an execution has gone through when it is accepted in `state`."""
    return [State.PENDING] if state is State.PENDING else [State.PENDING, State.QUEUED]
