"""What stores share: columns of their rows, the order of the queue, payloads of webhooks, errors."""

from __future__ import annotations

__all__ = [
    "API_KEY_COLUMNS",
    "DEADLINE_PASSED",
    "DELIVERY_COLUMNS",
    "EXECUTION_COLUMNS",
    "LEASE_LAPSED",
    "delivery_payload",
    "rank",
    "submitted_states",
]

from datetime import UTC, datetime

import msgspec

from greenlang.stores.protocol import ApiKey, Delivery, ExecutionRow, NewExecution, State

#: Columns are named as the fields of what is made of a row, in their order.
EXECUTION_COLUMNS = ", ".join(ExecutionRow.__struct_fields__)
DELIVERY_COLUMNS = ", ".join(Delivery.__struct_fields__)
API_KEY_COLUMNS = ", ".join(ApiKey.__struct_fields__)

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
