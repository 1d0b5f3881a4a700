"""What a worker does: it claims what waits in the store, runs it, and commits what came of it at most once.

A claim is a lease, which the worker extends while it runs.  Whoever claimed an execution last is the only one
who can end it, so a worker that was given up by mistake does no harm.
"""

from __future__ import annotations

__all__ = ["RunnerSettings", "Worker", "signal_of"]

import asyncio
import contextvars
import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlang.agents.phases import phase
from greenlang.agents.spending import spending, spending_async
from greenlang.engine.executions.identifiers import new_id
from greenlang.engine.executions.mishaps import Mishap, backoff, contained, mishap_of
from greenlang.engine.executions.moments import now
from greenlang.engine.executions.observed import ENDS, agent_of, followed
from greenlang.engine.executions.orders import PlanCache, prepare, read_order
from greenlang.engine.executions.proving import Proven, Prover
from greenlang.engine.executions.quickness import Quickness
from greenlang.engine.executions.states import may_become
from greenlang.engine.executions.stopping import UNBOUNDED_SECONDS, StoppableClock
from greenlang.engine.executions.timing import Traces
from greenlang.engine.executions.watching import POLL_SECONDS, Watch
from greenlang.engine.lifecycle import acall, call
from greenlang.engine.runtime import Runtime
from greenlang.errors import AgentError, InternalError, StoreError
from greenlang.gcel import Catching
from greenlang.observing import Counts
from greenlang.queues import Queue, Signal, Taken
from greenlang.stores import (
    Change,
    EventMetadata,
    ExecutionRow,
    Initiator,
    NewEvent,
    NewExecution,
    State,
    Store,
    initiate,
)

if TYPE_CHECKING:
    from greenlang.observing.traces import Tracer

#: Timers may ring so much before their time.
_TIMER_MICROSECONDS = 10_000

#: How long a worker that stops waits for its last commits: a store that is gone does not come back for them.
_LAST_COMMITS_SECONDS = 5.0

#: How long a thread without work takes to end, at the most.
_IDLE_THREAD_SECONDS = 0.1

_log = logging.getLogger("greenlang.engine")


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


class Worker:
    """The worker of one process.

    Parameters
    ----------
    settings : RunnerSettings
        May be changed while it works; only the number of threads stays.
    quickness : Quickness
        Told how long synchronous plans took.
    counts : Counts, optional
        Counts what is computed.
    tracer : Tracer, optional
        Follows executions.
    """

    def __init__(
        self,
        store: Store,
        queue: Queue,
        watch: Watch,
        plans: PlanCache,
        prover: Prover,
        settings: RunnerSettings,
        quickness: Quickness,
        counts: Counts | None,
        tracer: Tracer | None,
    ) -> None:
        self.name = new_id("worker", now())
        self.settings = settings
        #: Whether it claims what waits.
        self.is_claiming = False
        self._store = store
        self._queue = queue
        self._watch = watch
        self._plans = plans
        self._prover = prover
        self._quickness = quickness
        self._counts = counts
        self._tracer = tracer
        self._threads = ThreadPoolExecutor(settings.threads, f"greenlang-run-{self.name}")
        #: Holds the agents that are classes open until the end.
        self._agents = Runtime(registry=plans.registry)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        #: Executions whose end is being committed: nothing cuts that off.
        self._ending: dict[str, asyncio.Task[None]] = {}
        #: Of those that run now and whose steps nobody can look at again.
        self._traces = Traces()
        #: When leases are extended next, by the event loop's clock.
        self._extend_at = math.inf
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to claim what waits in the store."""
        self.is_claiming = True
        self._keepers = [asyncio.create_task(self._claim()), asyncio.create_task(self._keep_leases())]

    async def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, let what runs finish within the grace, and hand the rest back."""
        self.is_claiming = False
        self._queue.wake()
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
            each for each in threading.enumerate() if each.name.startswith(f"greenlang-run-{self.name}")
        ]
        for each in threads:
            each.join(_IDLE_THREAD_SECONDS)
        return sum(each.is_alive() for each in threads)

    def cancel(self, execution_id: str) -> None:
        """Cancel an execution if it runs here, and has not ended yet."""
        task = self._running.get(execution_id)
        if task is not None and execution_id not in self._cancelled and execution_id not in self._ending:
            self._cancelled.add(execution_id)
            task.cancel()

    @property
    def _lease(self) -> int:
        return int(self.settings.lease_seconds * 1_000_000)

    async def _claim(self) -> None:
        taken: tuple[Taken, ...] = ()
        while self.is_claiming:
            free = self.settings.concurrency - len(self._running)
            claimed: tuple[ExecutionRow, ...] = ()
            if free > 0:
                try:
                    claimed = await self._store.claim(
                        self.name,
                        limit=free,
                        now=now(),
                        lease=self._lease,
                        per_tenant=self._plans.guard.most_at_once(self.settings.tenant_concurrency),
                    )
                except StoreError as error:  # a full disk or a lock: try again
                    _log.warning("nothing is claimed for now: %s", error)
                except Exception:  # whatever it is, a node that serves goes on to work
                    _log.exception("nothing is claimed for now")
                else:
                    self._queue.done(taken)
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
                taken += await self._queue.take(room, wait_seconds=self._queue.patience_seconds)

    async def _keep_leases(self) -> None:
        """Say that we are alive, and hear what was cancelled elsewhere."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(POLL_SECONDS, self.settings.lease_seconds / 3))
            if not self._running:
                continue
            try:
                for execution_id in await self._store.cancelled_of(self.name):
                    self.cancel(execution_id)
                if loop.time() >= self._extend_at:
                    self._extend_at = loop.time() + self.settings.lease_seconds / 3
                    await self._store.extend_leases(
                        self.name, tuple(self._running), now=now(), lease=self._lease
                    )
            except StoreError as error:
                _log.warning("leases are not extended for now: %s", error)
            except Exception:  # whatever it is, what runs is not run twice for want of another try
                _log.exception("leases are not extended for now")

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
                self._queue.announce(signal_of(row))
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
        plan = await self._plans.aplan(order.program)
        await self._plans.guard.look_at(row.tenant)
        spent = self._plans.admit(plan, row.tenant, fresh=False)
        hooks = self._plans.registry.lifecycle
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
            with Catching() as caught:
                value = call(
                    hooks, plan, given, work, tenant=row.tenant, prepare=lambda: self._agents.open(plan)
                )
            phase("execute", "provenance")
            proven = self._prover.prove(plan, given, value, tenant=row.tenant, at=now(), caught=caught)
            self._quickness.took(plan, time.perf_counter() - began)
            return proven

        async def arun() -> Proven:
            phase("validate")
            given = prepare(order, plan)

            async def work(taken: Any) -> Any:
                nonlocal given
                given = taken
                return await plan.arun(taken, deadline=left(), tenant=row.tenant, trace=trace)

            phase("execute", "calculate")
            with Catching() as caught:
                value = await acall(
                    hooks, plan, given, work, tenant=row.tenant, prepare=lambda: self._agents.aopen(plan)
                )
            phase("execute", "provenance")
            return self._prover.prove(plan, given, value, tenant=row.tenant, at=now(), caught=caught)

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
            self._plans.guard.spend(row.tenant, row.id, row.attempt, spent)
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
                await self._store.change(change)
                break
            except StoreError:
                await asyncio.sleep(POLL_SECONDS)
        self._watch.tell(change.id, change.to)

    def _ran(self, task: asyncio.Task[None]) -> None:
        execution_id = task.get_name()
        if self._running.get(execution_id) is task:
            del self._running[execution_id]
        self._cancelled.discard(execution_id)
        self._queue.wake()


def signal_of(waiting: NewExecution | ExecutionRow) -> Signal:
    """What tells workers that an execution waits."""
    by = waiting.metadata or EventMetadata()
    return Signal(waiting.id, waiting.tenant, waiting.priority, by.correlation_id, by.traceparent)
