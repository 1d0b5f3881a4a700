"""What comes with a change in its transaction: the events that tell of it, and the delivery to a webhook."""

from __future__ import annotations

__all__ = ["append_all", "append_event", "deliver", "moved_to"]

from collections.abc import Iterable

from greenlang.stores.entries import delivery_payload, encoded_metadata
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.protocol import NewEvent, State

#: Of an execution: (id, tenant, type, time, payload).
_Event = tuple[str, str, str, int, bytes]


async def append_event(
    connection: Connection, aggregate_type: str, aggregate_id: str, tenant: str, event: NewEvent, at: int
) -> None:
    """Append to the log what happened to one aggregate, in the transaction of the change that it tells of."""
    await connection.execute(
        # The transaction has its number before the event has: see `log`.
        "INSERT INTO events (aggregate_type, aggregate_id, tenant, type, at, version, payload, metadata)"
        " SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::integer, $7::bytea, $8::bytea"
        " WHERE pg_current_xact_id() IS NOT NULL",
        *(aggregate_type, aggregate_id, tenant, event.type, at),
        *(event.version, event.payload, encoded_metadata(event.metadata)),
    )


async def append_all(connection: Connection, events: Iterable[_Event]) -> None:
    """Append to the log what happened to executions."""
    if columns := list(zip(*events, strict=True)):
        # One statement for all of them; the order of the arrays is that of the sequence numbers.
        await connection.execute(
            "INSERT INTO events (aggregate_id, tenant, type, at, payload)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])",
            *columns,
        )


async def deliver(
    connection: Connection, execution_id: str, tenant: str, url: str, state: State, at: int
) -> None:
    """Have a webhook told that its execution ended."""
    await connection.execute(
        "INSERT INTO deliveries (execution_id, tenant, url, state, attempt, next_at, payload)"
        " VALUES ($1, $2, $3, 'due', 0, $4, $5)",
        *(execution_id, tenant, url, at, delivery_payload(execution_id, state, at)),
    )


def moved_to(execution_id: str, tenant: str, state: State, at: int) -> _Event:
    """That an execution came to stand there."""
    return (execution_id, tenant, str(state), at, b"{}")
