"""What is written to PostgreSQL: one function an operation, each within the group's transaction.

Every change of a state appends its event in the same transaction, and an execution that ends makes its
webhook delivery there too, so that neither is ever missing.
"""

from __future__ import annotations

__all__ = [
    "add_api_key",
    "add_calculation",
    "append_in_line",
    "change",
    "purge_executions",
    "purge_keys",
    "request_cancel",
    "revoke_api_key",
    "submit",
    "submit_finished",
]


from greenlang.errors import StoreError
from greenlang.stores.entries import (
    EXECUTION_COLUMNS,
    encoded_metadata,
    rank,
    submitted_states,
)
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.reading import execution, execution_row
from greenlang.stores.postgresql.telling import append_all, append_event, deliver, moved_to
from greenlang.stores.postgresql.writer import Group
from greenlang.stores.protocol import (
    FINAL_STATES,
    ApiKey,
    Change,
    EventMetadata,
    ExecutionRow,
    NewEvent,
    NewExecution,
    NewRecord,
    State,
    Submitted,
)

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
    await append_all(
        connection, [moved_to(new.id, new.tenant, one, new.created_at) for one in submitted_states(state)]
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
    await append_all(connection, [moved_to(new.id, new.tenant, state, when) for state, when in stamps])
    if record is not None:
        group.records.append(record)
    if new.webhook is not None:
        await deliver(connection, new.id, new.tenant, new.webhook, State.COMPLETED, at)
    return Submitted(new.id, True, new.request_digest)


async def add_calculation(group: Group, record: NewRecord, key: str | None, digest: str) -> Submitted:
    """Commit a calculation record, unless its idempotency key has committed one already."""
    connection = await group.as_tenant(record.tenant)
    earlier = await _earlier(connection, record.tenant, key, record.calculation_id, digest)
    if earlier is not None:
        return earlier
    group.records.append(record)
    return Submitted(record.calculation_id, True, digest)


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
        await deliver(connection, change.id, change.tenant, row["webhook"], change.to, change.at)
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
        await deliver(connection, execution_id, tenant, changed.webhook, changed.state, at)
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
