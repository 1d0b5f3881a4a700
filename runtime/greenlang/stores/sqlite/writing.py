"""What is written to the embedded store: one function an operation, each within the group's transaction.

Every change of a state appends its event in the same transaction, and an execution that ends makes its
webhook delivery there too, so that neither is ever missing.
"""

from __future__ import annotations

__all__ = [
    "add_api_key",
    "add_calculation",
    "append_event",
    "change",
    "claim",
    "claim_deliveries",
    "claim_sink",
    "extend_leases",
    "give_back_pages",
    "purge_executions",
    "purge_keys",
    "request_cancel",
    "revoke_api_key",
    "settle_delivery",
    "settle_sink",
    "submit",
    "submit_finished",
]

from collections.abc import Iterable, Sequence

import msgspec

from greenlang.stores.entries import (
    DEADLINE_PASSED,
    DELIVERY_COLUMNS,
    EXECUTION_COLUMNS,
    LEASE_LAPSED,
    SINK_COLUMNS,
    delivery_payload,
    encoded_metadata,
    rank,
    submitted_states,
)
from greenlang.stores.protocol import (
    FINAL_STATES,
    ApiKey,
    Change,
    Delivery,
    EventMetadata,
    ExecutionRow,
    NewEvent,
    NewExecution,
    NewRecord,
    SinkState,
    State,
    Submitted,
)
from greenlang.stores.sqlite.reading import delivery, execution_row
from greenlang.stores.sqlite.writer import Group

_EXECUTIONS = f"executions ({EXECUTION_COLUMNS}, rank)"


def submit(group: Group, new: NewExecution, state: State) -> Submitted:
    earlier = _earlier(group, new.tenant, new.idempotency_key, new.id, new.request_digest)
    if earlier is not None:
        return earlier
    group.insert(
        _EXECUTIONS,
        (
            *(new.id, new.tenant, str(state), new.priority, new.plan_hash, _agents(new), new.request),
            *(new.created_at, new.created_at, None, None, new.deadline_at, 0, new.max_attempts),
            *(0, None, None, 0, None, None, None, new.webhook, encoded_metadata(new.metadata), rank(new)),
        ),
    )
    _append(group, [_event(new.id, new.tenant, one, new.created_at) for one in submitted_states(state)])
    return Submitted(new.id, True, new.request_digest)


def submit_finished(group: Group, new: NewExecution, result: bytes, record: NewRecord | None) -> Submitted:
    earlier = _earlier(group, new.tenant, new.idempotency_key, new.id, new.request_digest)
    if earlier is not None:
        return earlier
    at = new.created_at if record is None else record.created_at
    calculation_id = None if record is None else record.calculation_id
    group.insert(
        _EXECUTIONS,
        (
            *(new.id, new.tenant, "completed", new.priority, new.plan_hash, _agents(new), new.request),
            *(new.created_at, new.created_at, new.created_at, at, new.deadline_at, 1, new.max_attempts),
            *(1, None, None, 0, result, None, calculation_id, new.webhook),
            *(encoded_metadata(new.metadata), rank(new)),
        ),
    )
    stamps = (
        (State.PENDING, new.created_at),
        (State.QUEUED, new.created_at),
        (State.RUNNING, new.created_at),
        (State.COMPLETED, at),
    )
    _append(group, [_event(new.id, new.tenant, state, when) for state, when in stamps])
    if record is not None:
        group.records.append(record)
    if new.webhook is not None:
        _deliver(group, new.id, new.tenant, new.webhook, State.COMPLETED, at)
    return Submitted(new.id, True, new.request_digest)


def add_calculation(group: Group, record: NewRecord, key: str | None, digest: str) -> Submitted:
    earlier = _earlier(group, record.tenant, key, record.calculation_id, digest)
    if earlier is not None:
        return earlier
    group.records.append(record)
    return Submitted(record.calculation_id, True, digest)


#: What may be claimed, the first in rank first; the index on `rank` serves it.
_QUEUED = "SELECT id FROM executions WHERE state = 'queued' ORDER BY rank"

#: The same, but of no tenant more than may run at once, and of one that is suspended nothing: what runs
#: already is counted before what waits.  Not all that waits is looked through, but what is in front, past
#: tenants that have no room: who is passed over because another fills the front comes next time, as that one
#: has no room then.
_QUEUED_OF_TENANTS = """
    WITH running AS MATERIALIZED (
        SELECT tenant, count(*) AS count FROM executions WHERE state = 'running' GROUP BY tenant
    ),
    ahead AS MATERIALIZED (
        SELECT id, tenant, rank FROM executions WHERE state = 'queued' AND tenant NOT IN (
            SELECT tenant FROM running LEFT JOIN quotas USING (tenant)
            WHERE count >= coalesce(concurrent_executions, ?6)
            UNION ALL SELECT tenant FROM tenants WHERE status = 'suspended'
        ) ORDER BY rank LIMIT 16 * ?5
    ),
    places AS (
        SELECT id, rank, coalesce(count, 0) + row_number() OVER (PARTITION BY tenant ORDER BY rank) AS place,
            coalesce(concurrent_executions, ?6) AS most
        FROM ahead LEFT JOIN running USING (tenant) LEFT JOIN quotas USING (tenant)
    )
    SELECT id FROM places WHERE place <= most ORDER BY rank
"""


def claim(
    group: Group, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None = None
) -> tuple[ExecutionRow, ...]:
    _recover(group, now)
    late = group.execute(
        "UPDATE executions SET state = 'timeout', finished_at = ?, error = ?"
        " WHERE state IN ('pending', 'queued') AND deadline_at <= ? RETURNING id, tenant, webhook",
        (now, DEADLINE_PASSED, now),
    ).fetchall()
    for execution_id, tenant, webhook in late:
        _append(group, [(execution_id, tenant, "timeout", now, DEADLINE_PASSED)])
        if webhook is not None:
            _deliver(group, execution_id, tenant, webhook, State.TIMEOUT, now)
    ripe = group.execute(
        "UPDATE executions SET state = 'queued' WHERE state = 'pending' AND available_at <= ?"
        " RETURNING id, tenant",
        (now,),
    ).fetchall()
    _append(group, [_event(execution_id, tenant, State.QUEUED, now) for execution_id, tenant in ripe])
    claimed = group.execute(
        "UPDATE executions SET state = 'running', token = token + 1, attempt = attempt + 1, worker = ?1,"  # noqa: S608
        " lease = ?2, lease_until = ?3, started_at = coalesce(started_at, ?4) WHERE id IN"
        f" ({_QUEUED if per_tenant is None else _QUEUED_OF_TENANTS} LIMIT ?5)"
        f" RETURNING {EXECUTION_COLUMNS}, rank",
        (worker, lease, now + lease, now, limit, *(() if per_tenant is None else (per_tenant,))),
    ).fetchall()
    claimed.sort(key=lambda row: row[-1])
    rows = tuple(execution_row(row[:-1]) for row in claimed)
    _append(
        group,
        [
            (
                row.id,
                row.tenant,
                "running",
                now,
                msgspec.json.encode({"worker": worker, "attempt": row.attempt}),
            )
            for row in rows
        ],
    )
    return rows


def _recover(group: Group, now: int) -> None:
    """Offer again what a worker holds whose lease ran out, or lies further ahead than it is long.

    The second is how a lease looks after the clock was set back.
    """
    lapsed = group.execute(
        """
        UPDATE executions SET
            state = CASE WHEN cancel_requested THEN 'cancelled'
                         WHEN attempt >= max_attempts THEN 'dead_letter'
                         ELSE 'queued' END,
            finished_at = CASE WHEN cancel_requested OR attempt >= max_attempts THEN ? END,
            worker = NULL, lease = NULL, lease_until = NULL, error = ?
        WHERE state = 'running' AND (lease_until <= ? OR lease_until > ? + 2 * lease)
        RETURNING id, tenant, state, webhook
        """,
        (now, LEASE_LAPSED, now, now),
    ).fetchall()
    for execution_id, tenant, name, webhook in lapsed:
        state = State(name)
        _append(group, [(execution_id, tenant, name, now, LEASE_LAPSED)])
        if state in FINAL_STATES and webhook is not None:
            _deliver(group, execution_id, tenant, webhook, state, now)


def extend_leases(group: Group, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
    group.execute(
        "UPDATE executions SET lease = ?, lease_until = ?"
        " WHERE id IN (SELECT value FROM json_each(?)) AND state = 'running' AND worker = ?",
        (lease, now + lease, msgspec.json.encode(execution_ids).decode(), worker),
    )


def change(group: Group, change: Change) -> bool:
    final = change.to in FINAL_STATES
    conditions = ", ".join("?" * len(change.expected))
    row = group.execute(
        "UPDATE executions SET state = ?, finished_at = ?, result = coalesce(?, result), error = ?,"  # noqa: S608
        " calculation_id = coalesce(?, calculation_id), available_at = coalesce(?, available_at),"
        " attempt = CASE WHEN ? THEN 0 WHEN state = 'running' AND ? THEN attempt - 1 ELSE attempt END,"
        " worker = NULL, lease = NULL, lease_until = NULL,"
        " cancel_requested = CASE WHEN ? THEN cancel_requested ELSE 0 END"
        f" WHERE id = ? AND tenant = ? AND state IN ({conditions}) AND token = coalesce(?, token)"
        " RETURNING webhook",
        (
            *(str(change.to), change.at if final else None, change.result, change.error),
            *(change.record and change.record.calculation_id, change.available_at),
            *(change.reset_attempts, change.to is State.QUEUED, final, change.id, change.tenant),
            *map(str, change.expected),
            change.token,
        ),
    ).fetchone()
    if row is None:
        return False
    append_event(group, "execution", change.id, change.tenant, change.event, change.at)
    if change.record is not None:
        group.records.append(change.record)
    if final and row[0] is not None:
        _deliver(group, change.id, change.tenant, row[0], change.to, change.at)
    return True


def request_cancel(
    group: Group, tenant: str, execution_id: str, at: int, metadata: EventMetadata | None
) -> ExecutionRow | None:
    row = group.execute(
        "UPDATE executions SET cancel_requested = 1,"  # noqa: S608
        " finished_at = CASE WHEN state IN ('pending', 'queued') THEN ? ELSE finished_at END,"
        " state = CASE WHEN state IN ('pending', 'queued') THEN 'cancelled' ELSE state END"
        " WHERE id = ? AND tenant = ? AND state IN ('pending', 'queued', 'running')"
        f" RETURNING {EXECUTION_COLUMNS}",
        (at, execution_id, tenant),
    ).fetchone()
    if row is not None:
        changed = execution_row(row)
        kind = "cancelled" if changed.state is State.CANCELLED else "cancel_requested"
        append_event(group, "execution", execution_id, tenant, NewEvent(kind, metadata=metadata), at)
        if changed.state is State.CANCELLED and changed.webhook is not None:
            _deliver(group, execution_id, tenant, changed.webhook, changed.state, at)
        return changed
    row = group.execute(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE id = ? AND tenant = ?",  # noqa: S608
        (execution_id, tenant),
    ).fetchone()
    return None if row is None else execution_row(row)


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


def _append(group: Group, events: Iterable[tuple[str, str, str, int, bytes]]) -> None:
    """Append to the log what happened to executions: (id, tenant, type, time, payload)."""
    for event in events:
        group.insert("events (aggregate_id, tenant, type, at, payload)", event)


def claim_sink(group: Group, name: str, worker: str, now: int, lease: int) -> SinkState | None:
    group.execute(
        "INSERT INTO sinks (name, position, failures, retry_at) VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING",
        (name,),
    )
    row = group.execute(
        "UPDATE sinks SET worker = ?, lease_until = ?"  # noqa: S608  our columns
        " WHERE name = ? AND retry_at <= ? AND (worker IS NULL OR worker = ? OR lease_until <= ?)"
        f" RETURNING {SINK_COLUMNS}",
        (worker, now + lease, name, now, worker, now),
    ).fetchone()
    return None if row is None else SinkState(**dict(zip(SinkState.__struct_fields__, row, strict=True)))


def settle_sink(
    group: Group, name: str, worker: str, position: int, retry_at: int, error: str | None
) -> bool:
    done = group.execute(
        "UPDATE sinks SET position = ?, retry_at = ?, last_error = ?,"
        " failures = CASE WHEN ? IS NULL THEN 0 ELSE failures + 1 END WHERE name = ? AND worker = ?",
        (position, retry_at, error, error, name, worker),
    )
    return done.rowcount == 1


def claim_deliveries(group: Group, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
    rows = group.execute(
        "UPDATE deliveries SET next_at = ? WHERE id IN"  # noqa: S608
        " (SELECT id FROM deliveries WHERE state = 'due' AND next_at <= ? ORDER BY next_at LIMIT ?)"
        f" RETURNING {DELIVERY_COLUMNS}",
        (now + lease, now, limit),
    ).fetchall()
    return tuple(delivery(row) for row in rows)


def settle_delivery(
    group: Group, delivery_id: int, state: str, next_at: int, status: int | None, error: str | None
) -> None:
    group.execute(
        "UPDATE deliveries SET state = ?, attempt = attempt + 1, next_at = ?, last_status = ?, last_error = ?"
        " WHERE id = ? AND state = 'due'",
        (state, next_at, status, error, delivery_id),
    )


def add_api_key(group: Group, key: ApiKey) -> None:
    roles = msgspec.json.encode(key.roles).decode()
    group.execute(
        "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(key.id, key.tenant, key.name, roles, key.secret_hash),
            *(key.created_at, key.expires_at, key.revoked_at),
        ),
    )


def revoke_api_key(group: Group, tenant: str, key_id: str, at: int) -> bool:
    done = group.execute(
        "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND tenant = ? AND revoked_at IS NULL",
        (at, key_id, tenant),
    )
    return done.rowcount == 1


def purge_executions(group: Group, before: int, limit: int) -> int:
    """Up to `limit` of them; dead letters stay until somebody has looked at them."""
    ended = [
        execution_id
        for (execution_id,) in group.execute(
            "SELECT id FROM executions WHERE finished_at < ? AND state <> 'dead_letter' LIMIT ?",
            (before, limit),
        )
    ]
    ids = (msgspec.json.encode(ended).decode(),)
    group.execute(
        "DELETE FROM events WHERE aggregate_id IN (SELECT value FROM json_each(?))"
        " AND aggregate_type = 'execution'",
        ids,
    )
    for table in ("idempotency_keys", "deliveries"):
        group.execute(f"DELETE FROM {table} WHERE execution_id IN (SELECT value FROM json_each(?))", ids)  # noqa: S608
    group.execute("DELETE FROM executions WHERE id IN (SELECT value FROM json_each(?))", ids)
    return len(ended)


def purge_keys(group: Group, before: int, limit: int) -> int:
    """Up to `limit` keys of calculations, which stay themselves: their keys go by their age."""
    return group.execute(
        "DELETE FROM idempotency_keys WHERE execution_id IN"
        " (SELECT calculation_id FROM calculations JOIN idempotency_keys ON execution_id = calculation_id"
        "  WHERE created_at < ? LIMIT ?)",
        (before, limit),
    ).rowcount


def give_back_pages(group: Group, limit: int) -> int:
    """Shorten the file by up to `limit` pages that nothing is kept in any more, and say by how many."""
    (before,) = group.execute("PRAGMA freelist_count").fetchone()
    group.execute(f"PRAGMA incremental_vacuum({limit})").fetchall()
    (after,) = group.execute("PRAGMA freelist_count").fetchone()
    return int(before - after)


def _earlier(group: Group, tenant: str, key: str | None, holder: str, digest: str) -> Submitted | None:
    """What holds the idempotency key, an execution or a calculation; None, and from now on `holder` does."""
    if key is None:
        return None
    taken = group.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
        (tenant, key, holder, digest),
    ).fetchone()
    if taken is not None:
        return None
    found, its_digest = group.execute(
        "SELECT execution_id, request_digest FROM idempotency_keys WHERE tenant = ? AND key = ?",
        (tenant, key),
    ).fetchone()
    return Submitted(found, False, its_digest)


def _deliver(group: Group, execution_id: str, tenant: str, url: str, state: State, at: int) -> None:
    group.execute(
        "INSERT INTO deliveries (execution_id, tenant, url, state, attempt, next_at, payload)"
        " VALUES (?, ?, ?, 'due', 0, ?, ?)",
        (execution_id, tenant, url, at, delivery_payload(execution_id, state, at)),
    )


def _event(execution_id: str, tenant: str, state: State, at: int) -> tuple[str, str, str, int, bytes]:
    return (execution_id, tenant, str(state), at, b"{}")


def _agents(new: NewExecution) -> str:
    return f"|{'|'.join(new.agents)}|"
