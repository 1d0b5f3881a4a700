"""What workers take on in PostgreSQL, hold and give back: executions, sinks, deliveries."""

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
from greenlang.stores.postgresql.clock import on_server_clock
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.reading import delivery, execution_row, sink
from greenlang.stores.postgresql.telling import append_all, deliver, moved_to
from greenlang.stores.postgresql.writer import Group
from greenlang.stores.protocol import FINAL_STATES, Delivery, ExecutionRow, SinkState, State

#: What may be claimed, the first in rank first; what another node is claiming is passed over.
_QUEUED = "SELECT id FROM executions WHERE state = 'queued' ORDER BY rank LIMIT $4 FOR UPDATE SKIP LOCKED"

#: The same, but of no tenant more than may run at once, and of one that is suspended nothing: what runs
#: already is counted before what waits.  Not all that waits is looked through, but what is in front, past
#: tenants that have no room: who is passed over because another fills the front comes next time, as that one
#: has no room then.
#: Nodes that claim at one moment pick the same and pass over what the other has locked, so they keep to it
#: together, but for what comes to wait, at a higher rank, between their two looks: to wait for one another
#: would hold up all that each writes.
_QUEUED_OF_TENANTS = """
    WITH running AS MATERIALIZED (
        SELECT tenant, count(*) AS count FROM executions WHERE state = 'running' GROUP BY tenant
    ),
    ahead AS MATERIALIZED (
        SELECT id, tenant, rank FROM executions WHERE state = 'queued' AND tenant NOT IN (
            SELECT tenant FROM running LEFT JOIN quotas USING (tenant)
            WHERE count >= coalesce(concurrent_executions, $6)
            UNION ALL SELECT tenant FROM tenants WHERE status = 'suspended'
        ) ORDER BY rank LIMIT 16 * $4
    ),
    places AS (
        SELECT id, coalesce(count, 0) + row_number() OVER (PARTITION BY tenant ORDER BY rank) AS place,
            coalesce(concurrent_executions, $6) AS most
        FROM ahead LEFT JOIN running USING (tenant) LEFT JOIN quotas USING (tenant)
    )
    SELECT id FROM executions WHERE id = ANY(ARRAY(SELECT id FROM places WHERE place <= most))
        AND state = 'queued' ORDER BY rank LIMIT $4 FOR UPDATE SKIP LOCKED
"""


async def claim(
    group: Group, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None
) -> tuple[ExecutionRow, ...]:
    """Take executions to run; what is late, ripe or abandoned is seen to first."""
    connection = await group.as_worker()
    its_now = await on_server_clock(connection, now)
    await _recover(connection, now, its_now)
    late = await connection.fetch(
        "UPDATE executions SET state = 'timeout', finished_at = $1, error = $2"
        " WHERE state IN ('pending', 'queued') AND deadline_at <= $1 RETURNING id, tenant, webhook",
        now,
        DEADLINE_PASSED,
    )
    await append_all(
        connection, [(row["id"], row["tenant"], "timeout", now, DEADLINE_PASSED) for row in late]
    )
    for row in late:
        if row["webhook"] is not None:
            await deliver(connection, row["id"], row["tenant"], row["webhook"], State.TIMEOUT, now)
    ripe = await connection.fetch(
        "UPDATE executions SET state = 'queued' WHERE state = 'pending' AND available_at <= $1"
        " RETURNING id, tenant",
        now,
    )
    await append_all(connection, [moved_to(row["id"], row["tenant"], State.QUEUED, now) for row in ripe])
    if limit <= 0:
        return ()
    claimed = await connection.fetch(
        # Picked once, whatever the plan: a subquery that locks may be run again for every row.
        f"WITH picked AS MATERIALIZED ({_QUEUED if per_tenant is None else _QUEUED_OF_TENANTS})"  # noqa: S608
        " UPDATE executions SET state = 'running', token = token + 1, attempt = attempt + 1, worker = $1,"
        " lease = $5, lease_until = $2, started_at = coalesce(started_at, $3)"
        f" WHERE id = ANY(ARRAY(SELECT id FROM picked)) RETURNING {EXECUTION_COLUMNS}, rank",
        *(worker, its_now + lease, now, limit, lease),
        *(() if per_tenant is None else (per_tenant,)),
    )
    rows = tuple(execution_row(row) for row in sorted(claimed, key=lambda row: row["rank"]))
    told = [msgspec.json.encode({"worker": worker, "attempt": row.attempt}) for row in rows]
    await append_all(
        connection,
        [(row.id, row.tenant, "running", now, payload) for row, payload in zip(rows, told, strict=True)],
    )
    return rows


async def _recover(connection: Connection, now: int, its_now: int) -> None:
    """Offer again what a worker holds whose lease ran out, or lies further ahead than it is long.

    The second is how a lease looks after the clock was set back.
    """
    lapsed = await connection.fetch(
        """
        UPDATE executions SET
            state = CASE WHEN cancel_requested THEN 'cancelled'
                         WHEN attempt >= max_attempts THEN 'dead_letter'
                         ELSE 'queued' END,
            finished_at = CASE WHEN cancel_requested OR attempt >= max_attempts THEN $1::bigint END,
            worker = NULL, lease = NULL, lease_until = NULL, error = $2
        WHERE state = 'running' AND (lease_until <= $3 OR lease_until > $3 + 2 * lease)
        RETURNING id, tenant, state, webhook
        """,
        now,
        LEASE_LAPSED,
        its_now,
    )
    await append_all(
        connection, [(row["id"], row["tenant"], row["state"], now, LEASE_LAPSED) for row in lapsed]
    )
    for row in lapsed:
        state = State(row["state"])
        if state in FINAL_STATES and row["webhook"] is not None:
            await deliver(connection, row["id"], row["tenant"], row["webhook"], state, now)


async def extend_leases(
    group: Group, worker: str, execution_ids: Sequence[str], *, now: int, lease: int
) -> None:
    """Say that a worker is alive and runs these."""
    connection = await group.as_worker()
    await connection.execute(
        "UPDATE executions SET lease = $1, lease_until = $2"
        " WHERE id = ANY($3) AND state = 'running' AND worker = $4",
        *(lease, await on_server_clock(connection, now) + lease, list(execution_ids), worker),
    )


async def claim_sink(group: Group, name: str, worker: str, now: int, lease: int) -> SinkState | None:
    connection = await group.as_worker()
    its_now = await on_server_clock(connection, now)
    await connection.execute(
        "INSERT INTO sinks (name, position, failures, retry_at) VALUES ($1, 0, 0, 0) ON CONFLICT DO NOTHING",
        name,
    )
    row = await connection.fetchrow(
        "UPDATE sinks SET worker = $1, lease_until = $2"  # noqa: S608  our columns
        " WHERE name = $3 AND retry_at <= $4 AND (worker IS NULL OR worker = $1 OR lease_until <= $5)"
        f" RETURNING {SINK_COLUMNS}",
        *(worker, its_now + lease, name, now, its_now),
    )
    return None if row is None else sink(row)


async def settle_sink(
    group: Group, name: str, worker: str, position: int, retry_at: int, error: str | None
) -> bool:
    connection = await group.as_worker()
    done = await connection.fetchval(
        "UPDATE sinks SET position = $1, retry_at = $2, last_error = $3,"
        " failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END"
        " WHERE name = $4 AND worker = $5 RETURNING true",
        *(position, retry_at, error, name, worker),
    )
    return done is not None


async def claim_deliveries(group: Group, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
    """Take webhook deliveries that are due."""
    connection = await group.as_worker()
    rows = await connection.fetch(
        "WITH picked AS MATERIALIZED (SELECT id FROM deliveries WHERE state = 'due' AND next_at <= $2"  # noqa: S608  our columns
        " ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)"
        " UPDATE deliveries SET next_at = $1"
        f" WHERE id = ANY(ARRAY(SELECT id FROM picked)) RETURNING {DELIVERY_COLUMNS}",
        now + lease,
        now,
        limit,
    )
    return tuple(delivery(row) for row in rows)


async def settle_delivery(
    group: Group, delivery_id: int, state: str, next_at: int, status: int | None, error: str | None
) -> None:
    """Write down how a delivery went."""
    connection = await group.as_worker()
    await connection.execute(
        "UPDATE deliveries SET state = $1, attempt = attempt + 1, next_at = $2, last_status = $3,"
        " last_error = $4 WHERE id = $5 AND state = 'due'",
        *(state, next_at, status, error, delivery_id),
    )
