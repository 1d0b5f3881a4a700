"""Runs executions: accepts them durably, and waits for what comes of them.

What is quick and pure is run where it is asked for and committed once, accepted and completed together.
Everything else is committed when it is accepted; then any worker of any process claims it.
"""

from __future__ import annotations

__all__ = ["Accepted", "Runner", "Terms", "requeue"]

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.agents.phases import phase
from greenlang.agents.spending import spending
from greenlang.channels import Broadcast, InProcessBroadcast
from greenlang.engine.executions.identifiers import new_id
from greenlang.engine.executions.moments import now
from greenlang.engine.executions.observed import agent_of
from greenlang.engine.executions.orders import Order, PlanCache, prepare
from greenlang.engine.executions.proving import Proven, Prover
from greenlang.engine.executions.quickness import QUICK_BYTES, Quickness
from greenlang.engine.executions.watching import Watch
from greenlang.engine.executions.working import RunnerSettings, Worker, signal_of
from greenlang.gcel import Catching, Plan
from greenlang.ledger import digest_of_bytes
from greenlang.observing import Counts
from greenlang.queues import InProcessQueue, Queue
from greenlang.stores import (
    FINAL_STATES,
    Change,
    Event,
    ExecutionRow,
    NewEvent,
    NewExecution,
    State,
    Store,
    initiating,
)

if TYPE_CHECKING:
    from greenlang.observing.traces import Tracer

_ENCODE_ORDER = msgspec.json.Encoder().encode

#: For a plan that catches nothing.
_NOTHING_CAUGHT = nullcontext(())


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
        settings: RunnerSettings | None = None,
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
        self._counts = counts
        self._quickness = Quickness()
        self._work = Worker(
            store,
            self.queue,
            self._watch,
            plans,
            prover,
            RunnerSettings() if settings is None else settings,
            self._quickness,
            counts,
            tracer,
        )

    @property
    def worker(self) -> str:
        """The name that this process claims under."""
        return self._work.name

    @property
    def settings(self) -> RunnerSettings:
        """How much is taken on; may be set anew."""
        return self._work.settings

    @settings.setter
    def settings(self, settings: RunnerSettings) -> None:
        self._work.settings = settings

    @property
    def is_claiming(self) -> bool:
        """Whether it was started, and not stopped yet."""
        return self._work.is_claiming

    async def start(self) -> None:
        """Begin to claim what waits in the store."""
        await self._work.start()

    async def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, let what runs finish within the grace, and hand the rest back."""
        await self._work.stop(grace_seconds)

    def left_at_work(self) -> int:
        """How many threads are still in a step after `stop`; only the end of the process ends those."""
        return self._work.left_at_work()

    async def plan(self, program: str) -> Plan:
        """The plan of a program; GcelError if it does not compile."""
        return await self.plans.aplan(program)

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
        plan = await self.plans.aplan(order.program)
        spent = self.plans.admit(plan, terms.tenant)
        phase("validate")
        if len(order.input) <= QUICK_BYTES:
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
        self.queue.announce(signal_of(new))
        row = await self.wait(terms.tenant, submitted.id, wait_seconds)
        return Accepted(submitted.id, True, True, row)

    async def wait(self, tenant: str, execution_id: str, seconds: float) -> ExecutionRow | None:
        """The execution once it has ended or the time is over; None if there is none."""
        return await self._watch.end(tenant, execution_id, seconds)

    async def cancel(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        """Cancel an execution, also one that runs; None if there is none."""
        row = await self.store.request_cancel(tenant, execution_id, at=now(), metadata=initiating())
        if row is not None:
            self._work.cancel(execution_id)
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
        return (
            not self.plans.registry.lifecycle and len(order.input) <= QUICK_BYTES and self._quickness.of(plan)
        )

    def _run_here(self, plan: Plan, given: Any, tenant: str) -> Proven | None:
        """Run a quick plan; None if it failed: it is then accepted, and fails as any other."""
        began = time.perf_counter()
        try:
            phase("execute", "calculate")
            with Catching() if plan.catches else _NOTHING_CAUGHT as caught:
                value = plan.run(given, tenant=tenant)
            phase("execute", "provenance")
            return self.prover.prove(plan, given, value, tenant=tenant, at=now(), caught=caught)
        except (Exception, SystemExit, KeyboardInterrupt):
            return None
        finally:
            self._quickness.took(plan, time.perf_counter() - began)

    async def _earlier(self, execution_id: str, digest: str, new: NewExecution, seconds: float) -> Accepted:
        row = await self.wait(new.tenant, execution_id, seconds)
        return Accepted(execution_id, False, digest == new.request_digest, row)


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
