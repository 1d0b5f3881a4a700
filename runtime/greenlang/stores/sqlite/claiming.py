"""What workers take on in the embedded store, hold and give back: executions, sinks, deliveries."""

from __future__ import annotations

__all__ = [
    "claim",
    "claim_deliveries",
    "claim_sink",
    "extend_leases",
    "settle_delivery",
    "settle_sink",
]

from collections.abc import Sequence

import msgspec

from greenlang.stores.entries import (
    DEADLINE_PASSED,
    DELIVERY_COLUMNS,
    EXECUTION_COLUMNS,
    LEASE_LAPSED,
    SINK_COLUMNS,
)
from greenlang.stores.protocol import FINAL_STATES, Delivery, ExecutionRow, SinkState, State
from greenlang.stores.sqlite.reading import delivery, execution_row
from greenlang.stores.sqlite.telling import append_all, deliver, moved_to
from greenlang.stores.sqlite.writer import Group

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
            WHERE count >= coalesce(concurrent_executions, :per_tenant)
            UNION ALL SELECT tenant FROM tenants WHERE status = 'suspended'
        ) ORDER BY rank LIMIT 16 * :limit
    ),
    places AS (
        SELECT id, rank, coalesce(count, 0) + row_number() OVER (PARTITION BY tenant ORDER BY rank) AS place,
            coalesce(concurrent_executions, :per_tenant) AS most
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
        append_all(group, [(execution_id, tenant, "timeout", now, DEADLINE_PASSED)])
        if webhook is not None:
            deliver(group, execution_id, tenant, webhook, State.TIMEOUT, now)
    ripe = group.execute(
        "UPDATE executions SET state = 'queued' WHERE state = 'pending' AND available_at <= ?"
        " RETURNING id, tenant",
        (now,),
    ).fetchall()
    append_all(group, [moved_to(execution_id, tenant, State.QUEUED, now) for execution_id, tenant in ripe])
    claimed = group.execute(
        "UPDATE executions SET state = 'running', token = token + 1, attempt = attempt + 1,"  # noqa: S608
        " worker = :worker, lease = :lease, lease_until = :until, started_at = coalesce(started_at, :now)"
        f" WHERE id IN ({_QUEUED if per_tenant is None else _QUEUED_OF_TENANTS} LIMIT :limit)"
        f" RETURNING {EXECUTION_COLUMNS}, rank",
        {
            "worker": worker,
            "lease": lease,
            "until": now + lease,
            "now": now,
            "limit": limit,
            "per_tenant": per_tenant,
        },
    ).fetchall()
    claimed.sort(key=lambda row: row[-1])
    rows = tuple(execution_row(row[:-1]) for row in claimed)
    append_all(
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
        append_all(group, [(execution_id, tenant, name, now, LEASE_LAPSED)])
        if state in FINAL_STATES and webhook is not None:
            deliver(group, execution_id, tenant, webhook, state, now)


def extend_leases(group: Group, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
    group.execute(
        "UPDATE executions SET lease = ?, lease_until = ?"
        " WHERE id IN (SELECT value FROM json_each(?)) AND state = 'running' AND worker = ?",
        (lease, now + lease, msgspec.json.encode(execution_ids).decode(), worker),
    )


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
