"""What is read from the embedded store: one function a question, each a statement or two."""

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
    "log",
    "sinks",
]

import sqlite3
from typing import Any

import msgspec

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


def execution_row(row: tuple[Any, ...]) -> ExecutionRow:
    """The execution in a row of `EXECUTION_COLUMNS`."""
    values = dict(zip(ExecutionRow.__struct_fields__, row, strict=True))
    values["state"] = State(values["state"])
    values["agents"] = tuple(filter(None, values["agents"].split("|")))
    values["cancel_requested"] = bool(values["cancel_requested"])
    values["metadata"] = decoded_metadata(values["metadata"])
    return ExecutionRow(**values)


def execution(reader: sqlite3.Connection, tenant: str, execution_id: str) -> ExecutionRow | None:
    row = reader.execute(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE id = ? AND tenant = ?",  # noqa: S608  our columns
        (execution_id, tenant),
    ).fetchone()
    return None if row is None else execution_row(row)


def cancelled_of(reader: sqlite3.Connection, worker: str) -> tuple[str, ...]:
    rows = reader.execute(
        "SELECT id FROM executions WHERE state = 'running' AND worker = ? AND cancel_requested", (worker,)
    )
    return tuple(row[0] for row in rows)


def executions(
    reader: sqlite3.Connection, tenant: str, wanted: ExecutionFilter, limit: int, cursor: str | None
) -> Page:
    conditions = ["tenant = ?"]
    values: list[Any] = [tenant]
    for condition, value in _conditions(wanted):
        conditions.append(condition)
        values += value
    if cursor is not None:
        conditions.append("(created_at, id) < (?, ?)")
        values.extend(place_of(cursor))
    rows = reader.execute(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE {' AND '.join(conditions)}"  # noqa: S608  values are bound
        " ORDER BY created_at DESC, id DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    found = tuple(execution_row(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(found, cursor_after(found[-1]) if more else None)


def _conditions(wanted: ExecutionFilter) -> list[tuple[str, list[Any]]]:
    conditions: list[tuple[str, list[Any]]] = []
    if wanted.states:
        marks = ", ".join("?" * len(wanted.states))
        conditions.append((f"state IN ({marks})", [str(state) for state in wanted.states]))
    if wanted.agent is not None:
        # A whole entry, or one from its beginning to the version; what spans two of them is the name of none.
        entry = f"|{wanted.agent}{'|' if '@' in wanted.agent else '@'}"
        conditions.append(("instr(agents, ?) AND NOT instr(?, '|')", [entry, wanted.agent]))
    if wanted.created_from is not None:
        conditions.append(("created_at >= ?", [wanted.created_from]))
    if wanted.created_before is not None:
        conditions.append(("created_at < ?", [wanted.created_before]))
    return conditions


_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events LEFT JOIN executions ON id = aggregate_id"  # noqa: S608  our columns


def events(
    reader: sqlite3.Connection, tenant: str, aggregate_type: str, aggregate_id: str, after: int, limit: int
) -> tuple[Event, ...]:
    rows = reader.execute(
        f"{_EVENTS} WHERE aggregate_id = ? AND aggregate_type = ? AND events.tenant = ? AND sequence > ?"
        " ORDER BY sequence LIMIT ?",
        (aggregate_id, aggregate_type, tenant, after, limit),
    )
    return tuple(event_of(*row) for row in rows)


def log(reader: sqlite3.Connection, after: int, limit: int) -> tuple[Event, ...]:
    # One commits at a time, and numbers are given out while it does: none is still to come.
    rows = reader.execute(f"{_EVENTS} WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit))
    return tuple(event_of(*row) for row in rows)


def sinks(reader: sqlite3.Connection) -> tuple[SinkState, ...]:
    rows = reader.execute(f"SELECT {SINK_COLUMNS} FROM sinks ORDER BY name")  # noqa: S608  our columns
    return tuple(SinkState(**dict(zip(SinkState.__struct_fields__, row, strict=True))) for row in rows)


def calculation(reader: sqlite3.Connection, tenant: str, calculation_id: str) -> Calculation | None:
    row = reader.execute(
        "SELECT record, evidence, position, commit_number, head FROM calculations"
        " JOIN commits ON number = commit_number WHERE calculation_id = ? AND tenant = ?",
        (calculation_id, tenant),
    ).fetchone()
    if row is None:
        return None
    record, evidence, position, number, head = row
    return Calculation(record, evidence, position, _leaves(reader, number), head)


def commits(reader: sqlite3.Connection, after: int) -> list[Link]:
    """The next links of the chain."""
    rows = reader.execute(
        "SELECT number, head FROM commits WHERE number > ? ORDER BY number LIMIT ?", (after, _COMMITS_AT_ONCE)
    ).fetchall()
    return [_link(reader, number, head) for number, head in rows]


def _link(reader: sqlite3.Connection, number: int, head: bytes) -> Link:
    rows = reader.execute(
        "SELECT leaf, record, calculation_id, tenant FROM calculations WHERE commit_number = ?"
        " ORDER BY position",
        (number,),
    ).fetchall()
    return Link(
        number,
        head,
        tuple(leaf for leaf, *_ in rows),
        tuple(record for _, record, *_ in rows),
        tuple((calculation_id, tenant) for *_, calculation_id, tenant in rows),
    )


def _leaves(reader: sqlite3.Connection, number: int) -> tuple[bytes, ...]:
    rows = reader.execute(
        "SELECT leaf FROM calculations WHERE commit_number = ? ORDER BY position", (number,)
    )
    return tuple(row[0] for row in rows)


def deliveries(reader: sqlite3.Connection, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
    rows = reader.execute(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE execution_id = ? AND tenant = ? ORDER BY id",  # noqa: S608
        (execution_id, tenant),
    )
    return tuple(delivery(row) for row in rows)


def delivery(row: tuple[Any, ...]) -> Delivery:
    """The delivery in a row of `DELIVERY_COLUMNS`."""
    return Delivery(**dict(zip(Delivery.__struct_fields__, row, strict=True)))


def api_key(reader: sqlite3.Connection, key_id: str) -> ApiKey | None:
    row = reader.execute(f"SELECT {API_KEY_COLUMNS} FROM api_keys WHERE id = ?", (key_id,)).fetchone()  # noqa: S608
    return None if row is None else _api_key(row)


def api_keys(reader: sqlite3.Connection, tenant: str) -> tuple[ApiKey, ...]:
    rows = reader.execute(
        f"SELECT {API_KEY_COLUMNS} FROM api_keys WHERE tenant = ? ORDER BY created_at DESC, id",  # noqa: S608
        (tenant,),
    )
    return tuple(map(_api_key, rows))


def _api_key(row: tuple[Any, ...]) -> ApiKey:
    values = dict(zip(ApiKey.__struct_fields__, row, strict=True))
    return ApiKey(**{**values, "roles": tuple(msgspec.json.decode(values["roles"]))})


def counts(reader: sqlite3.Connection) -> dict[State, int]:
    found = dict(reader.execute("SELECT state, COUNT(*) FROM executions GROUP BY state").fetchall())
    return {state: found.get(str(state), 0) for state in State}
