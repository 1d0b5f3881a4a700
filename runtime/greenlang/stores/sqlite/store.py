"""The embedded store: one SQLite file, which several processes of one machine may share."""

from __future__ import annotations

__all__ = ["SqliteStore"]

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from greenlang.errors import StoreError
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
from greenlang.stores.sqlite import claiming, reading, telling, writing
from greenlang.stores.sqlite.database import REFUSALS, open_database
from greenlang.stores.sqlite.rows import SqliteRows
from greenlang.stores.sqlite.writer import GroupWriter

T = TypeVar("T")


#: What a purge deletes in one transaction, so that others write in between.
_PORTION = 500


class SqliteStore(Store):
    """Keeps everything in one file.

    Parameters
    ----------
    path : str
        The database file; it is made if it does not exist.
    seal : callable
        Links committed records to the chain.

    Raises
    ------
    StoreError
        If the file cannot be opened or was written by a newer runtime.
    """

    def __init__(self, path: str, seal: Seal) -> None:
        self._path = path
        self._writer = GroupWriter(open_database(path), seal)
        self._reader = open_database(path)
        self._reading = ThreadPoolExecutor(1, "greenlang-store-reader")
        self._closed = False
        self.rows = SqliteRows(self._writer, self._read)

    async def submit(self, new: NewExecution, *, state: State = State.QUEUED) -> Submitted:
        return await self._writer.run(lambda group: writing.submit(group, new, state))

    async def submit_finished(
        self, new: NewExecution, *, result: bytes, record: NewRecord | None
    ) -> Submitted:
        return await self._writer.run(lambda group: writing.submit_finished(group, new, result, record))

    async def add_calculation(
        self, record: NewRecord, *, idempotency_key: str | None = None, request_digest: str = ""
    ) -> Submitted:
        return await self._writer.run(
            lambda group: writing.add_calculation(group, record, idempotency_key, request_digest)
        )

    async def claim(
        self, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None = None
    ) -> tuple[ExecutionRow, ...]:
        return await self._writer.run(
            lambda group: claiming.claim(
                group, worker, limit=limit, now=now, lease=lease, per_tenant=per_tenant
            )
        )

    async def extend_leases(self, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
        await self._writer.run(
            lambda group: claiming.extend_leases(group, worker, execution_ids, now=now, lease=lease)
        )

    async def change(self, change: Change) -> bool:
        return await self._writer.run(lambda group: writing.change(group, change))

    async def request_cancel(
        self, tenant: str, execution_id: str, *, at: int, metadata: EventMetadata | None = None
    ) -> ExecutionRow | None:
        return await self._writer.run(
            lambda group: writing.request_cancel(group, tenant, execution_id, at, metadata)
        )

    async def append_event(
        self, tenant: str, aggregate_id: str, event: NewEvent, *, at: int, aggregate_type: str = "execution"
    ) -> None:
        await self._writer.run(
            lambda group: telling.append_event(group, aggregate_type, aggregate_id, tenant, event, at)
        )

    async def claim_sink(self, name: str, worker: str, *, now: int, lease: int) -> SinkState | None:
        return await self._writer.run(lambda group: claiming.claim_sink(group, name, worker, now, lease))

    async def settle_sink(
        self, name: str, worker: str, *, position: int, retry_at: int = 0, error: str | None = None
    ) -> bool:
        return await self._writer.run(
            lambda group: claiming.settle_sink(group, name, worker, position, retry_at, error)
        )

    async def claim_deliveries(self, *, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
        return await self._writer.run(lambda group: claiming.claim_deliveries(group, limit, now, lease))

    async def settle_delivery(
        self, delivery_id: int, *, state: str, next_at: int, status: int | None, error: str | None
    ) -> None:
        await self._writer.run(
            lambda group: claiming.settle_delivery(group, delivery_id, state, next_at, status, error)
        )

    async def purge(self, *, before: int) -> int:
        count = await self._purge(partial(writing.purge_executions, before=before))
        await self._purge(partial(writing.purge_keys, before=before))
        await self._purge(writing.give_back_pages)
        return count

    async def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        return await self._read(lambda reader: reading.execution(reader, tenant, execution_id))

    async def cancelled_of(self, worker: str) -> tuple[str, ...]:
        return await self._read(lambda reader: reading.cancelled_of(reader, worker))

    async def executions(
        self, tenant: str, wanted: ExecutionFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        return await self._read(lambda reader: reading.executions(reader, tenant, wanted, limit, cursor))

    async def events(
        self,
        tenant: str,
        aggregate_id: str,
        *,
        aggregate_type: str = "execution",
        after: int = 0,
        limit: int = 1000,
    ) -> tuple[Event, ...]:
        return await self._read(
            lambda reader: reading.events(reader, tenant, aggregate_type, aggregate_id, after, limit)
        )

    async def log(self, *, after: int, limit: int) -> tuple[Event, ...]:
        return await self._read(lambda reader: reading.log(reader, after, limit))

    async def sinks(self) -> tuple[SinkState, ...]:
        return await self._read(reading.sinks)

    async def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        return await self._read(lambda reader: reading.calculation(reader, tenant, calculation_id))

    async def commits(self) -> AsyncIterator[Link]:
        after = 0
        while found := await self._read(partial(reading.commits, after=after)):
            for link in found:
                yield link
            after = found[-1].number

    async def deliveries(self, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
        return await self._read(lambda reader: reading.deliveries(reader, tenant, execution_id))

    async def add_api_key(self, key: ApiKey) -> None:
        await self._writer.run(lambda group: writing.add_api_key(group, key))

    async def api_key(self, key_id: str) -> ApiKey | None:
        return await self._read(lambda reader: reading.api_key(reader, key_id))

    async def api_keys(self, tenant: str) -> tuple[ApiKey, ...]:
        return await self._read(lambda reader: reading.api_keys(reader, tenant))

    async def revoke_api_key(self, tenant: str, key_id: str, *, at: int) -> bool:
        return await self._writer.run(lambda group: writing.revoke_api_key(group, tenant, key_id, at))

    async def counts(self) -> dict[State, int]:
        return await self._read(reading.counts)

    async def backup(self, path: Path) -> None:
        if path.exists():
            raise StoreError(f"'{path}' exists already", fix="name a new file for the backup")
        await self._read(lambda reader: _copy(reader, path))

    async def close(self) -> None:
        await self._writer.close()
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._reading, self._reader.close)
            self._reading.shutdown()

    async def _purge(self, portion: Callable[..., int]) -> int:
        """Delete portion by portion, and say how many."""
        count = 0
        while gone := await self._writer.run(partial(portion, limit=_PORTION)):
            count += gone
        return count

    async def _read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreError("the store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, operation, self._reader)
        except REFUSALS as error:
            raise StoreError(f"the store '{self._path}' could not be read: {error}") from error


def _copy(reader: sqlite3.Connection, path: Path) -> None:
    """Copy to a file that has its name once it is whole."""
    part = path.with_name(f"{path.name}.part")
    try:
        with closing(sqlite3.connect(part)) as target:
            reader.backup(target)
        part.rename(path)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"'{path}' was not written: {error}", fix="see that its folder is there and has room"
        ) from error
