"""What is written to PostgreSQL: one function an operation, each within the group's transaction.

Every change of a state appends its event in the same transaction, and an execution that ends makes its
webhook delivery there too, so that neither is ever missing.
"""

from __future__ import annotations

__all__ = [
    "add_api_key",
    "add_calculation",
    "append_event",
    "append_in_line",
    "change",
    "claim",
    "claim_deliveries",
    "claim_sink",
    "extend_leases",
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

from greenlang.errors import StoreError
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
from greenlang.stores.postgresql.clock import on_server_clock
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.reading import delivery, execution, execution_row, sink
from greenlang.stores.postgresql.writer import Group
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

#: Of an execution: (id, tenant, type, time, payload).
_Event = tuple[str, str, str, int, bytes]

_INSERT = (
    f"INSERT INTO executions ({EXECUTION_COLUMNS}, rank)"  # noqa: S608  our columns
    f" VALUES ({', '.join(f'${number}' for number in range(1, 25))})"
)


async def submit(group: Group, new: NewExecution, state: State) -> Submitted:
    """Accept an execution, unless its idempotency key has accepted one already."""
    connection = await group.as_tenant(new.tenant)
    earlier = await _earlier(connection, new.tenant, new.idempotency_key, new.id, new.request_digest)
    if earlier is not None:
        return earlier
    await connection.execute(
        _INSERT,
        *(new.id, new.tenant, str(state), new.priority, new.plan_hash, list(new.agents), new.request),
        *(new.created_at, new.created_at, None, None, new.deadline_at, 0, new.max_attempts),
        *(0, None, None, False, None, None, None, new.webhook, encoded_metadata(new.metadata), rank(new)),
    )
    await _append(
        connection, [_event(new.id, new.tenant, one, new.created_at) for one in submitted_states(state)]
    )
    return Submitted(new.id, True, new.request_digest)


async def submit_finished(
    group: Group, new: NewExecution, result: bytes, record: NewRecord | None
) -> Submitted:
    """Accept an execution that has run to its end already."""
    connection = await group.as_tenant(new.tenant)
    earlier = await _earlier(connection, new.tenant, new.idempotency_key, new.id, new.request_digest)
    if earlier is not None:
        return earlier
    at = new.created_at if record is None else record.created_at
    calculation_id = None if record is None else record.calculation_id
    await connection.execute(
        _INSERT,
        *(new.id, new.tenant, "completed", new.priority, new.plan_hash, list(new.agents), new.request),
        *(new.created_at, new.created_at, new.created_at, at, new.deadline_at, 1, new.max_attempts),
        *(1, None, None, False, result, None, calculation_id, new.webhook),
        *(encoded_metadata(new.metadata), rank(new)),
    )
    begun = (State.PENDING, State.QUEUED, State.RUNNING)
    stamps = [*((state, new.created_at) for state in begun), (State.COMPLETED, at)]
    await _append(connection, [_event(new.id, new.tenant, state, when) for state, when in stamps])
    if record is not None:
        group.records.append(record)
    if new.webhook is not None:
        await _deliver(connection, new.id, new.tenant, new.webhook, State.COMPLETED, at)
    return Submitted(new.id, True, new.request_digest)


async def add_calculation(group: Group, record: NewRecord, key: str | None, digest: str) -> Submitted:
    """Commit a calculation record, unless its idempotency key has committed one already."""
    connection = await group.as_tenant(record.tenant)
    earlier = await _earlier(connection, record.tenant, key, record.calculation_id, digest)
    if earlier is not None:
        return earlier
    group.records.append(record)
    return Submitted(record.calculation_id, True, digest)


#: What may be claimed, the first in rank first; what another node is claiming is passed over.
_QUEUED = "SELECT id FROM executions WHERE state = 'queued' ORDER BY rank LIMIT $4 FOR UPDATE SKIP LOCKED"

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
    await _append(connection, [(row["id"], row["tenant"], "timeout", now, DEADLINE_PASSED) for row in late])
    for row in late:
        if row["webhook"] is not None:
            await _deliver(connection, row["id"], row["tenant"], row["webhook"], State.TIMEOUT, now)
    ripe = await connection.fetch(
        "UPDATE executions SET state = 'queued' WHERE state = 'pending' AND available_at <= $1"
        " RETURNING id, tenant",
        now,
    )
    await _append(connection, [_event(row["id"], row["tenant"], State.QUEUED, now) for row in ripe])
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
    await _append(
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
    await _append(connection, [(row["id"], row["tenant"], row["state"], now, LEASE_LAPSED) for row in lapsed])
    for row in lapsed:
        state = State(row["state"])
        if state in FINAL_STATES and row["webhook"] is not None:
            await _deliver(connection, row["id"], row["tenant"], row["webhook"], state, now)


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


async def change(group: Group, change: Change) -> bool:
    """Change an execution, if it stands where it is expected."""
    connection = await group.as_tenant(change.tenant)
    final = change.to in FINAL_STATES
    row = await connection.fetchrow(
        "UPDATE executions SET state = $1, finished_at = $2, result = coalesce($3, result), error = $4,"
        " calculation_id = coalesce($5, calculation_id), available_at = coalesce($6, available_at),"
        " attempt = CASE WHEN $7 THEN 0 WHEN state = 'running' AND $8 THEN attempt - 1 ELSE attempt END,"
        " worker = NULL, lease = NULL, lease_until = NULL, cancel_requested = cancel_requested AND $9"
        " WHERE id = $10 AND tenant = $11 AND state = ANY($12) AND token = coalesce($13, token)"
        " RETURNING webhook",
        *(str(change.to), change.at if final else None, change.result, change.error),
        *(change.record and change.record.calculation_id, change.available_at),
        *(change.reset_attempts, change.to is State.QUEUED, final, change.id, change.tenant),
        *([str(state) for state in change.expected], change.token),
    )
    if row is None:
        return False
    await append_event(connection, "execution", change.id, change.tenant, change.event, change.at)
    if change.record is not None:
        group.records.append(change.record)
    if final and row["webhook"] is not None:
        await _deliver(connection, change.id, change.tenant, row["webhook"], change.to, change.at)
    return True


async def request_cancel(
    group: Group, tenant: str, execution_id: str, at: int, metadata: EventMetadata | None
) -> ExecutionRow | None:
    """Cancel what does not run yet, and mark what runs."""
    connection = await group.as_tenant(tenant)
    row = await connection.fetchrow(
        "UPDATE executions SET cancel_requested = true,"  # noqa: S608  our columns
        " finished_at = CASE WHEN state IN ('pending', 'queued') THEN $1 ELSE finished_at END,"
        " state = CASE WHEN state IN ('pending', 'queued') THEN 'cancelled' ELSE state END"
        " WHERE id = $2 AND tenant = $3 AND state IN ('pending', 'queued', 'running')"
        f" RETURNING {EXECUTION_COLUMNS}",
        *(at, execution_id, tenant),
    )
    if row is None:
        return await execution(connection, tenant, execution_id)
    changed = execution_row(row)
    kind = "cancelled" if changed.state is State.CANCELLED else "cancel_requested"
    event = NewEvent(kind, metadata=metadata)
    await append_event(connection, "execution", execution_id, tenant, event, at)
    if changed.state is State.CANCELLED and changed.webhook is not None:
        await _deliver(connection, execution_id, tenant, changed.webhook, changed.state, at)
    return changed


async def append_in_line(
    group: Group, aggregate_type: str, aggregate_id: str, tenant: str, event: NewEvent, at: int
) -> None:
    """Append to the log; of an execution in line with its changes, so that who follows it misses nothing."""
    connection = await group.as_tenant(tenant)
    if aggregate_type == "execution":
        await connection.execute(
            "SELECT FROM executions WHERE id = $1 AND tenant = $2 FOR NO KEY UPDATE", aggregate_id, tenant
        )
    await append_event(connection, aggregate_type, aggregate_id, tenant, event, at)


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


async def add_api_key(group: Group, key: ApiKey) -> None:
    connection = await group.as_tenant(key.tenant)
    await connection.execute(
        "INSERT INTO api_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(key.id, key.tenant, key.name, list(key.roles), key.secret_hash),
        *(key.created_at, key.expires_at, key.revoked_at),
    )


async def revoke_api_key(group: Group, tenant: str, key_id: str, at: int) -> bool:
    connection = await group.as_tenant(tenant)
    done = await connection.fetchval(
        "UPDATE api_keys SET revoked_at = $1"
        " WHERE id = $2 AND tenant = $3 AND revoked_at IS NULL RETURNING true",
        *(at, key_id, tenant),
    )
    return done is not None


async def purge_executions(group: Group, before: int, limit: int) -> int:
    """Delete up to `limit` executions that ended before a time; dead letters stay."""
    connection = await group.as_worker()
    rows = await connection.fetch(
        "SELECT id FROM executions WHERE finished_at < $1 AND state <> 'dead_letter' LIMIT $2"
        # What another node is deleting is its to count.
        " FOR UPDATE SKIP LOCKED",
        before,
        limit,
    )
    ended = [row["id"] for row in rows]
    await connection.execute(
        "DELETE FROM events WHERE aggregate_type = 'execution' AND aggregate_id = ANY($1)", ended
    )
    for table in ("idempotency_keys", "deliveries"):
        await connection.execute(f"DELETE FROM {table} WHERE execution_id = ANY($1)", ended)  # noqa: S608
    await connection.execute("DELETE FROM executions WHERE id = ANY($1)", ended)
    return len(ended)


async def purge_keys(group: Group, before: int, limit: int) -> int:
    """Delete up to `limit` keys of calculations, which stay themselves: their keys go by their age."""
    connection = await group.as_worker()
    done: str = await connection.execute(
        "DELETE FROM idempotency_keys WHERE (tenant, key) IN"
        " (SELECT k.tenant, k.key FROM idempotency_keys AS k"
        "  JOIN calculations ON calculation_id = execution_id WHERE created_at < $1 LIMIT $2)",
        before,
        limit,
    )
    return int(done.rpartition(" ")[2])


async def _earlier(
    connection: Connection, tenant: str, key: str | None, made: str, digest: str
) -> Submitted | None:
    """What the idempotency key stands for already, or None, and from now on it stands for `made`."""
    if key is None:
        return None
    taken = await connection.fetchval(
        "INSERT INTO idempotency_keys VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING true",
        *(tenant, key, made, digest),
    )
    if taken:
        return None
    row = await connection.fetchrow(
        "SELECT execution_id, request_digest FROM idempotency_keys WHERE tenant = $1 AND key = $2",
        tenant,
        key,
    )
    if row is None:  # purged between the two statements
        raise StoreError("the idempotency key was just forgotten", fix="send the request again")
    return Submitted(row["execution_id"], False, row["request_digest"])


async def _append(connection: Connection, events: Iterable[_Event]) -> None:
    if columns := list(zip(*events, strict=True)):
        # One statement for all of them; the order of the arrays is that of the sequence numbers.
        await connection.execute(
            "INSERT INTO events (aggregate_id, tenant, type, at, payload)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])",
            *columns,
        )


async def _deliver(
    connection: Connection, execution_id: str, tenant: str, url: str, state: State, at: int
) -> None:
    await connection.execute(
        "INSERT INTO deliveries (execution_id, tenant, url, state, attempt, next_at, payload)"
        " VALUES ($1, $2, $3, 'due', 0, $4, $5)",
        *(execution_id, tenant, url, at, delivery_payload(execution_id, state, at)),
    )


def _event(execution_id: str, tenant: str, state: State, at: int) -> _Event:
    return (execution_id, tenant, str(state), at, b"{}")
