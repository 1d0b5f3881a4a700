"""What stores share: columns of their rows, the order of the queue, payloads of webhooks, errors."""

from __future__ import annotations

__all__ = [
    "API_KEY_COLUMNS",
    "DEADLINE_PASSED",
    "DELIVERY_COLUMNS",
    "EVENT_COLUMNS",
    "EXECUTION_COLUMNS",
    "LEASE_LAPSED",
    "SINK_COLUMNS",
    "decoded_metadata",
    "delivery_payload",
    "encoded_metadata",
    "event_of",
    "rank",
    "submitted_states",
]

import uuid
from datetime import UTC, datetime, timedelta

import msgspec

from greenlang.stores.protocol import (
    ApiKey,
    Delivery,
    Event,
    EventMetadata,
    ExecutionRow,
    NewExecution,
    SinkState,
    State,
)

#: Columns are named as the fields of what is made of a row, in their order.
EXECUTION_COLUMNS = ", ".join(ExecutionRow.__struct_fields__)
DELIVERY_COLUMNS = ", ".join(Delivery.__struct_fields__)
API_KEY_COLUMNS = ", ".join(ApiKey.__struct_fields__)
SINK_COLUMNS = ", ".join(SinkState.__struct_fields__)

#: What `event_of` takes, from `events LEFT JOIN executions ON id = aggregate_id`.
EVENT_COLUMNS = (
    "sequence, aggregate_type, aggregate_id, events.tenant, type, at, version, payload,"
    " coalesce(events.metadata, executions.metadata)"
)

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


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT_IDS = uuid.UUID("6f0d5a1e-6c70-4b2c-9a56-2f3c8a1d7e42")
_NOBODY = EventMetadata()
_METADATA = msgspec.json.Decoder(EventMetadata)


def event_of(
    sequence: int,
    aggregate_type: str,
    aggregate_id: str,
    tenant: str,
    kind: str,
    at: int,
    version: int,
    payload: bytes,
    metadata: bytes | EventMetadata | None,
) -> Event:
    """The event in a row of the log.

    Its id is made from what no other event has, so that it need not be kept.
    """
    if isinstance(metadata, bytes):
        metadata = _METADATA.decode(metadata)
    known = msgspec.json.encode((tenant, aggregate_type, aggregate_id, sequence, at)).decode()
    return Event(
        event_id=str(uuid.uuid5(_EVENT_IDS, known)),
        event_type=f"{aggregate_type}.{kind}",
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        tenant_id=tenant,
        timestamp=_EPOCH + timedelta(microseconds=at),
        version=version,
        payload=msgspec.Raw(payload),
        metadata=metadata or _NOBODY,
        sequence=sequence,
    )


def encoded_metadata(metadata: EventMetadata | None) -> bytes | None:
    """As a column keeps it."""
    return None if metadata is None else msgspec.json.encode(metadata)


def decoded_metadata(kept: bytes | None) -> EventMetadata | None:
    """What a column keeps."""
    return None if kept is None else _METADATA.decode(kept)


def submitted_states(state: State) -> list[State]:
    """The states that an execution has gone through when it is accepted in `state`."""
    return [State.PENDING] if state is State.PENDING else [State.PENDING, State.QUEUED]
