"""Runs executions: accepts them durably, claims them, runs them, and commits what came of them at most once.

What is quick and pure is run where it is asked for and committed once, accepted and completed together.
Everything else is committed when it is accepted; then any worker of any process claims it, keeps its
lease while it runs, and hands it back when it is shut down.
"""

from __future__ import annotations

__all__ = ["Accepted", "Runner", "RunnerSettings", "Terms", "requeue"]

import asyncio
import contextvars
import logging
import math
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.agents.phases import phase
from greenlang.agents.spending import spending, spending_async
from greenlang.channels import Broadcast, InProcessBroadcast
from greenlang.engine.executions.identifiers import new_id
from greenlang.engine.executions.mishaps import Mishap, backoff, contained, mishap_of
from greenlang.engine.executions.moments import now
from greenlang.engine.executions.observed import ENDS, agent_of, followed
from greenlang.engine.executions.orders import Order, PlanCache, prepare, read_order
from greenlang.engine.executions.proving import Proven, Prover
from greenlang.engine.executions.states import may_become
from greenlang.engine.executions.stopping import UNBOUNDED_SECONDS, StoppableClock
from greenlang.engine.executions.timing import Traces
from greenlang.engine.executions.watching import POLL_SECONDS, Watch
from greenlang.engine.lifecycle import acall, call
from greenlang.engine.runtime import Runtime
from greenlang.errors import AgentError, InternalError, StoreError
from greenlang.gcel import Plan
from greenlang.ledger import digest_of_bytes
from greenlang.observing import Counts
from greenlang.queues import InProcessQueue, Queue, Signal, Taken
from greenlang.stores import (
    FINAL_STATES,
    Change,
    Event,
    EventMetadata,
    ExecutionRow,
    Initiator,
    NewEvent,
    NewExecution,
    State,
    Store,
    initiate,
    initiating,
)

if TYPE_CHECKING:
    from greenlang.observing.traces import Tracer

#: A pure plan that takes less than this, on an input no larger, is run in the event loop.
_QUICK_SECONDS = 0.002
_QUICK_BYTES = 65_536

#: A slow run weighs as much as several quick ones; a plan with this much weight is not run there for a while.
#: One slow run alone may be the machine's doing.
_SLOW_WEIGHT = 4
_TOO_SLOW = 8
_SLOWEST = 16

#: Plans whose weight is kept; with one more, all are weighed anew.
_WEIGHED = 4096

#: Timers may ring so much before their time.
_TIMER_MICROSECONDS = 10_000

#: How long a runner that stops waits for its last commits: a store that is gone does not come back for them.
_LAST_COMMITS_SECONDS = 5.0

#: How long a thread without work takes to end, at the most.
_IDLE_THREAD_SECONDS = 0.1

_log = logging.getLogger("greenlang.engine")

_ENCODE_ORDER = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """How much a runner takes on."""

    #: Executions at once; more wait in the store.
    concurrency: int = 32
    #: Threads for synchronous plans that are not quick.
    threads: int = 4
    #: Seconds after which a silent worker's executions are offered to others.
    lease_seconds: float = 15.0
    #: Executions of one tenant at once, over all processes; None for no such limit.
    tenant_concurrency: int | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How one order is to be run."""

    tenant: str
    priority: int = 1
    deadline_seconds: float | None = None
    max_attempts: int = 3
    webhook: str | None = None
    idempotency_key: str | None = None


class Accepted(msgspec.Struct, frozen=True):
    """What came of an order."""

    id: str
    #: False if its idempotency key stands for an execution that was accepted earlier.
    fresh: bool
    #: Whether that execution was made by the same order.
    same_order: bool
    #: The row where it was read, and what was computed here and now; both None if it still runs.
    row: ExecutionRow | None = None
    proven: Proven | None = None


class Runner:
    """The executions of one process.

    Parameters
    ----------
    queue : Queue, optional
        Tells workers, here or of any process, that the store has something to claim.
    broadcast : Broadcast, optional
        Tells whoever waits, here or in any process, that an execution changed.
    counts : Counts, optional
        Counts what is computed.
    tracer : Tracer, optional
        Follows executions.
    """

    def __init__(
        self,
        store: Store,
        plans: PlanCache,
        prover: Prover,
        settings: RunnerSettings = RunnerSettings(),
        *,
        queue: Queue | None = None,
        broadcast: Broadcast | None = None,
        counts: Counts | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.store = store
        self.queue = InProcessQueue() if queue is None else queue
        self._watch = Watch(store, InProcessBroadcast() if broadcast is None else broadcast)
        self.plans = plans
        self.prover = prover
        self.settings = settings
        self._counts = counts
        self._tracer = tracer
        self.worker = new_id("worker", now())
        self._threads = ThreadPoolExecutor(settings.threads, f"greenlang-run-{self.worker}")
        #: Holds the agents that are classes open until the end.
        self._agents = Runtime(registry=plans.registry)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        #: Executions whose end is being committed: nothing cuts that off.
        self._ending: dict[str, asyncio.Task[None]] = {}
        #: Of those that run now and whose steps nobody can look at again.
        self._traces = Traces()
        #: How slow plans are, by hash; one that is not here may not be run in the event loop.
        self._weights: dict[str, int] = {}
        #: When leases are extended next, by the event loop's clock.
        self._extend_at = math.inf
        self._keepers: list[asyncio.Task[None]] = []
        self._accepting = False

    async def start(self) -> None:
        """Begin to claim what waits in the store."""
        self._accepting = True
        self._keepers = [asyncio.create_task(self._claim()), asyncio.create_task(self._keep_leases())]

    async def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, let what runs finish within the grace, and hand the rest back."""
        self._accepting = False
        self.queue.wake()
        claiming, *keepers = self._keepers
        await claiming
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace_seconds)
        left = list(self._running.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._ending:
            await asyncio.wait(self._ending.values(), timeout=_LAST_COMMITS_SECONDS)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        try:
            await self._agents.aclose()
        except AgentError as error:
            _log.error("%s", error)

    def left_at_work(self) -> int:
        """How many threads are still in a step after `stop`; only the end of the process ends those."""
        threads = [
            each for each in threading.enumerate() if each.name.startswith(f"greenlang-run-{self.worker}")
        ]
        for each in threads:
            each.join(_IDLE_THREAD_SECONDS)
        return sum(each.is_alive() for each in threads)

    async def plan(self, program: str) -> Plan:
        """The plan of a program; a long one is compiled beside the event loop.

        Raises
        ------
        GcelError
            If it does not compile.
        """
        if len(program) <= _QUICK_BYTES:
            return self.plans.plan(program)
        return await asyncio.to_thread(self.plans.plan, program)

    @property
    def _lease(self) -> int:
        return int(self.settings.lease_seconds * 1_000_000)

    async def execute(self, order: Order, terms: Terms, *, wait_seconds: float) -> Accepted:
        """Accept an order, and wait for its end for a while.

        Raises
        ------
        GcelError, InputError
            If the program does not compile, the input is not what it takes, or a pack is not for the tenant:
            nothing was accepted.
        StoreError
            If it could not be committed: nothing was accepted.
        """
        phase("discover")
        plan = await self.plan(order.program)
        spent = self.plans.admit(plan, terms.tenant)
        phase("validate")
        if len(order.input) <= _QUICK_BYTES:
            given = prepare(order, plan)
        else:
            given = await asyncio.to_thread(prepare, order, plan)
        at = now()
        kept = _ENCODE_ORDER(order)
        new = NewExecution(
            id=new_id("exec", at),
            tenant=terms.tenant,
            priority=terms.priority,
            plan_hash=plan.hash,
            agents=_agents_of(plan),
            request=kept,
            created_at=at,
            max_attempts=terms.max_attempts,
            deadline_at=None if terms.deadline_seconds is None else at + int(terms.deadline_seconds * 1e6),
            webhook=terms.webhook,
            idempotency_key=terms.idempotency_key,
            request_digest="" if terms.idempotency_key is None else digest_of_bytes(kept),
            metadata=initiating(),
        )
        if wait_seconds > 0 and self._is_quick(plan, order):
            with spending(spent):
                proven = self._run_here(plan, given, terms.tenant)
            if proven is not None:
                phase("finalise")
                submitted = await self.store.submit_finished(new, result=proven.result, record=proven.record)
                if submitted.fresh:
                    if self._counts is not None:
                        self._counts.calculated(agent_of(new.agents), proven.formulas, "success")
                    self.plans.guard.ran(terms.tenant, new.id, spent)
                    return Accepted(submitted.id, True, True, None, proven)
                return await self._earlier(submitted.id, submitted.request_digest, new, wait_seconds)
        phase("finalise")
        submitted = await self.store.submit(new)
        if not submitted.fresh:
            return await self._earlier(submitted.id, submitted.request_digest, new, wait_seconds)
        self.plans.guard.accepted(terms.tenant, spent)
        self.queue.announce(_signal(new))
        row = await self.wait(terms.tenant, submitted.id, wait_seconds)
        return Accepted(submitted.id, True, True, row)

    async def wait(self, tenant: str, execution_id: str, seconds: float) -> ExecutionRow | None:
        """The execution once it has ended or the time is over; None if there is none."""
        return await self._watch.end(tenant, execution_id, seconds)

    async def cancel(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        """Cancel an execution, also one that runs; None if there is none."""
        row = await self.store.request_cancel(tenant, execution_id, at=now(), metadata=initiating())
        if row is not None:
            self._cancel_here(execution_id)
            if row.state in FINAL_STATES:
                self._watch.tell(execution_id, row.state)
        return row

    async def requeue(self, tenant: str, execution_id: str) -> bool:
        """Have a dead letter tried again, from its first attempt."""
        changed = await requeue(self.store, tenant, execution_id)
        if changed:
            self._watch.tell(execution_id, State.QUEUED)
        self.queue.wake()
        return changed

    def follow(self, tenant: str, execution_id: str, *, after: int = 0) -> AsyncIterator[Event | None]:
        """Events of an execution as they happen, until it ends; None now and then while nothing happens."""
        return self._watch.follow(tenant, execution_id, after=after)

    def _is_quick(self, plan: Plan, order: Order) -> bool:
        # What hooks do may take any time, and the event loop waits for none of it.
        if self.plans.registry.lifecycle:
            return False
        return self._weights.get(plan.hash, _TOO_SLOW) < _TOO_SLOW and len(order.input) <= _QUICK_BYTES

    def _run_here(self, plan: Plan, given: Any, tenant: str) -> Proven | None:
        """Run a quick plan; None if it failed: it is then accepted, and fails as any other."""
        began = time.perf_counter()
        try:
            phase("execute", "calculate")
            value = plan.run(given, tenant=tenant)
            phase("execute", "provenance")
            return self.prover.prove(plan, given, value, tenant=tenant, at=now())
        except (Exception, SystemExit, KeyboardInterrupt):
            return None
        finally:
            self._took(plan, time.perf_counter() - began)

    def _took(self, plan: Plan, seconds: float) -> None:
        """Remember whether a plan is slow, if it may be run in the event loop at all."""
        if plan.is_async or any(
            spec.blocking or spec.effects - {"pure", "calculates"} for spec in plan.agents
        ):
            return
        slow = seconds >= _QUICK_SECONDS
        before = self._weights.get(plan.hash, _TOO_SLOW - _SLOW_WEIGHT if slow else 0)
        if len(self._weights) >= _WEIGHED:
            self._weights.clear()
        self._weights[plan.hash] = min(before + _SLOW_WEIGHT, _SLOWEST) if slow else max(before - 1, 0)

    async def _earlier(self, execution_id: str, digest: str, new: NewExecution, seconds: float) -> Accepted:
        row = await self.wait(new.tenant, execution_id, seconds)
        return Accepted(execution_id, False, digest == new.request_digest, row)

    # What workers do

    async def _claim(self) -> None:
        taken: tuple[Taken, ...] = ()
        while self._accepting:
            free = self.settings.concurrency - len(self._running)
            claimed: tuple[ExecutionRow, ...] = ()
            if free > 0:
                try:
                    claimed = await self.store.claim(
                        self.worker,
                        limit=free,
                        now=now(),
                        lease=self._lease,
                        per_tenant=self.plans.guard.most_at_once(self.settings.tenant_concurrency),
                    )
                except StoreError as error:  # a full disk or a lock: try again
                    _log.warning("nothing is claimed for now: %s", error)
                else:
                    self.queue.done(taken)
                    taken = ()
            if claimed:
                # By the leases that these have, whatever the settings say by then.
                due = asyncio.get_running_loop().time() + self.settings.lease_seconds / 3
                self._extend_at = min(self._extend_at, due)
            for row in claimed:
                task = asyncio.create_task(self._run(row), name=row.id)
                self._running[row.id] = task
                task.add_done_callback(self._ran)
                self._watch.tell(row.id, row.state)
            if not claimed or len(claimed) < free:
                # What was signalled and could not be claimed is kept, and nothing more taken.
                room = 0 if taken else free - len(claimed)
                taken += await self.queue.take(room, wait_seconds=self.queue.patience_seconds)

    async def _keep_leases(self) -> None:
        """Say that we are alive, and hear what was cancelled elsewhere."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(POLL_SECONDS, self.settings.lease_seconds / 3))
            if not self._running:
                continue
            try:
                for execution_id in await self.store.cancelled_of(self.worker):
                    self._cancel_here(execution_id)
                if loop.time() >= self._extend_at:
                    self._extend_at = loop.time() + self.settings.lease_seconds / 3
                    await self.store.extend_leases(
                        self.worker, tuple(self._running), now=now(), lease=self._lease
                    )
            except StoreError as error:
                _log.warning("leases are not extended for now: %s", error)

    async def _run(self, row: ExecutionRow) -> None:
        initiate(Initiator(row.tenant, row.metadata or EventMetadata()))
        with followed(self._tracer, row):
            await self._run_claimed(row)

    async def _run_claimed(self, row: ExecutionRow) -> None:
        try:
            ended = await self._attempt(row)
        except asyncio.CancelledError:
            # Cancelled by whoever asked for it, or shut down: then another worker may have it.
            if row.id in self._cancelled:
                await self._settle(row, State.CANCELLED)
            else:
                await self._settle(row, State.QUEUED)
                self.queue.announce(_signal(row))
        else:
            if isinstance(ended, BaseException):
                await self._failed(row, ended)
            else:
                await self._settle(row, State.COMPLETED, proven=ended)

    async def _attempt(self, row: ExecutionRow) -> Proven | BaseException:
        """What came of one attempt; whatever an agent raises is a value here."""
        try:
            return await self._compute(row)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error  # the agent's own doing
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            return error

    async def _compute(self, row: ExecutionRow) -> Proven:
        def left() -> float | None:
            return None if row.deadline_at is None else max(row.deadline_at - now(), 0) / 1e6

        order = read_order(row.request)
        phase("discover")
        plan = await self.plan(order.program)
        await self.plans.guard.look_at(row.tenant)
        spent = self.plans.admit(plan, row.tenant, fresh=False)
        hooks = self.plans.registry.lifecycle
        clock = StoppableClock()
        trace = self._traces.begin(row.id, plan)

        def run() -> Proven:
            with spending(spent):
                return run_plan()

        def run_plan() -> Proven:
            began = time.perf_counter()
            phase("validate")
            given = prepare(order, plan)

            def work(taken: Any) -> Any:
                nonlocal given
                given = taken  # a hook may have replaced it, and the record is of what ran
                deadline = left()
                bound = UNBOUNDED_SECONDS if deadline is None else deadline
                return plan.run(taken, deadline=bound, clock=clock, tenant=row.tenant, trace=trace)

            phase("execute", "calculate")
            value = call(hooks, plan, given, work, tenant=row.tenant, prepare=lambda: self._agents.open(plan))
            phase("execute", "provenance")
            proven = self.prover.prove(plan, given, value, tenant=row.tenant, at=now())
            self._took(plan, time.perf_counter() - began)
            return proven

        async def arun() -> Proven:
            phase("validate")
            given = prepare(order, plan)

            async def work(taken: Any) -> Any:
                nonlocal given
                given = taken
                return await plan.arun(taken, deadline=left(), tenant=row.tenant, trace=trace)

            phase("execute", "calculate")
            value = await acall(
                hooks, plan, given, work, tenant=row.tenant, prepare=lambda: self._agents.aopen(plan)
            )
            phase("execute", "provenance")
            return self.prover.prove(plan, given, value, tenant=row.tenant, at=now())

        # The deadline counts all of it: the wait for a thread, hooks, and steps that look at no clock.
        try:
            async with asyncio.timeout(left()):
                if plan.is_async:
                    return await spending_async(spent, arun())
                try:
                    context = contextvars.copy_context()
                    ended = await asyncio.get_running_loop().run_in_executor(
                        self._threads, context.run, contained, run
                    )
                finally:
                    clock.stop()  # cancelled, or late: the thread ends where its present step ends
        finally:
            self.plans.guard.spend(row.tenant, row.id, row.attempt, spent)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    async def _failed(self, row: ExecutionRow, error: BaseException) -> None:
        late = row.deadline_at is not None and now() + _TIMER_MICROSECONDS >= row.deadline_at
        if late and isinstance(error, TimeoutError):
            mishap = Mishap("deadline", "its deadline passed while it ran", "", "", "", False)
            await self._settle(row, State.TIMEOUT, mishap=mishap)
            return
        mishap = mishap_of(error)
        if not mishap.worth_retrying:
            await self._settle(row, State.FAILED, mishap=mishap)
        elif row.attempt >= row.max_attempts:
            await self._settle(row, State.DEAD_LETTER, mishap=mishap)
        else:
            await self._settle(row, State.PENDING, mishap=mishap, available_at=now() + backoff(row.attempt))

    async def _settle(
        self,
        row: ExecutionRow,
        to: State,
        *,
        proven: Proven | None = None,
        mishap: Mishap | None = None,
        available_at: int | None = None,
    ) -> None:
        """Commit what came of a run; as often as it takes, for what ran must not be lost to a full disk."""
        if not may_become(State.RUNNING, to):
            raise InternalError(f"a running execution cannot become {to}")
        phase("finalise")
        error = None if mishap is None else mishap.document()
        change = Change(
            id=row.id,
            tenant=row.tenant,
            expected=(State.RUNNING,),
            to=to,
            at=now(),
            event=NewEvent(to, self._traces.ended(row.id, error)),
            token=row.token,
            result=None if proven is None else proven.result,
            error=error,
            record=None if proven is None else proven.record,
            available_at=available_at,
        )
        committing = asyncio.create_task(self._commit(change))
        self._ending[row.id] = committing
        committing.add_done_callback(lambda _: self._ending.pop(row.id, None))
        await asyncio.shield(committing)
        if self._counts is not None and to in ENDS:
            formulas = () if proven is None else proven.formulas
            self._counts.calculated(agent_of(row.agents), formulas, ENDS[to])

    async def _commit(self, change: Change) -> None:
        while True:
            try:
                await self.store.change(change)
                break
            except StoreError:
                await asyncio.sleep(POLL_SECONDS)
        self._watch.tell(change.id, change.to)

    def _cancel_here(self, execution_id: str) -> None:
        task = self._running.get(execution_id)
        if task is not None and execution_id not in self._cancelled and execution_id not in self._ending:
            self._cancelled.add(execution_id)
            task.cancel()

    def _ran(self, task: asyncio.Task[None]) -> None:
        execution_id = task.get_name()
        if self._running.get(execution_id) is task:
            del self._running[execution_id]
        self._cancelled.discard(execution_id)
        self.queue.wake()


async def requeue(store: Store, tenant: str, execution_id: str) -> bool:
    """Have a dead letter tried again, from its first attempt; False if it is none."""
    return await store.change(
        Change(
            id=execution_id,
            tenant=tenant,
            expected=(State.DEAD_LETTER,),
            to=State.QUEUED,
            at=now(),
            event=NewEvent(State.QUEUED, metadata=initiating()),
            reset_attempts=True,
        )
    )


def _agents_of(plan: Plan) -> tuple[str, ...]:
    return tuple(f"{spec.name}@{spec.version}" for spec in plan.agents)


def _signal(waiting: NewExecution | ExecutionRow) -> Signal:
    by = waiting.metadata or EventMetadata()
    return Signal(waiting.id, waiting.tenant, waiting.priority, by.correlation_id, by.traceparent)
