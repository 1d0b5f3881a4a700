"""The store in memory: what its protocol promises but to outlive the process."""

from __future__ import annotations

__all__ = ["MemoryStore"]

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from greenlang.errors import StoreError
from greenlang.stores.memory.chain import Chain
from greenlang.stores.memory.deliveries import Deliveries
from greenlang.stores.memory.executions import Executions
from greenlang.stores.memory.keys import IdempotencyKeys
from greenlang.stores.memory.rows import MemoryRows
from greenlang.stores.memory.sinks import Sinks
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


class MemoryStore(Store):
    """Keeps everything as Python objects of one process; nothing is deleted but by `purge`.

    What may add to the ledger is written at the end of the turn of the event loop that asked for it, all
    else at once.

    Parameters
    ----------
    seal : callable
        Links committed records to the chain.
    """

    def __init__(self, seal: Seal) -> None:
        self._keys = IdempotencyKeys()
        self._deliveries = Deliveries()
        self._executions = Executions(self._keys, self._deliveries)
        self._chain = Chain(seal)
        self._sinks = Sinks()
        self._api_keys: dict[str, ApiKey] = {}
        self.rows = MemoryRows(self._executions.append_event, self._stored_bytes)

    async def submit(self, new: NewExecution, *, state: State = State.QUEUED) -> Submitted:
        return self._executions.submit(new, state)

    async def submit_finished(
        self, new: NewExecution, *, result: bytes, record: NewRecord | None
    ) -> Submitted:
        return await self._chain.write(
            (new.id, *_name(new.tenant, new.idempotency_key)),
            record,
            partial(self._executions.accepted, new),
            partial(self._executions.finish, new, result, record),
        )

    async def add_calculation(
        self, record: NewRecord, *, idempotency_key: str | None = None, request_digest: str = ""
    ) -> Submitted:
        added = Submitted(record.calculation_id, True, request_digest)

        def hold() -> Submitted:
            self._keys.hold(record.tenant, idempotency_key, record.calculation_id, request_digest)
            return added

        return await self._chain.write(
            _name(record.tenant, idempotency_key),
            record,
            partial(self._keys.earlier, record.tenant, idempotency_key),
            hold,
        )

    async def claim(
        self, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None = None
    ) -> tuple[ExecutionRow, ...]:
        most = None if per_tenant is None else partial(self.rows.concurrent_executions, otherwise=per_tenant)
        return self._executions.claim(worker, limit, now, lease, most)

    async def extend_leases(self, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
        self._executions.extend_leases(worker, execution_ids, now, lease)

    async def change(self, change: Change) -> bool:
        return await self._chain.write(
            (change.id,),
            change.record,
            lambda: None if self._executions.fits(change) else False,
            partial(self._executions.change, change),
        )

    async def request_cancel(
        self, tenant: str, execution_id: str, *, at: int, metadata: EventMetadata | None = None
    ) -> ExecutionRow | None:
        return self._executions.request_cancel(tenant, execution_id, at, metadata)

    async def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        return self._executions.execution(tenant, execution_id)

    async def cancelled_of(self, worker: str) -> tuple[str, ...]:
        return self._executions.cancelled_of(worker)

    async def executions(
        self, tenant: str, wanted: ExecutionFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        return self._executions.page(tenant, wanted, limit, cursor)

    async def events(
        self,
        tenant: str,
        aggregate_id: str,
        *,
        aggregate_type: str = "execution",
        after: int = 0,
        limit: int = 1000,
    ) -> tuple[Event, ...]:
        return self._executions.events(tenant, aggregate_type, aggregate_id, after, limit)

    async def append_event(
        self, tenant: str, aggregate_id: str, event: NewEvent, *, at: int, aggregate_type: str = "execution"
    ) -> None:
        self._executions.append_event(tenant, aggregate_type, aggregate_id, event, at)

    async def log(self, *, after: int, limit: int) -> tuple[Event, ...]:
        return self._executions.log(after, limit)

    async def claim_sink(self, name: str, worker: str, *, now: int, lease: int) -> SinkState | None:
        return self._sinks.claim(name, worker, now, lease)

    async def settle_sink(
        self, name: str, worker: str, *, position: int, retry_at: int = 0, error: str | None = None
    ) -> bool:
        return self._sinks.settle(name, worker, position, retry_at, error)

    async def sinks(self) -> tuple[SinkState, ...]:
        return self._sinks.all()

    async def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        return self._chain.calculation(tenant, calculation_id)

    async def commits(self) -> AsyncIterator[Link]:
        number = 0
        while link := self._chain.link_after(number):
            yield link
            number = link.number

    async def claim_deliveries(self, *, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
        return self._deliveries.claim(limit, now, lease)

    async def settle_delivery(
        self, delivery_id: int, *, state: str, next_at: int, status: int | None, error: str | None
    ) -> None:
        self._deliveries.settle(delivery_id, state, next_at, status, error)

    async def deliveries(self, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
        return self._deliveries.of_execution(tenant, execution_id)

    async def add_api_key(self, key: ApiKey) -> None:
        if key.id in self._api_keys:
            raise StoreError(f"the store could not be written: API key '{key.id}' is there already")
        self._api_keys[key.id] = key

    async def api_key(self, key_id: str) -> ApiKey | None:
        return self._api_keys.get(key_id)

    async def api_keys(self, tenant: str) -> tuple[ApiKey, ...]:
        found = (key for key in self._api_keys.values() if key.tenant == tenant)
        return tuple(sorted(found, key=lambda key: (-key.created_at, key.id)))

    async def revoke_api_key(self, tenant: str, key_id: str, *, at: int) -> bool:
        key = self._api_keys.get(key_id)
        if key is None or key.tenant != tenant or key.revoked_at is not None:
            return False
        self._api_keys[key_id] = replace(key, revoked_at=at)
        return True

    async def counts(self) -> dict[State, int]:
        return dict(self._executions.counts)

    async def purge(self, *, before: int) -> int:
        ended = self._executions.purge(before)
        # Keys of calculations, which stay, go by their age.
        self._keys.drop(lambda holder: holder in ended or self._chain.is_older(holder, before))
        return len(ended)

    async def backup(self, path: Path) -> None:
        raise StoreError(
            f"'{path}' was not written: a store in memory is kept in no file", fix="use sqlite:PATH"
        )

    async def close(self) -> None:
        self._chain.commit()

    def _stored_bytes(self, tenant: str) -> int:
        return self._executions.stored_bytes(tenant) + self._chain.stored_bytes(tenant)


def _name(tenant: str, key: str | None) -> tuple[tuple[str, str], ...]:
    """What a write touches by its idempotency key."""
    return () if key is None else ((tenant, key),)
