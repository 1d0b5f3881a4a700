"""Executions of a tenant with quotas: each attempt is metered, and what was paused meanwhile is not run."""

import asyncio
import time

import msgspec
import pytest

from greenlang.agents import Registry, agent, use_tokens
from greenlang.engine.executions import Order, PlanCache, Prover, Runner, Terms
from greenlang.engine.tenancy import Guard, Registrations, Tenants
from greenlang.errors import AgentError
from greenlang.ledger import Unsigned
from greenlang.stores import EventMetadata, State
from greenlang.stores.rows import Administrator
from greenlang.stores.tables import METERING, USAGE, AgentState

OPERATOR = Administrator("operations", "key:1")
BUSY_SECONDS = 0.02

failures = iter(())


def keep_busy():
    end = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < end:
        pass


@agent(name="acme.busy", version="1.0.0", effects={"pure"})
def busy(value: int) -> int:
    """Computes for a while."""
    keep_busy()
    use_tokens(10)
    return value


@agent(name="acme.waiting", version="1.0.0", effects={"io"})
async def waiting(value: int) -> int:
    """Computes, waits and computes."""
    keep_busy()
    await asyncio.sleep(0.2)
    keep_busy()
    use_tokens(20)
    return value


@agent(name="acme.failing", version="1.0.0", effects={"io"})
def failing(value: int) -> int:
    """Fails as often as it was told to."""
    use_tokens(1)
    if next(failures, False):
        raise OSError("not now")
    return value


class _Runs:
    def __init__(self, store):
        registry = Registry([busy, waiting, failing])
        plans = PlanCache(registry)
        self.guard = plans.guard = Guard(store.rows)
        self.store = store
        self.runner = Runner(store, plans, Prover(registry, Unsigned("of a test")))

    async def execute(self, program, *, tenant="acme", wait_seconds=10.0):
        await self.guard.look_at(tenant)
        order = Order(program, msgspec.Raw(b"1"))
        return await self.runner.execute(order, Terms(tenant=tenant), wait_seconds=wait_seconds)


@pytest.fixture
def metered(run):
    """Runs a test's coroutine with a runner, and a tenant that has quotas."""

    def with_runner(use, *, started=True):
        async def main(store):
            runs = _Runs(store)
            # What the seal of a test's store gives is no head; the runner's own is not needed here.
            await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")
            if started:
                await runs.runner.start()
            try:
                return await use(runs)
            finally:
                if started:
                    await runs.runner.stop(5)
                await runs.guard.meter.flush()

        return run(main)

    return with_runner


@pytest.mark.parametrize(
    ("program", "least", "most", "tokens"),
    [("acme.busy", 1, 5, 10), ("acme.waiting", 2, 6, 20)],
    ids=["in a thread", "in the event loop"],
)
def test_what_an_attempt_computes_and_uses_is_written_down(metered, program, least, most, tokens):
    async def use(runs):
        accepted = await runs.execute(program)
        assert accepted.row.state is State.COMPLETED
        await runs.guard.meter.flush()
        (kept,) = await runs.store.rows.rows("acme", METERING)
        assert (kept.execution_id, kept.attempt, kept.tokens) == (accepted.id, 1, tokens)
        # Not the time that it waited, and not what others computed meanwhile.
        assert least * BUSY_SECONDS * 1e6 * 0.9 <= kept.cpu_microseconds <= most * BUSY_SECONDS * 1e6
        (usage,) = await runs.store.rows.rows("acme", USAGE)
        assert (usage.executions, usage.tokens) == (1, tokens)

    metered(use)


def test_what_is_run_where_it_is_asked_for_is_metered_too(metered):
    async def use(runs):
        for _ in range(3):
            accepted = await runs.execute("identity")
        assert accepted.proven is not None
        await runs.guard.meter.flush()
        assert len(await runs.store.rows.rows("acme", METERING)) == 3
        (usage,) = await runs.store.rows.rows("acme", USAGE)
        assert usage.executions == 3

    metered(use)


def test_each_attempt_that_failed_is_written_down_by_itself(metered, monkeypatch):
    monkeypatch.setattr("greenlang.engine.executions.working.backoff", lambda _: 0)

    async def use(runs):
        global failures
        failures = iter([True, True])
        accepted = await runs.execute("acme.failing")
        assert accepted.row.state is State.COMPLETED
        await runs.guard.meter.flush()
        kept = await runs.store.rows.rows("acme", METERING)
        assert [(one.attempt, one.tokens) for one in kept] == [(1, 1), (2, 1), (3, 1)]
        (usage,) = await runs.store.rows.rows("acme", USAGE)
        assert (usage.executions, usage.tokens) == (1, 3)

    metered(use)


def test_nothing_is_written_of_tenants_without_quotas(metered):
    async def use(runs):
        for program in ("identity", "acme.busy"):
            await runs.execute(program, tenant="free of it")
        await runs.guard.meter.flush()
        assert await runs.store.rows.rows("free of it", METERING) == ()
        assert await runs.store.rows.rows("free of it", USAGE) == ()

    metered(use)


def test_what_a_suspended_tenant_has_waiting_is_not_run_by_a_node_that_has_just_started(metered):
    async def use(runs):
        accepted = await runs.execute("acme.busy", wait_seconds=0)
        tenants = Tenants(runs.store.rows)
        await tenants.change(OPERATOR, "acme", status="suspended")
        await runs.runner.start()
        runs.guard.start()
        row = await runs.runner.wait("acme", accepted.id, 1.5)
        assert row.state is State.QUEUED
        await tenants.change(OPERATOR, "acme", status="active")
        row = await runs.runner.wait("acme", accepted.id, 10)
        assert row.state is State.COMPLETED
        await runs.runner.stop(5)
        await runs.guard.stop()

    metered(use, started=False)


def test_what_was_accepted_before_its_agent_was_paused_is_refused_when_it_would_run(metered):
    async def use(runs):
        by = EventMetadata("mia")
        name = ("acme", "acme.busy", "1.0.0")
        registrations = Registrations(runs.store.rows)
        await registrations.register(*name, by=by)
        await registrations.move(*name, AgentState.ACTIVE, by=by)
        accepted = await runs.execute("acme.busy", wait_seconds=0)
        await registrations.move(*name, AgentState.PAUSED, reason="wrong factor", by=by)
        runs.guard.standings.forget("acme")
        await runs.runner.start()
        row = await runs.runner.wait("acme", accepted.id, 10)
        assert row.state is State.FAILED
        assert b"is paused for tenant 'acme' (wrong factor)" in row.error
        with pytest.raises(AgentError, match="is paused"):
            await runs.execute("acme.busy")
        await runs.runner.stop(5)

    metered(use, started=False)
