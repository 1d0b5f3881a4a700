"""Group commit: what was asked for during one transaction goes into the next, and into one link of the chain.

If a group fails, each of its operations is tried by itself, so that only the one at fault is told so.  Not
so where the connection was lost: no operation is at fault, and if it was lost while the group was committed,
what was done may not be done again.
"""

from __future__ import annotations

__all__ = ["Group", "GroupWriter", "Operation"]

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from greenlang.errors import StoreError
from greenlang.stores.postgresql.database import LEDGER_LOCK, LOSSES, Connection, lost, transaction
from greenlang.stores.postgresql.sessions import as_tenant, as_worker
from greenlang.stores.protocol import NewRecord, Seal

T = TypeVar("T")

#: Operations in one transaction; more wait for the next, so that no answer waits for ever.
_GROUP_SIZE = 256

#: Stands for all tenants; no string, since a tenant may have any name.
_EVERYBODY = object()


class _ConnectionLost(Exception):
    """The connection of a group was lost, as its cause says."""

    def __init__(self, committing: bool) -> None:
        super().__init__()
        #: Whether COMMIT was sent, or was about to be.
        self.committing = committing


class Group:
    """One transaction being written: the connection, and the records that its link will cover."""

    __slots__ = ("_as", "connection", "records")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.records: list[NewRecord] = []
        self._as: object = None

    async def as_tenant(self, tenant: str) -> Connection:
        """The connection, which sees one tenant's rows from now on."""
        if self._as != tenant:
            await as_tenant(self.connection, tenant)
            self._as = tenant
        return self.connection

    async def as_worker(self) -> Connection:
        """The connection, which sees everybody's rows from now on."""
        if self._as is not _EVERYBODY:
            await as_worker(self.connection)
            self._as = _EVERYBODY
        return self.connection


Operation = Callable[[Group], Awaitable[Any]]


class GroupWriter:
    """Runs operations in groups, one transaction at a time.

    Parameters
    ----------
    seal : callable
        Links the records of a group to the chain.
    """

    def __init__(self, pool: asyncpg.Pool, seal: Seal) -> None:
        self._pool = pool
        self._seal = seal
        self._waiting: deque[tuple[Operation, asyncio.Future[Any]]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    def run(self, operation: Callable[[Group], Awaitable[T]]) -> asyncio.Future[T]:
        """Have `operation` run in the next group; the future is done when that is committed.

        An operation may be run twice, if its group failed: it must do nothing but use the group.
        """
        if self._closed:
            raise StoreError("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return future

    async def close(self) -> None:
        """Commit what waits."""
        self._closed = True
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), _GROUP_SIZE)
                group = [self._waiting.popleft() for _ in range(count)]
                outcomes = await self._commit([operation for operation, _ in group])
                for (_, future), outcome in zip(group, outcomes, strict=True):
                    if future.done():  # nobody waits any more
                        continue
                    if isinstance(outcome, Exception):
                        future.set_exception(outcome)
                    else:
                        future.set_result(outcome)
        finally:
            self._writing = None

    async def _commit(self, operations: list[Operation]) -> list[Any]:
        """What each operation gave, or the exception that stands for it."""
        try:
            return await self._transact(operations)
        except Exception as error:
            if len(operations) == 1 or isinstance(error, _ConnectionLost):
                return [_told(error) for _ in operations]
        outcomes: list[Any] = []
        for operation in operations:
            try:
                outcomes += await self._transact([operation])
            except Exception as error:
                outcomes.append(_told(error))
        return outcomes

    async def _transact(self, operations: list[Operation]) -> list[Any]:
        committing = False
        try:
            async with transaction(self._pool) as connection:
                group = Group(connection)
                results = [await operation(group) for operation in operations]
                if group.records:
                    await _link(group, self._seal)
                committing = True
        except LOSSES as error:
            raise _ConnectionLost(committing) from error
        return results


async def _link(group: Group, seal: Seal) -> None:
    """Add the group's link to the chain, and its records under it; one transaction at a time does."""
    connection = await group.as_worker()
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LEDGER_LOCK)
    last = await connection.fetchrow("SELECT number, chain_hash FROM commits ORDER BY number DESC LIMIT 1")
    number, previous = (1, None) if last is None else (last["number"] + 1, last["chain_hash"])
    leaves = [record.leaf for record in group.records]
    sealed = seal(leaves, previous)
    await connection.execute(
        "INSERT INTO commits (number, chain_hash, head, leaves) VALUES ($1, $2, $3, $4)",
        number,
        sealed.chain_hash,
        sealed.head,
        b"".join(leaves),
    )
    await connection.executemany(
        "INSERT INTO calculations (calculation_id, tenant, created_at, commit_number, position, record,"
        " evidence) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (
                record.calculation_id,
                record.tenant,
                record.created_at,
                number,
                position,
                record.record,
                record.evidence,
            )
            for position, record in enumerate(group.records)
        ],
    )


def _told(error: Exception) -> Exception:
    """What each operation is told: an exception of its own, for each has another reader."""
    if isinstance(error, _ConnectionLost):
        told = lost(error.__cause__, uncertain=error.committing)
        told.__cause__ = error.__cause__
        return told
    if isinstance(error, asyncpg.PostgresError):
        told = StoreError(f"the store could not be written: {error}")
        told.__cause__ = error
        return told
    return error
