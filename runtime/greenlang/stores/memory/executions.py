"""Executions as they stand, with their events, in every order that workers and lists ask for."""

from __future__ import annotations

__all__ = ["Executions"]

import heapq
import itertools
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec.structs import astuple, replace

from greenlang.errors import StoreError
from greenlang.stores.cursors import cursor_after, place_of
from greenlang.stores.entries import DEADLINE_PASSED, LEASE_LAPSED, event_of, rank, submitted_states
from greenlang.stores.memory.deliveries import Deliveries
from greenlang.stores.memory.events import EventLog, Line
from greenlang.stores.memory.keys import IdempotencyKeys
from greenlang.stores.memory.orders import Order, enter, leave, up_to
from greenlang.stores.protocol import (
    FINAL_STATES,
    Change,
    Event,
    EventMetadata,
    ExecutionFilter,
    ExecutionRow,
    NewEvent,
    NewExecution,
    NewRecord,
    Page,
    State,
    Submitted,
)


class Executions:
    """Everything that is kept of executions.

    A row is replaced where it changes, and leaves the orders that it stood in for those of its new state.
    """

    def __init__(self, keys: IdempotencyKeys, deliveries: Deliveries) -> None:
        self.counts: dict[State, int] = dict.fromkeys(State, 0)
        self._keys = keys
        self._deliveries = deliveries
        self._rows: dict[str, ExecutionRow] = {}
        self._events = EventLog()
        #: Each tenant's, by when they were made.
        self._of_tenant: defaultdict[str, Order[str]] = defaultdict(list)
        #: Each tenant's, by rank.
        self._queued: defaultdict[str, Order[str]] = defaultdict(list)
        #: By when their retry is due.
        self._pending: Order[str] = []
        #: Of those that wait, by when they time out.
        self._deadlines: Order[str] = []
        #: How long the lease of each is that runs; no more run than workers have places.
        self._running: dict[str, int] = {}

    def accepted(self, new: NewExecution) -> Submitted | None:
        """What its idempotency key stands for already; None if it is to be accepted.

        Raises
        ------
        StoreError
            If there is one of its id.
        """
        earlier = self._keys.earlier(new.tenant, new.idempotency_key)
        if earlier is None and new.id in self._rows:
            raise StoreError(f"the store could not be written: execution '{new.id}' is there already")
        return earlier

    def submit(self, new: NewExecution, state: State) -> Submitted:
        earlier = self.accepted(new)
        if earlier is not None:
            return earlier
        submitted = self._accept(new, _row(new, state))
        for one in submitted_states(state):
            self._tell(new.id, new.tenant, NewEvent(one), new.created_at)
        return submitted

    def finish(self, new: NewExecution, result: bytes, record: NewRecord | None) -> Submitted:
        """Accept one that has run to its end already, if `accepted` says that it is to be."""
        at = new.created_at if record is None else record.created_at
        row = _row(
            new,
            State.COMPLETED,
            started_at=new.created_at,
            finished_at=at,
            attempt=1,
            token=1,
            result=result,
            calculation_id=None if record is None else record.calculation_id,
        )
        submitted = self._accept(new, row)
        self._events.complete(new.id, new.tenant, new.created_at, at)
        self._deliveries.add(row, at)
        return submitted

    def claim(
        self, worker: str, limit: int, now: int, lease: int, most: Callable[[str], int] | None
    ) -> tuple[ExecutionRow, ...]:
        self._recover(now)
        for late in up_to(self._deadlines, now):
            ended = {"state": State.TIMEOUT, "finished_at": now, "error": DEADLINE_PASSED}
            self._move(replace(self._rows[late], **ended), NewEvent(State.TIMEOUT, DEADLINE_PASSED), now)
        for ripe in up_to(self._pending, now):
            self._move(replace(self._rows[ripe], state=State.QUEUED), NewEvent(State.QUEUED), now)
        return tuple(self._start(one, worker, now, lease) for one in self._first(limit, most))

    def extend_leases(self, worker: str, execution_ids: Sequence[str], now: int, lease: int) -> None:
        for one in self._running.keys() & execution_ids:
            row = self._rows[one]
            if row.worker == worker:
                self._running[one] = lease
                self._rows[one] = replace(row, lease_until=now + lease)

    def fits(self, change: Change) -> bool:
        """Whether the execution stands where a change expects it."""
        row = self.execution(change.tenant, change.id)
        return (
            row is not None
            and row.state in change.expected
            and (change.token is None or change.token == row.token)
        )

    def change(self, change: Change) -> bool:
        """Change an execution, if `fits` says so."""
        row = self._rows[change.id]
        final = change.to in FINAL_STATES
        handed_back = row.state is State.RUNNING and change.to is State.QUEUED
        changed = replace(
            row,
            state=change.to,
            finished_at=change.at if final else None,
            result=row.result if change.result is None else change.result,
            error=change.error,
            calculation_id=row.calculation_id if change.record is None else change.record.calculation_id,
            available_at=row.available_at if change.available_at is None else change.available_at,
            attempt=0 if change.reset_attempts else row.attempt - handed_back,
            worker=None,
            lease_until=None,
            cancel_requested=row.cancel_requested and final,
        )
        self._move(changed, change.event, change.at)
        return True

    def request_cancel(
        self, tenant: str, execution_id: str, at: int, metadata: EventMetadata | None
    ) -> ExecutionRow | None:
        row = self.execution(tenant, execution_id)
        if row is None or row.state in FINAL_STATES:
            return row
        if row.state is State.RUNNING:
            row = replace(row, cancel_requested=True)
            self._move(row, NewEvent("cancel_requested", metadata=metadata), at)
        else:
            row = replace(row, cancel_requested=True, state=State.CANCELLED, finished_at=at)
            self._move(row, NewEvent(State.CANCELLED, metadata=metadata), at)
        return row

    def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        row = self._rows.get(execution_id)
        return None if row is None or row.tenant != tenant else row

    def cancelled_of(self, worker: str) -> tuple[str, ...]:
        rows = map(self._rows.__getitem__, self._running)
        return tuple(row.id for row in rows if row.worker == worker and row.cancel_requested)

    def page(self, tenant: str, wanted: ExecutionFilter, limit: int, cursor: str | None) -> Page:
        behind = None if cursor is None else place_of(cursor)
        order = self._of_tenant.get(tenant, [])
        first = 0 if wanted.created_from is None else bisect_left(order, (wanted.created_from,))
        end = len(order) if behind is None else bisect_left(order, behind)
        if wanted.created_before is not None:
            end = min(end, bisect_left(order, (wanted.created_before,)))
        found: list[ExecutionRow] = []
        for place in range(end - 1, first - 1, -1):
            row = self._rows[order[place][1]]
            if not _is_wanted(row, wanted):
                continue
            if len(found) == limit:
                return Page(tuple(found), cursor_after(found[-1]))
            found.append(row)
        return Page(tuple(found), None)

    def events(
        self, tenant: str, aggregate_type: str, aggregate_id: str, after: int, limit: int
    ) -> tuple[Event, ...]:
        if aggregate_type == "execution" and self.execution(tenant, aggregate_id) is None:
            return ()
        lines = self._events.of_aggregate(aggregate_type, aggregate_id, tenant, after, limit)
        return tuple(map(self._event, lines))

    def log(self, after: int, limit: int) -> tuple[Event, ...]:
        return tuple(map(self._event, self._events.of_everybody(after, limit)))

    def append_event(
        self, tenant: str, aggregate_type: str, aggregate_id: str, event: NewEvent, at: int
    ) -> None:
        if aggregate_type != "execution" or self.execution(tenant, aggregate_id) is not None:
            self._events.append(aggregate_type, aggregate_id, tenant, event, at)

    def stored_bytes(self, tenant: str) -> int:
        """How many bytes a tenant's requests and results have."""
        rows = (self._rows[execution_id] for _, execution_id in self._of_tenant.get(tenant, ()))
        return sum(len(row.request) + len(row.result or b"") for row in rows)

    def purge(self, before: int) -> set[str]:
        """Delete what ended before a time, with all that belongs to it but keys, and give the ids."""
        ended = {row.id: row for row in self._rows.values() if _is_over(row, before)}
        for execution_id, row in ended.items():
            del self._rows[execution_id]
            self.counts[row.state] -= 1
            self._deliveries.forget(execution_id)
        self._events.forget(ended)
        for tenant in {row.tenant for row in ended.values()}:
            left = [place for place in self._of_tenant[tenant] if place[1] not in ended]
            self._of_tenant[tenant] = left
            if not left:
                del self._of_tenant[tenant]
                self._queued.pop(tenant, None)
        return set(ended)

    def _accept(self, new: NewExecution, row: ExecutionRow) -> Submitted:
        self._keys.hold(new.tenant, new.idempotency_key, new.id, new.request_digest)
        enter(self._of_tenant[new.tenant], (new.created_at, new.id))
        self._stand(row)
        return Submitted(new.id, True, new.request_digest)

    def _recover(self, now: int) -> None:
        """Offer again what a worker holds whose lease ran out, or lies further ahead than it is long.

        The second is how a lease looks after the clock was set back.
        """
        for row, lease in [(self._rows[one], lease) for one, lease in self._running.items()]:
            if row.lease_until is None or now < row.lease_until <= now + 2 * lease:
                continue
            if row.cancel_requested:
                state = State.CANCELLED
            else:
                state = State.DEAD_LETTER if row.attempt >= row.max_attempts else State.QUEUED
            finished_at = now if state in FINAL_STATES else None
            offered = {"state": state, "finished_at": finished_at, "worker": None, "lease_until": None}
            self._move(replace(row, error=LEASE_LAPSED, **offered), NewEvent(state, LEASE_LAPSED), now)

    def _first(self, limit: int, most: Callable[[str], int] | None) -> list[str]:
        """Who is to run next, the first in rank first."""
        queues = list(self._queued.values())
        if most is not None:
            running = Counter(self._rows[one].tenant for one in self._running)
            queues = [
                queue[: max(0, most(tenant) - running[tenant])] for tenant, queue in self._queued.items()
            ]
        return [one for _, one in itertools.islice(heapq.merge(*queues), limit)]

    def _start(self, execution_id: str, worker: str, now: int, lease: int) -> ExecutionRow:
        row = self._rows[execution_id]
        started = replace(
            row,
            state=State.RUNNING,
            token=row.token + 1,
            attempt=row.attempt + 1,
            worker=worker,
            lease_until=now + lease,
            started_at=now if row.started_at is None else row.started_at,
        )
        payload = msgspec.json.encode({"worker": worker, "attempt": started.attempt})
        self._move(started, NewEvent(State.RUNNING, payload), now)
        self._running[execution_id] = lease
        return started

    def _move(self, row: ExecutionRow, event: NewEvent, at: int) -> None:
        """Keep a row that changed and the event that tells of it; one that ended makes its delivery."""
        before = self._rows[row.id]
        self.counts[before.state] -= 1
        lease = self._running.pop(row.id, 0)
        for order, place in self._places(before):
            leave(order, place)
        self._stand(row, lease)
        self._tell(row.id, row.tenant, event, at)
        if row.state in FINAL_STATES:
            self._deliveries.add(row, at)

    def _stand(self, row: ExecutionRow, lease: int = 0) -> None:
        """Keep a row, in every order that its state puts it in."""
        self._rows[row.id] = row
        self.counts[row.state] += 1
        if row.state is State.RUNNING:
            self._running[row.id] = lease
        for order, place in self._places(row):
            enter(order, place)

    def _places(self, row: ExecutionRow) -> Iterator[tuple[Order[str], tuple[int, str]]]:
        """Where a row waits: until it is claimed or its retry is due, and until it times out."""
        if row.state is State.QUEUED:
            yield self._queued[row.tenant], (rank(row), row.id)
        elif row.state is State.PENDING:
            yield self._pending, (row.available_at, row.id)
        else:
            return
        if row.deadline_at is not None:
            yield self._deadlines, (row.deadline_at, row.id)

    def _tell(self, execution_id: str, tenant: str, event: NewEvent, at: int) -> None:
        self._events.append("execution", execution_id, tenant, event, at)

    def _event(self, line: Line) -> Event:
        if line.metadata is None and line.aggregate_type == "execution":
            line = replace(line, metadata=self._rows[line.aggregate_id].metadata)
        return event_of(*astuple(line))


def _row(
    new: NewExecution,
    state: State,
    *,
    started_at: int | None = None,
    finished_at: int | None = None,
    attempt: int = 0,
    token: int = 0,
    result: bytes | None = None,
    calculation_id: str | None = None,
) -> ExecutionRow:
    """How an execution stands that is accepted in `state`."""
    return ExecutionRow(
        id=new.id,
        tenant=new.tenant,
        state=state,
        priority=new.priority,
        plan_hash=new.plan_hash,
        agents=new.agents,
        request=new.request,
        created_at=new.created_at,
        available_at=new.created_at,
        started_at=started_at,
        finished_at=finished_at,
        deadline_at=new.deadline_at,
        attempt=attempt,
        max_attempts=new.max_attempts,
        token=token,
        worker=None,
        lease_until=None,
        cancel_requested=False,
        result=result,
        error=None,
        calculation_id=calculation_id,
        webhook=new.webhook,
        metadata=new.metadata,
    )


def _is_wanted(row: ExecutionRow, wanted: ExecutionFilter) -> bool:
    """Whether a row is of the states and the agent wanted; one without version stands for all of them."""
    if wanted.states and row.state not in wanted.states:
        return False
    if wanted.agent is None:
        return True
    if "@" in wanted.agent:
        return wanted.agent in row.agents
    return any(agent.startswith(f"{wanted.agent}@") for agent in row.agents)


def _is_over(row: ExecutionRow, before: int) -> bool:
    """Whether nobody will ask for it; a dead letter stays until somebody has looked at it."""
    return row.finished_at is not None and row.finished_at < before and row.state is not State.DEAD_LETTER
