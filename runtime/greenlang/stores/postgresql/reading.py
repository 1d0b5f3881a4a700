"""What is read from PostgreSQL: one function a question, on a connection that sees what it may.

Row-level security keeps tenants apart; that every question names its tenant too is a second fence.
"""

from __future__ import annotations

__all__ = [
    "api_key",
    "api_keys",
    "calculation",
    "cancelled_of",
    "commits",
    "counts",
    "deliveries",
    "delivery",
    "events",
    "execution",
    "execution_row",
    "executions",
    "sink",
    "sinks",
]

from typing import Any

import asyncpg

from greenlang.stores.cursors import cursor_after, place_of
from greenlang.stores.entries import (
    API_KEY_COLUMNS,
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    EXECUTION_COLUMNS,
    SINK_COLUMNS,
    decoded_metadata,
    event_of,
)
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.protocol import (
    ApiKey,
    Calculation,
    Delivery,
    Event,
    ExecutionFilter,
    ExecutionRow,
    Link,
    Page,
    SinkState,
    State,
)

#: Links of the chain that are read at once.
_COMMITS_AT_ONCE = 256

_LEAF_BYTES = 32


def execution_row(row: asyncpg.Record) -> ExecutionRow:
    """The execution in a row of `EXECUTION_COLUMNS`, and maybe more columns behind them."""
    values = {name: row[name] for name in ExecutionRow.__struct_fields__}
    values["state"] = State(values["state"])
    values["agents"] = tuple(values["agents"])
    values["metadata"] = decoded_metadata(values["metadata"])
    return ExecutionRow(**values)


async def execution(connection: Connection, tenant: str, execution_id: str) -> ExecutionRow | None:
    row = await connection.fetchrow(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE id = $1 AND tenant = $2",  # noqa: S608  our columns
        execution_id,
        tenant,
    )
    return None if row is None else execution_row(row)


async def cancelled_of(connection: Connection, worker: str) -> tuple[str, ...]:
    rows = await connection.fetch(
        "SELECT id FROM executions WHERE state = 'running' AND worker = $1 AND cancel_requested", worker
    )
    return tuple(row["id"] for row in rows)


async def executions(
    connection: Connection, tenant: str, wanted: ExecutionFilter, limit: int, cursor: str | None
) -> Page:
    conditions = ["tenant = $1"]
    values: list[Any] = [tenant]

    def add(condition: str, *parameters: Any) -> None:
        numbers = range(len(values) + 1, len(values) + len(parameters) + 1)
        conditions.append(condition.format(*(f"${number}" for number in numbers)))
        values.extend(parameters)

    if wanted.states:
        add("state = ANY({})", [str(state) for state in wanted.states])
    if wanted.agent is not None and "@" in wanted.agent:
        add("{} = ANY(agents)", wanted.agent)
    elif wanted.agent is not None:
        add("EXISTS (SELECT FROM unnest(agents) AS agent WHERE starts_with(agent, {}))", f"{wanted.agent}@")
    if wanted.created_from is not None:
        add("created_at >= {}", wanted.created_from)
    if wanted.created_before is not None:
        add("created_at < {}", wanted.created_before)
    if cursor is not None:
        add("(created_at, id) < ({}, {})", *place_of(cursor))
    rows = await connection.fetch(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE {' AND '.join(conditions)}"  # noqa: S608  values are bound
        f" ORDER BY created_at DESC, id DESC LIMIT ${len(values) + 1}",
        *values,
        limit + 1,
    )
    found = tuple(execution_row(row) for row in rows[:limit])
    return Page(found, cursor_after(found[-1]) if len(rows) > limit else None)


async def events(
    connection: Connection, tenant: str, aggregate_type: str, aggregate_id: str, after: int, limit: int
) -> tuple[Event, ...]:
    rows = await connection.fetch(
        f"SELECT {EVENT_COLUMNS} FROM events LEFT JOIN executions ON id = aggregate_id"  # noqa: S608  our columns
        " WHERE aggregate_id = $1 AND aggregate_type = $2 AND events.tenant = $3 AND sequence > $4"
        " ORDER BY sequence LIMIT $5",
        *(aggregate_id, aggregate_type, tenant, after, limit),
    )
    return tuple(event_of(*row) for row in rows)


async def sinks(connection: Connection) -> tuple[SinkState, ...]:
    return tuple(map(sink, await connection.fetch(f"SELECT {SINK_COLUMNS} FROM sinks ORDER BY name")))  # noqa: S608


def sink(row: asyncpg.Record) -> SinkState:
    """The sink in a row of `SINK_COLUMNS`."""
    return SinkState(**dict(row))


async def calculation(connection: Connection, tenant: str, calculation_id: str) -> Calculation | None:
    row = await connection.fetchrow(
        "SELECT record, evidence, position, leaves, head FROM calculations"
        " JOIN commits ON number = commit_number WHERE calculation_id = $1 AND tenant = $2",
        calculation_id,
        tenant,
    )
    if row is None:
        return None
    return Calculation(row["record"], row["evidence"], row["position"], _split(row["leaves"]), row["head"])


async def commits(connection: Connection, after: int) -> list[Link]:
    """The next links of the chain."""
    rows = await connection.fetch(
        "SELECT number, head, leaves, records, ids, tenants FROM commits CROSS JOIN LATERAL ("
        "  SELECT coalesce(array_agg(record ORDER BY position), '{}') AS records,"
        "   coalesce(array_agg(calculation_id ORDER BY position), '{}') AS ids,"
        "   coalesce(array_agg(tenant ORDER BY position), '{}') AS tenants"
        "  FROM calculations WHERE commit_number = number) AS kept"
        " WHERE number > $1 ORDER BY number LIMIT $2",
        after,
        _COMMITS_AT_ONCE,
    )
    return [
        Link(
            row["number"],
            row["head"],
            _split(row["leaves"]),
            tuple(row["records"]),
            tuple(zip(row["ids"], row["tenants"], strict=True)),
        )
        for row in rows
    ]


def _split(leaves: bytes) -> tuple[bytes, ...]:
    return tuple(leaves[start : start + _LEAF_BYTES] for start in range(0, len(leaves), _LEAF_BYTES))


async def deliveries(connection: Connection, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
    rows = await connection.fetch(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE execution_id = $1 AND tenant = $2 ORDER BY id",  # noqa: S608
        execution_id,
        tenant,
    )
    return tuple(delivery(row) for row in rows)


def delivery(row: asyncpg.Record) -> Delivery:
    """The delivery in a row of `DELIVERY_COLUMNS`."""
    return Delivery(**dict(row))


async def api_key(connection: Connection, key_id: str) -> ApiKey | None:
    row = await connection.fetchrow(f"SELECT {API_KEY_COLUMNS} FROM api_keys WHERE id = $1", key_id)  # noqa: S608
    return None if row is None else _api_key(row)


async def api_keys(connection: Connection, tenant: str) -> tuple[ApiKey, ...]:
    rows = await connection.fetch(
        f"SELECT {API_KEY_COLUMNS} FROM api_keys WHERE tenant = $1 ORDER BY created_at DESC, id",  # noqa: S608
        tenant,
    )
    return tuple(map(_api_key, rows))


def _api_key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(**{**dict(row), "roles": tuple(row["roles"])})


async def counts(connection: Connection) -> dict[State, int]:
    rows = await connection.fetch("SELECT state, count(*) FROM executions GROUP BY state")
    found = {row["state"]: row["count"] for row in rows}
    return {state: found.get(str(state), 0) for state in State}
