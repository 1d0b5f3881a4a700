"""What a store keeps and what it promises, whichever database is behind it.

A store keeps executions, an append-only log of events, the ledger of calculation records, idempotency
keys and webhook deliveries.  Everything it answers to a write is committed durably before it answers.
Every execution is changed by compare-and-set on its state and its fencing token, so of several workers
that hold it, after a crash or a stalled clock, only the last to claim it can finish it.

Times are integers, microseconds since 1970 in UTC; documents are JSON as bytes, which a store does not
read.
"""

from __future__ import annotations

__all__ = [
    "FINAL_STATES",
    "ApiKey",
    "Calculation",
    "Change",
    "Delivery",
    "Event",
    "EventMetadata",
    "ExecutionFilter",
    "ExecutionRow",
    "Link",
    "NewEvent",
    "NewExecution",
    "NewRecord",
    "Page",
    "Seal",
    "Sealed",
    "SinkState",
    "State",
    "Store",
    "Submitted",
]

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from greenlang.stores.rows import Rows


class State(StrEnum):
    """Where an execution stands."""

    PENDING = "pending"  #: accepted, not yet offered to workers (its retry waits, or its queue is full)
    QUEUED = "queued"  #: any worker may claim it
    RUNNING = "running"  #: one worker holds it, under a lease
    COMPLETED = "completed"
    FAILED = "failed"  #: a mistake that no retry would mend
    TIMEOUT = "timeout"  #: its deadline passed
    CANCELLED = "cancelled"
    DEAD_LETTER = "dead_letter"  #: every attempt failed; it waits for somebody to look and to requeue it


#: No worker touches these again; only an operator's requeue leads out of them.
FINAL_STATES = frozenset({State.COMPLETED, State.FAILED, State.TIMEOUT, State.CANCELLED, State.DEAD_LETTER})


class EventMetadata(msgspec.Struct, frozen=True, gc=False):
    """Who made something happen, and in what connection."""

    #: The id of a key, or the subject of a token.
    user_id: str | None = None
    #: The same for everything that one request led to: its id.
    correlation_id: str | None = None
    #: The `event_id` of what it followed from.
    causation_id: str | None = None
    #: Where it was in a trace, as W3C Trace Context writes it; None where nothing was traced.
    traceparent: str | None = None


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """Something that happened to an aggregate, to be appended to the log."""

    #: Without the aggregate's type: `completed`, not `execution.completed`.
    type: str
    payload: bytes = b"{}"
    #: Of the payload's schema.
    version: int = 1
    #: None: as of the execution, if it is an execution's.
    metadata: EventMetadata | None = None


class NewRecord(msgspec.Struct, frozen=True, gc=False):
    """A calculation record to be committed to the ledger."""

    calculation_id: str
    tenant: str
    #: The record's JSON, without its link.
    record: bytes
    #: Its leaf hash, 32 bytes.
    leaf: bytes
    created_at: int
    #: What else proves it (input, plan, rows), as the engine writes it; empty if all is in the record.
    evidence: bytes = b""


class NewExecution(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An execution to be accepted."""

    id: str
    tenant: str
    #: 0 (P0, first) to 3.
    priority: int
    plan_hash: str
    agents: tuple[str, ...]
    #: Everything that a worker needs to run it, as the engine writes it.
    request: bytes
    created_at: int
    max_attempts: int
    deadline_at: int | None = None
    webhook: str | None = None
    idempotency_key: str | None = None
    #: Digest of the request, to tell a repeated one from another one under the same key.
    request_digest: str = ""
    #: Of all its events that have none of their own.
    metadata: EventMetadata | None = None


class Submitted(msgspec.Struct, frozen=True, gc=False):
    """What came of a submission: its own execution, or the one that its idempotency key stands for."""

    id: str
    fresh: bool
    #: Of the request that made the execution.
    request_digest: str


class ExecutionRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An execution as it stands."""

    id: str
    tenant: str
    state: State
    priority: int
    plan_hash: str
    agents: tuple[str, ...]
    request: bytes
    created_at: int
    #: Not claimed before this time: a retry's back-off.
    available_at: int
    started_at: int | None
    finished_at: int | None
    deadline_at: int | None
    attempt: int
    max_attempts: int
    #: Raised by every claim; who finishes an execution must hold the last.
    token: int
    worker: str | None
    lease_until: int | None
    cancel_requested: bool
    result: bytes | None
    error: bytes | None
    calculation_id: str | None
    webhook: str | None
    metadata: EventMetadata | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One compare-and-set of an execution, with the event that tells of it and the record that it proves.

    It happens wholly or, where the execution is not in `expected` or under another token, not at all.  What
    runs and is queued is handed back unrun: its attempt does not count.
    """

    id: str
    tenant: str
    expected: tuple[State, ...]
    to: State
    at: int
    event: NewEvent
    #: None: whoever holds it (an operator's change).
    token: int | None = None
    result: bytes | None = None
    error: bytes | None = None
    record: NewRecord | None = None
    available_at: int | None = None
    #: Attempts start over: a dead letter that is requeued.
    reset_attempts: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the append-only log, as everybody outside sees it: in JSON, this is what sinks are sent."""

    #: The same however often it is read or sent, and of no other event anywhere.
    event_id: str
    #: `execution.completed`: the aggregate's type, and what happened.
    event_type: str
    #: What changed: `execution`, `agent`.
    aggregate_type: str
    aggregate_id: str
    tenant_id: str
    timestamp: datetime
    #: Of the payload's schema.
    version: int
    payload: msgspec.Raw
    metadata: EventMetadata
    #: Its place in the log of its store: higher than that of whatever happened to the aggregate before.
    sequence: int

    @property
    def name(self) -> str:
        """What happened, without the aggregate's type."""
        return self.event_type.partition(".")[2]


class SinkState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sink has been sent the log."""

    name: str
    #: The sequence number of the last event that it took.
    position: int
    #: Who sends to it, and until when nobody else does.
    worker: str | None
    lease_until: int | None
    #: Tries that failed since the last that did not, and when the next is due.
    failures: int
    retry_at: int
    last_error: str | None


class ExecutionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which executions a list holds."""

    states: tuple[State, ...] = ()
    agent: str | None = None
    created_from: int | None = None
    created_before: int | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of a list, newest first, and where the next begins (None: there is none)."""

    rows: tuple[ExecutionRow, ...]
    next_cursor: str | None


class Calculation(msgspec.Struct, frozen=True):
    """A committed record with what proves its place in the chain."""

    record: bytes
    evidence: bytes
    position: int
    #: Leaves of every record of its commit, in order.
    leaves: tuple[bytes, ...]
    #: The chain after its commit, as JSON.
    head: bytes


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook delivery, made when its execution ended and retried until it arrives or is given up."""

    id: int
    execution_id: str
    tenant: str
    url: str
    state: Literal["due", "delivered", "given_up"]
    attempt: int
    next_at: int
    payload: bytes
    last_status: int | None
    last_error: str | None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an API key; the key itself is nowhere."""

    id: str
    tenant: str
    #: What its owner calls it.
    name: str
    roles: tuple[str, ...]
    #: SHA-256 of its secret.
    secret_hash: bytes
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class Link(msgspec.Struct, frozen=True):
    """One commit of the ledger, with everything that it covers."""

    number: int
    head: bytes
    #: In their order: the leaf hashes, and the documents they were made from.
    leaves: tuple[bytes, ...]
    records: tuple[bytes, ...]
    #: Under which id, and as whose, each document is kept.
    owners: tuple[tuple[str, str], ...]


class Sealed(msgspec.Struct, frozen=True):
    """The link that a commit adds to the chain."""

    chain_hash: str
    head: bytes


#: Links leaves to the chain that ends in the hash given (None: the first link) and signs its head.
Seal = Callable[[Sequence[bytes], "str | None"], Sealed]


class Store(Protocol):
    """Persistence of one runtime. Coroutines may be awaited from one event loop; they are safe to cancel."""

    #: The tables of tenants.
    rows: Rows

    async def submit(self, new: NewExecution, *, state: State = State.QUEUED) -> Submitted:
        """Accept an execution, unless its idempotency key has accepted one already."""
        ...

    async def submit_finished(
        self, new: NewExecution, *, result: bytes, record: NewRecord | None
    ) -> Submitted:
        """Accept an execution that has run to its end already: one commit instead of three."""
        ...

    async def add_calculation(
        self, record: NewRecord, *, idempotency_key: str | None = None, request_digest: str = ""
    ) -> Submitted:
        """Commit a calculation record, unless its idempotency key has committed one already."""
        ...

    async def claim(
        self, worker: str, *, limit: int, now: int, lease: int, per_tenant: int | None = None
    ) -> tuple[ExecutionRow, ...]:
        """Take up to `limit` executions to run, each under a new fencing token and a lease (microseconds).

        Of no tenant more run at once, over all workers, than its quotas say, or `per_tenant` where it has
        none, and of one that is suspended none; None: tenants do not matter.  Those whose worker's lease has
        run out are offered again; a store that many nodes share goes by its own clock there, so that theirs
        may differ.  Higher priorities go first, but one that has waited long enough goes before them, so that
        none starves.
        """
        ...

    async def extend_leases(self, worker: str, execution_ids: Sequence[str], *, now: int, lease: int) -> None:
        """Say that `worker` is alive and runs these.

        What it holds besides, such as a claim whose answer it never got, lapses and is offered again.
        """
        ...

    async def change(self, change: Change) -> bool:
        """Change an execution; False if it stood elsewhere or under another token."""
        ...

    async def request_cancel(
        self, tenant: str, execution_id: str, *, at: int, metadata: EventMetadata | None = None
    ) -> ExecutionRow | None:
        """Cancel what does not run yet, and mark what runs; None if there is no such execution.

        The event has the metadata given, of whoever cancels.
        """
        ...

    async def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        """One execution, or None if this tenant has none of that id."""
        ...

    async def cancelled_of(self, worker: str) -> tuple[str, ...]:
        """Ids of the executions that `worker` holds and somebody wants cancelled."""
        ...

    async def executions(
        self, tenant: str, wanted: ExecutionFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        """One page of a tenant's executions, newest first."""
        ...

    async def events(
        self,
        tenant: str,
        aggregate_id: str,
        *,
        aggregate_type: str = "execution",
        after: int = 0,
        limit: int = 1000,
    ) -> tuple[Event, ...]:
        """Events of one aggregate, in the order they happened, past sequence number `after`."""
        ...

    async def append_event(
        self, tenant: str, aggregate_id: str, event: NewEvent, *, at: int, aggregate_type: str = "execution"
    ) -> None:
        """Add an event that comes with no change of what is kept: the progress of an execution, an audit."""
        ...

    async def log(self, *, after: int, limit: int) -> tuple[Event, ...]:
        """Events of everybody in the order of the log, past sequence number `after`.

        No event is given before it is certain that none with a lower number is still to come.
        """
        ...

    async def claim_sink(self, name: str, worker: str, *, now: int, lease: int) -> SinkState | None:
        """Take it on to send a sink the log; None if somebody else does, or its next try is not due.

        A sink that is not known begins with the first event that there is.
        """
        ...

    async def settle_sink(
        self, name: str, worker: str, *, position: int, retry_at: int = 0, error: str | None = None
    ) -> bool:
        """Write down how far a sink is, and what failed; False if somebody else sends to it now."""
        ...

    async def sinks(self) -> tuple[SinkState, ...]:
        """Every sink that was ever sent something."""
        ...

    async def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        """One committed record with its proof, or None if this tenant has none of that id."""
        ...

    def commits(self) -> AsyncIterator[Link]:
        """Every link of the chain from the first, to verify it whole."""
        ...

    async def claim_deliveries(self, *, limit: int, now: int, lease: int) -> tuple[Delivery, ...]:
        """Take webhook deliveries that are due; what is not settled within `lease` is offered again."""
        ...

    async def settle_delivery(
        self, delivery_id: int, *, state: str, next_at: int, status: int | None, error: str | None
    ) -> None:
        """Write down how a delivery went."""
        ...

    async def deliveries(self, tenant: str, execution_id: str) -> tuple[Delivery, ...]:
        """The deliveries of one execution."""
        ...

    async def add_api_key(self, key: ApiKey) -> None:
        """Keep an API key."""
        ...

    async def api_key(self, key_id: str) -> ApiKey | None:
        """One key, of whichever tenant: who shows it is not known yet."""
        ...

    async def api_keys(self, tenant: str) -> tuple[ApiKey, ...]:
        """A tenant's keys, the newest first, those that were revoked too."""
        ...

    async def revoke_api_key(self, tenant: str, key_id: str, *, at: int) -> bool:
        """End a key; False if the tenant has none of that id that is still good."""
        ...

    async def counts(self) -> dict[State, int]:
        """How many executions stand in each state, over all tenants."""
        ...

    async def purge(self, *, before: int) -> int:
        """Delete what ended before a time, with its events and keys, and say how many.

        Dead letters stay until somebody has looked at them, and the ledger stays for good.
        """
        ...

    async def backup(self, path: Path) -> None:
        """Copy everything to a new file while others go on reading and writing."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...
