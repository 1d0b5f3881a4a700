"""What comes with a change in its transaction: the events that tell of it, and the delivery to a webhook."""

from __future__ import annotations

__all__ = ["append_all", "append_event", "deliver", "moved_to"]

from collections.abc import Iterable

from greenlang.stores.entries import delivery_payload, encoded_metadata
from greenlang.stores.protocol import NewEvent, State
from greenlang.stores.sqlite.writer import Group

#: Of an execution: (id, tenant, type, time, payload).
_Event = tuple[str, str, str, int, bytes]


def append_event(
    group: Group, aggregate_type: str, aggregate_id: str, tenant: str, event: NewEvent, at: int
) -> None:
    """Append to the log what happened to one aggregate."""
    group.execute(
        "INSERT INTO events (aggregate_type, aggregate_id, tenant, type, at, version, payload, metadata)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(aggregate_type, aggregate_id, tenant, event.type, at),
            *(event.version, event.payload, encoded_metadata(event.metadata)),
        ),
    )


def append_all(group: Group, events: Iterable[_Event]) -> None:
    """Append to the log what happened to executions."""
    for event in events:
        group.insert("events (aggregate_id, tenant, type, at, payload)", event)


def deliver(group: Group, execution_id: str, tenant: str, url: str, state: State, at: int) -> None:
    """Have a webhook told that its execution ended."""
    group.execute(
        "INSERT INTO deliveries (execution_id, tenant, url, state, attempt, next_at, payload)"
        " VALUES (?, ?, ?, 'due', 0, ?, ?)",
        (execution_id, tenant, url, at, delivery_payload(execution_id, state, at)),
    )


def moved_to(execution_id: str, tenant: str, state: State, at: int) -> _Event:
    """That an execution came to stand there."""
    return (execution_id, tenant, str(state), at, b"{}")
