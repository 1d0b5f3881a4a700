"""What is written to the embedded store: one function an operation, each within the group's transaction.

Every change of a state appends its event in the same transaction, and an execution that ends makes its
webhook delivery there too, so that neither is ever missing.
"""

from __future__ import annotations

__all__ = [
    "add_api_key",
    "add_calculation",
    "change",
    "give_back_pages",
    "purge_executions",
    "purge_keys",
    "request_cancel",
    "revoke_api_key",
    "submit",
    "submit_finished",
]


import msgspec

from greenlang.stores.entries import (
    EXECUTION_COLUMNS,
    encoded_metadata,
    rank,
    submitted_states,
)
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
from greenlang.stores.sqlite.reading import execution_row
from greenlang.stores.sqlite.telling import append_all, append_event, deliver, moved_to
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
    append_all(group, [moved_to(new.id, new.tenant, one, new.created_at) for one in submitted_states(state)])
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
    append_all(group, [moved_to(new.id, new.tenant, state, when) for state, when in stamps])
    if record is not None:
        group.records.append(record)
    if new.webhook is not None:
        deliver(group, new.id, new.tenant, new.webhook, State.COMPLETED, at)
    return Submitted(new.id, True, new.request_digest)


def add_calculation(group: Group, record: NewRecord, key: str | None, digest: str) -> Submitted:
    earlier = _earlier(group, record.tenant, key, record.calculation_id, digest)
    if earlier is not None:
        return earlier
    group.records.append(record)
    return Submitted(record.calculation_id, True, digest)


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
        deliver(group, change.id, change.tenant, row[0], change.to, change.at)
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
            deliver(group, execution_id, tenant, changed.webhook, changed.state, at)
        return changed
    row = group.execute(
        f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE id = ? AND tenant = ?",  # noqa: S608
        (execution_id, tenant),
    ).fetchone()
    return None if row is None else execution_row(row)


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


def _agents(new: NewExecution) -> str:
    return f"|{'|'.join(new.agents)}|"
