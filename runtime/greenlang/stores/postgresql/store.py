"""The store of many nodes: one PostgreSQL database, which all of them share."""

from __future__ import annotations

__all__ = ["PostgresqlStore"]

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from greenlang.errors import GreenLangError, StoreError
from greenlang.stores.guarded import is_strange
from greenlang.stores.postgresql import claiming, reading, writing
from greenlang.stores.postgresql.database import (
    LOSSES,
    Connection,
    bring_up_to_date,
    connect,
    lost,
    read_address,
    transaction,
)
from greenlang.stores.postgresql.log import SettledLog
from greenlang.stores.postgresql.partitions import keep_partitions
from greenlang.stores.postgresql.rows import PostgresqlRows
from greenlang.stores.postgresql.sessions import as_tenant, as_worker
from greenlang.stores.postgresql.writer import GroupWriter
from greenlang.stores.protocol import (
    ApiKey,
    Calculation,
    Change,
    Delivery,
    Event,
    EventMetadata,
    ExecutionFilter,
    ExecutionRow,
    Link,
    NewEvent,
    NewExecution,
    NewRecord,
    Page,
    Seal,
    SinkState,
    State,
    Store,
    Submitted,
)

#: One writes, the others read.
_CONNECTIONS = 8

_PARTITION_SECONDS = 86_400.0

#: What a purge deletes in one transaction, so that others write in between.
_PORTION = 500

#: A server that falls silent does not hold up whoever ends.
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Opened:
    pool: asyncpg.Pool
    writer: GroupWriter


class PostgresqlStore(Store):
    """Keeps everything in one database; connections and schema are made when it is first used.

    Parameters
    ----------
    url : str
        `postgresql://user:password@host:port/database`; the user owns the schema, or may create it.
    seal : callable
        Links committed records to the chain.

    Raises
    ------
    InputError
        If the URL cannot be read.
    """

    def __init__(self, url: str, seal: Seal) -> None:
        self._address = read_address(url)
        self._seal = seal
        self._log = SettledLog()
        self.rows = PostgresqlRows(self._transaction)
        self._opening: asyncio.Task[_Opened] | None = None
        self._partitions: asyncio.Task[None] | None = None

    async def submit(self, new: NewExecution, *, state: State = State.QUEUED) -> Submitted:
        writer = await self._writer()
        return await writer.run(lambda group: writing.submit(group, new, state))

    async def submit_finished(
        self, new: NewExecution, *, result: bytes, record: NewRecord | None
    ) -> Submitted:
        writer = await self._writer()
        return await writer.run(lambda group: writing.submit_finished(group, new, result, record))

    async def add_calculation(
        self, record: NewRecord, *, idempotency_key: str | None = None, request_digest: str = ""
    ) -> Submitted:
        writer = await self._writer()
        return await writer.run(
            lambda group: writing.add_calculation(group, record, idempotency_key, request_digest)
        )

    async def claim(
        self, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None = None
    ) -> tuple[ExecutionRow, ...]:
        writer = await self._writer()
        return await writer.run(
            lambda group: claiming.claim(
                group, worker, limit=limit, now=now, lease=lease, per_tenant=per_tenant
            )
        )

    async def extend_leases(self, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
        writer = await self._writer()
        await writer.run(
            lambda group: claiming.extend_leases(group, worker, execution_ids, now=now, lease=lease)
        )

    async def change(self, change: Change) -> bool:
        if is_strange(change.tenant, change.id):
            return False
        writer = await self._writer()
        return await writer.run(lambda group: writing.change(group, change))

    async def request_cancel(
        self, tenant: str, execution_id: str, *, at: int, metadata: EventMetadata | None = None
    ) -> ExecutionRow | None:
        if is_strange(tenant, execution_id):
            return None
        writer = await self._writer()
        return await writer.run(
            lambda group: writing.request_cancel(group, tenant, execution_id, at, metadata)
        )

    async def append_event(
        self, tenant: str, aggregate_id: str, event: NewEvent, *, at: int, aggregate_type: str = "execution"
    ) -> None:
        writer = await self._writer()
        await writer.run(
            lambda group: writing.append_in_line(group, aggregate_type, aggregate_id, tenant, event, at)
        )

    async def claim_sink(self, name: str, worker: str, *, now: int, lease: int) -> SinkState | None:
        writer = await self._writer()
        return await writer.run(lambda group: claiming.claim_sink(group, name, worker, now, lease))

    async def settle_sink(
        self, name: str, worker: str, *, position: int, retry_at: int = 0, error: str | None = None
    ) -> bool:
        writer = await self._writer()
        return await writer.run(
            lambda group: claiming.settle_sink(group, name, worker, position, retry_at, error)
        )

    async def claim_deliveries(self, *, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
        writer = await self._writer()
        return await writer.run(lambda group: claiming.claim_deliveries(group, limit, now, lease))

    async def settle_delivery(
        self, delivery_id: int, *, state: str, next_at: int, status: int | None, error: str | None
    ) -> None:
        writer = await self._writer()
        await writer.run(
            lambda group: claiming.settle_delivery(group, delivery_id, state, next_at, status, error)
        )

    async def purge(self, *, before: int) -> int:
        count = await self._purge(partial(writing.purge_executions, before=before))
        await self._purge(partial(writing.purge_keys, before=before))
        return count

    async def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        if is_strange(tenant, execution_id):
            return None
        async with self._seeing(tenant) as connection:
            return await reading.execution(connection, tenant, execution_id)

    async def cancelled_of(self, worker: str) -> tuple[str, ...]:
        if is_strange(worker):
            return ()
        async with self._seeing_all() as connection:
            return await reading.cancelled_of(connection, worker)

    async def executions(
        self, tenant: str, wanted: ExecutionFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        if is_strange(tenant, wanted.agent or ""):
            return Page((), None)
        async with self._seeing(tenant) as connection:
            return await reading.executions(connection, tenant, wanted, limit, cursor)

    async def events(
        self,
        tenant: str,
        aggregate_id: str,
        *,
        aggregate_type: str = "execution",
        after: int = 0,
        limit: int = 1000,
    ) -> tuple[Event, ...]:
        if is_strange(tenant, aggregate_id):
            return ()
        async with self._seeing(tenant) as connection:
            return await reading.events(connection, tenant, aggregate_type, aggregate_id, after, limit)

    async def log(self, *, after: int, limit: int) -> tuple[Event, ...]:
        async with self._seeing_all() as connection:
            return await self._log.read(connection, after, limit)

    async def sinks(self) -> tuple[SinkState, ...]:
        async with self._seeing_all() as connection:
            return await reading.sinks(connection)

    async def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        if is_strange(tenant, calculation_id):
            return None
        async with self._seeing(tenant) as connection:
            return await reading.calculation(connection, tenant, calculation_id)

    async def commits(self) -> AsyncIterator[Link]:
        after = 0
        while True:
            async with self._seeing_all() as connection:
                found = await reading.commits(connection, after)
            if not found:
                return
            for link in found:
                yield link
            after = found[-1].number

    async def deliveries(self, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
        if is_strange(tenant, execution_id):
            return ()
        async with self._seeing(tenant) as connection:
            return await reading.deliveries(connection, tenant, execution_id)

    async def add_api_key(self, key: ApiKey) -> None:
        writer = await self._writer()
        await writer.run(lambda group: writing.add_api_key(group, key))

    async def api_key(self, key_id: str) -> ApiKey | None:
        if is_strange(key_id):
            return None
        async with self._seeing_all() as connection:
            return await reading.api_key(connection, key_id)

    async def api_keys(self, tenant: str) -> tuple[ApiKey, ...]:
        if is_strange(tenant):
            return ()
        async with self._seeing(tenant) as connection:
            return await reading.api_keys(connection, tenant)

    async def revoke_api_key(self, tenant: str, key_id: str, *, at: int) -> bool:
        if is_strange(tenant, key_id):
            return False
        writer = await self._writer()
        return await writer.run(lambda group: writing.revoke_api_key(group, tenant, key_id, at))

    async def counts(self) -> dict[State, int]:
        async with self._seeing_all() as connection:
            return await reading.counts(connection)

    async def backup(self, path: Path) -> None:
        raise StoreError(
            f"'{path}' was not written: PostgreSQL has tools of its own for backups", fix="use pg_dump"
        )

    async def close(self) -> None:
        if self._partitions is not None:
            self._partitions.cancel()
            await asyncio.gather(self._partitions, return_exceptions=True)
        if self._opening is not None:
            with contextlib.suppress(GreenLangError):
                opened = await self._opening
                await opened.writer.close()
                try:
                    await asyncio.wait_for(opened.pool.close(), _CLOSE_SECONDS)
                except TimeoutError:
                    opened.pool.terminate()

    async def _purge(self, portion: Callable[..., Awaitable[int]]) -> int:
        """Delete portion by portion, and say how many."""
        writer, count = await self._writer(), 0
        while gone := await writer.run(partial(portion, limit=_PORTION)):
            count += gone
        return count

    @contextlib.asynccontextmanager
    async def _seeing(self, tenant: str) -> AsyncIterator[Connection]:
        async with self._reading() as connection:
            await as_tenant(connection, tenant)
            yield connection

    @contextlib.asynccontextmanager
    async def _seeing_all(self) -> AsyncIterator[Connection]:
        async with self._reading() as connection:
            await as_worker(connection)
            yield connection

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        opened = await self._open()
        try:
            async with transaction(opened.pool, readonly=True) as connection:
                yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise StoreError(
                f"the store could not be read: {str(error) or 'no answer came in time'}"
            ) from error

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        opened = await self._open()
        committing = False
        try:
            async with transaction(opened.pool) as connection:
                yield connection
                committing = True
        except LOSSES as error:
            raise lost(error, uncertain=committing) from error
        except asyncpg.PostgresError as error:
            raise StoreError(f"the store could not be written: {error}") from error

    async def _writer(self) -> GroupWriter:
        return (await self._open()).writer

    async def _open(self) -> _Opened:
        opening = self._opening
        if opening is None:
            opening = self._opening = asyncio.create_task(self._connect())
        try:
            return await asyncio.shield(opening)
        except GreenLangError:
            # The next call tries again, unless one that heard of it before does already.
            if self._opening is opening:
                self._opening = None
            raise

    async def _connect(self) -> _Opened:
        pool = await connect(self._address, connections=_CONNECTIONS)
        try:
            await bring_up_to_date(self._address)
            async with pool.acquire() as connection:
                await keep_partitions(connection)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            await pool.close()
            raise StoreError(f"the store's schema could not be made: {error}") from error
        except StoreError:
            await pool.close()
            raise
        self._partitions = asyncio.create_task(_keep_partitions(pool))
        return _Opened(pool, GroupWriter(pool, self._seal))


async def _keep_partitions(pool: asyncpg.Pool) -> None:
    while True:
        await asyncio.sleep(_PARTITION_SECONDS)
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            async with pool.acquire() as connection:
                await keep_partitions(connection)
