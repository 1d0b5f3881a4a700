"""Executions, from acceptance to their one completion, on real stores."""

import asyncio
import hashlib
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import greenlang as gl
from greenlang.agents import LifecycleHook, Plugin, Registry
from greenlang.agents.hooks import hookimpl
from greenlang.engine.executions.moments import now
from greenlang.engine.executions.orders import Order, PlanCache
from greenlang.engine.executions.proving import Prover
from greenlang.engine.executions.runner import Runner, Terms
from greenlang.engine.executions.states import REASONS, TRANSITIONS, may_become
from greenlang.engine.executions.working import RunnerSettings
from greenlang.errors import GcelError, InputError, PackError, StoreError
from greenlang.ledger import Unsigned, input_hash_of_value
from greenlang.stores import FINAL_STATES, ExecutionFilter, State, open_store

TERMS = Terms(tenant="acme")
USUAL = RunnerSettings()
RUNNING = ExecutionFilter(states=(State.RUNNING,))
SLOW = 30.0

calls = []


@gl.agent(name="t.double", version="1.0.0")
def double(x: Decimal) -> Decimal:
    return x * 2


@gl.agent(name="t.flaky", version="1.0.0", effects={"io"})
def flaky(x: Decimal) -> Decimal:
    calls.append(x)
    if len(calls) < 3:
        raise OSError("the meter does not answer")
    return x


@gl.agent(name="t.broken", version="1.0.0")
def broken(x: Decimal) -> Decimal:
    return x.no_such_thing


@gl.agent(name="t.exits", version="1.0.0", effects={"io"})
def exits(x: Decimal) -> Decimal:
    raise SystemExit(3)


@gl.agent(name="t.sleeps", version="1.0.0", effects={"io"})
async def sleeps(x: Decimal) -> Decimal:
    calls.append("began")
    try:
        await asyncio.sleep(float(x))
    finally:
        calls.append("ended")
    return x


@gl.agent(name="t.naps", version="1.0.0", effects={"io"})
def naps(x: Decimal) -> Decimal:
    calls.append(x)
    time.sleep(0.02)
    return x


@gl.agent(name="t.stops", version="1.0.0")
def stops(x: Decimal) -> Decimal:
    return next(iter([]))


@gl.agent(name="t.cancels", version="1.0.0", effects={"io"})
async def cancels(x: Decimal) -> Decimal:
    calls.append("began")
    raise asyncio.CancelledError


@gl.agent(name="t.odd", version="1.0.0", effects={"io"})
def odd(x: Decimal) -> Decimal:
    raise OSError(2, "there is no such file", "meter-\udcff.csv")


@gl.agent(name="t.floats", version="1.0.0")
def floats(x: Decimal) -> object:
    return 0.5


@gl.agent(name="t.tariffs", version="1.0.0", effects={"io"})
class Tariffs:
    async def setup(self):
        calls.append("setup")

    async def __call__(self, x: Decimal) -> Decimal:
        calls.append("call")
        return x

    async def close(self):
        calls.append("close")


@gl.agent(name="t.prices", version="1.0.0", effects={"io"})
class Prices:
    def setup(self):
        calls.append("setup")

    def __call__(self, x: Decimal) -> Decimal:
        calls.append("call")
        return x

    def close(self):
        calls.append("close")
        raise OSError("gone")


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


@pytest.fixture(params=["memory", "sqlite"])
def on_a_runner(request, tmp_path, monkeypatch):
    """Runs a coroutine with a started runner."""
    monkeypatch.setattr("greenlang.engine.executions.mishaps._FIRST_WAIT", 1000)
    url = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'runtime.db'}"}[request.param]

    def run(use, *, settings=USUAL, start=True, grace=5.0):
        async def main():
            runner = make_runner(url, settings)
            if start:
                await runner.start()
            try:
                return await use(runner)
            finally:
                if start:
                    await runner.stop(grace)
                await runner.store.close()

        return asyncio.run(main())

    run.url = url
    return run


def make_runner(url, settings=USUAL):
    registry = Registry(
        [double, flaky, broken, exits, sleeps, naps, stops, cancels, odd, floats, Tariffs, Prices]
    )
    prover = Prover(registry, Unsigned("a test"))
    return Runner(open_store(url, prover.seal), PlanCache(registry), prover, settings)


def order(program, value="1.5"):
    return Order(program, msgspec.Raw(value.encode()))


async def finished(runner, accepted, seconds=SLOW):
    return await runner.wait("acme", accepted.id, seconds)


def test_an_order_runs_to_its_end_and_is_proven(on_a_runner):
    async def use(runner):
        first = await runner.execute(order("t.double >> t.double"), TERMS, wait_seconds=SLOW)
        row = await finished(runner, first)
        assert (row.state, row.result) == (State.COMPLETED, b'"6"')
        found = await runner.store.calculation("acme", row.calculation_id)
        record = msgspec.json.decode(found.record)
        assert record["result"] == "6"
        assert record["tenant"] == "acme"
        assert hashlib.sha256(b"\0" + found.record).digest() == found.leaves[found.position]

    on_a_runner(use)


def test_a_quick_plan_is_accepted_and_completed_in_one_commit_with_the_same_hash(on_a_runner):
    async def use(runner):
        slow_way = quick_way = await runner.execute(order("t.double"), TERMS, wait_seconds=SLOW)
        assert slow_way.proven is None
        for _ in range(100):  # until the runner has seen that it is quick, on a machine that is not
            if quick_way.proven is None:
                quick_way = await runner.execute(order("t.double"), TERMS, wait_seconds=SLOW)
        assert quick_way.proven.result == b'"3"'
        records = []
        for accepted in (slow_way, quick_way):
            row = await finished(runner, accepted)
            assert row.state is State.COMPLETED
            records.append(
                msgspec.json.decode((await runner.store.calculation("acme", row.calculation_id)).record)
            )
        assert records[0]["result_hash"] == records[1]["result_hash"] == quick_way.proven.result_hash
        assert records[0]["calculation_id"] != records[1]["calculation_id"]

    on_a_runner(use)


@pytest.mark.parametrize("program", ["t.broken >> catch(0)", "t.sleeps >> t.broken >> catch(0)"])
def test_what_was_caught_is_in_the_record_whichever_way_it_ran(on_a_runner, program):
    async def use(runner):
        hashes = set()
        for attempt in range(100):
            accepted = await runner.execute(order(program, "0"), TERMS, wait_seconds=SLOW)
            row = await finished(runner, accepted)
            assert row.result == b"0"
            record = msgspec.json.decode((await runner.store.calculation("acme", row.calculation_id)).record)
            assert record["fallbacks"] == [
                {"kind": "catch", "used": "its handler, after AttributeError", "wanted": "t.broken"}
            ]
            hashes.add(record["result_hash"])
            if accepted.proven is not None or (attempt and "sleeps" in program):
                break
        assert len(hashes) == 1

    on_a_runner(use)


@pytest.mark.parametrize("program", ["t.double", "t.double >> t.sleeps"])
def test_hooks_run_around_every_attempt_and_may_replace_the_input(on_a_runner, monkeypatch, program):
    @hookimpl
    async def pre_execute(context):
        calls.append(context.tenant)
        context.input = Decimal("0.005")

    @hookimpl
    def post_execute(context):
        calls.append(context.output)

    plugin = Plugin("hooked", "1.0.0", "hooked", Path("hooked"), ("hooked",), None)
    hooks = {
        function.__name__: (LifecycleHook(function, True, False, plugin),)
        for function in (pre_execute, post_execute)
    }
    monkeypatch.setattr(Registry, "lifecycle", hooks)

    async def use(runner):
        for _ in range(3):  # what is quick without hooks is not with them
            calls.clear()
            row = await finished(runner, await runner.execute(order(program), TERMS, wait_seconds=SLOW))
            assert row.result == b'"0.01"'
            assert [call for call in calls if call not in ("began", "ended")] == ["acme", Decimal("0.010")]
            record = msgspec.json.decode((await runner.store.calculation("acme", row.calculation_id)).record)
            assert record["input_hash"] == input_hash_of_value(Decimal("0.005"))

    on_a_runner(use)


@pytest.mark.parametrize("name", ["t.tariffs", "t.prices"])
def test_agents_that_are_classes_stay_open_until_the_end(on_a_runner, name, caplog):
    async def use(runner):
        for _ in range(2):
            row = await finished(runner, await runner.execute(order(name), TERMS, wait_seconds=0))
            assert row.state is State.COMPLETED

    on_a_runner(use)
    assert calls == ["setup", "call", "call", "close"]
    # One that cannot be closed is told, and the others are closed all the same.
    assert ("could not be closed: OSError: gone" in caplog.text) == (name == "t.prices")


def test_an_order_is_checked_before_it_is_accepted(on_a_runner):
    async def use(runner):
        for wrong, kind in (
            (order("t.dubble"), GcelError),
            (order("t.double", '"one"'), InputError),
            (Order("t.double", policy={"gwp_set": "AR5"}), InputError),
        ):
            with pytest.raises(kind):
                await runner.execute(wrong, TERMS, wait_seconds=0)
        assert (await runner.store.executions("acme", ExecutionFilter(), limit=5)).rows == ()

    on_a_runner(use)


def test_an_order_of_a_tenant_that_may_not_use_a_pack_is_not_accepted(on_a_runner, monkeypatch):
    def refuse(registry, agents, tenant):
        raise PackError(f"{[spec.name for spec in agents]} are not signed for {tenant}")

    monkeypatch.setattr(Registry, "admit", refuse)

    async def use(runner):
        with pytest.raises(PackError, match=r"\['t.double'\] are not signed for acme"):
            await runner.execute(order("t.double"), TERMS, wait_seconds=0)
        assert (await runner.store.executions("acme", ExecutionFilter(), limit=5)).rows == ()

    on_a_runner(use)


def test_what_fails_is_tried_again_until_it_succeeds(on_a_runner):
    async def use(runner):
        row = await finished(runner, await runner.execute(order("t.flaky"), TERMS, wait_seconds=0))
        assert (row.state, row.attempt, len(calls)) == (State.COMPLETED, 3, 3)
        types = [event.name for event in await runner.store.events("acme", row.id)]
        assert types == ["pending", "queued", *["running", "pending", "queued"] * 2, "running", "completed"]

    on_a_runner(use)


def test_what_fails_every_time_is_a_dead_letter_and_can_be_requeued(on_a_runner):
    async def use(runner):
        terms = Terms(tenant="acme", max_attempts=2)
        accepted = await runner.execute(order("t.flaky"), terms, wait_seconds=0)
        row = await finished(runner, accepted)
        assert (row.state, row.attempt) == (State.DEAD_LETTER, 2)
        error = msgspec.json.decode(row.error)
        assert error["message"] == "OSError: the meter does not answer"
        assert "t.flaky" in error["note"]
        assert await runner.requeue("acme", row.id)
        assert not await runner.requeue("acme", row.id)
        row = await finished(runner, accepted)
        assert (row.state, row.attempt, row.error) == (State.COMPLETED, 1, None)

    on_a_runner(use)


@pytest.mark.parametrize(
    ("program", "code", "told"),
    [
        ("t.broken", "agent", "AttributeError"),
        ("t.floats", "input", "0.5"),
        ("t.exits", "agent", "SystemExit"),
    ],
)
def test_a_bug_of_an_agent_fails_the_execution_and_nothing_else(on_a_runner, program, code, told):
    async def use(runner):
        terms = Terms(tenant="acme", max_attempts=1)
        row = await finished(runner, await runner.execute(order(program), terms, wait_seconds=0))
        assert row.state is (State.DEAD_LETTER if program == "t.exits" else State.FAILED)
        error = msgspec.json.decode(row.error)
        assert error["code"] == code
        assert told in error["message"]
        assert "Traceback" not in row.error.decode()
        row = await finished(runner, await runner.execute(order("t.double"), TERMS, wait_seconds=0))
        assert row.state is State.COMPLETED

    on_a_runner(use)


def test_a_deadline_ends_what_waits(on_a_runner):
    async def use(runner):
        # Long enough for a busy machine to begin it before it is too late.
        terms = Terms(tenant="acme", deadline_seconds=1)
        row = await finished(runner, await runner.execute(order("t.sleeps", "30"), terms, wait_seconds=0))
        assert (row.state, calls) == (State.TIMEOUT, ["began", "ended"])

    on_a_runner(use)


def test_cancelling_reaches_an_agent_at_work(on_a_runner):
    async def use(runner):
        accepted = await runner.execute(order("t.sleeps", "30"), TERMS, wait_seconds=0)
        while not calls:
            await asyncio.sleep(0.01)
        assert (await runner.cancel("acme", accepted.id)).cancel_requested
        row = await finished(runner, accepted)
        assert (row.state, calls) == (State.CANCELLED, ["began", "ended"])
        assert await runner.cancel("acme", "exec_unknown") is None

    on_a_runner(use)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("t.stops", "StopIteration"),
        ("t.cancels", "CancelledError"),
        ("t.odd", "meter-\\udcff.csv"),
        ("t.exits", "SystemExit"),
    ],
)
def test_whatever_an_agent_raises_ends_its_execution_and_no_other(on_a_runner, program, told):
    async def use(runner):
        terms = Terms(tenant="acme", max_attempts=2)
        row = await finished(runner, await runner.execute(order(program), terms, wait_seconds=0))
        assert row.state in (State.DEAD_LETTER, State.FAILED)
        assert told in msgspec.json.decode(row.error)["message"]
        assert calls.count("began") <= 2
        other = await finished(runner, await runner.execute(order("t.double"), TERMS, wait_seconds=0))
        assert other.state is State.COMPLETED

    on_a_runner(use, settings=RunnerSettings(concurrency=1, threads=1))


def test_a_deadline_counts_the_wait_for_a_thread(on_a_runner):
    async def use(runner):
        naps = order("identity * t.naps", f"[{', '.join(['1'] * 100)}]")
        first = await runner.execute(naps, TERMS, wait_seconds=0)
        terms = Terms(tenant="acme", deadline_seconds=0.3)
        late = await finished(runner, await runner.execute(order("t.naps"), terms, wait_seconds=0))
        assert late.state is State.TIMEOUT
        assert (await finished(runner, first)).state is State.COMPLETED

    on_a_runner(use, settings=RunnerSettings(threads=1))


def test_leases_that_are_set_anew_are_kept(on_a_runner):
    async def use(runner):
        accepted = await runner.execute(order("t.sleeps", "1.5"), TERMS, wait_seconds=0)
        while not calls:
            await asyncio.sleep(0.01)
        runner.settings = RunnerSettings(lease_seconds=6.0)
        row = await finished(runner, accepted)
        assert (row.state, row.attempt, calls) == (State.COMPLETED, 1, ["began", "ended"])

    on_a_runner(use, settings=RunnerSettings(lease_seconds=0.6))


@pytest.mark.parametrize("name", ["claim", "cancelled_of"])
def test_a_worker_goes_on_whatever_the_store_raises(on_a_runner, monkeypatch, name):
    async def use(runner):
        asked, met = getattr(runner.store, name), []

        async def fail_at_first(*arguments, **options):
            met.append(name)
            if len(met) < 3:
                raise RuntimeError("a row of another version")
            return await asked(*arguments, **options)

        monkeypatch.setattr(runner.store, name, fail_at_first)
        accepted = await runner.execute(order("t.sleeps", "1.5"), TERMS, wait_seconds=0)
        row = await finished(runner, accepted)
        assert (row.state, row.attempt) == (State.COMPLETED, 1)
        assert len(met) > 2

    on_a_runner(use, settings=RunnerSettings(lease_seconds=1.2))


def test_what_is_being_committed_is_not_cancelled(on_a_runner, monkeypatch):
    async def use(runner):
        change, refusals = runner.store.change, []

        async def refuse_at_first(changed):
            if changed.to is State.COMPLETED and len(refusals) < 3:
                refusals.append(changed)
                raise StoreError("the disk is full")
            return await change(changed)

        monkeypatch.setattr(runner.store, "change", refuse_at_first)
        accepted = await runner.execute(order("t.double"), TERMS, wait_seconds=0)
        while not refusals:
            await asyncio.sleep(0.01)
        await runner.cancel("acme", accepted.id)
        row = await finished(runner, accepted)
        assert (row.state, row.result) == (State.COMPLETED, b'"3"')

    on_a_runner(use)


def test_cancelling_ends_a_synchronous_plan_where_its_step_ends(on_a_runner):
    async def use(runner):
        accepted = await runner.execute(
            order("identity * t.naps", f"[{', '.join(['1'] * 1000)}]"), TERMS, wait_seconds=0
        )
        while not calls:
            await asyncio.sleep(0.01)
        await runner.cancel("acme", accepted.id)
        row = await finished(runner, accepted)
        assert row.state is State.CANCELLED
        count = len(calls)
        await asyncio.sleep(0.3)
        assert len(calls) <= count + 1

    on_a_runner(use)


def test_a_tenant_takes_no_more_than_its_share(on_a_runner):
    async def use(runner):
        for tenant in ("acme", "acme", "acme", "other"):
            await runner.execute(order("t.sleeps", "30"), Terms(tenant=tenant), wait_seconds=0)
        while len(calls) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.6)
        assert len(calls) == 3
        running = {
            tenant: (await runner.store.executions(tenant, RUNNING, limit=9)).rows
            for tenant in ("acme", "other")
        }
        assert {tenant: len(rows) for tenant, rows in running.items()} == {"acme": 2, "other": 1}
        await runner.cancel("acme", running["acme"][0].id)
        while calls.count("began") < 4:
            await asyncio.sleep(0.01)

    on_a_runner(use, settings=RunnerSettings(tenant_concurrency=2), grace=0)


def test_stopping_hands_back_what_did_not_finish_in_time(on_a_runner):
    async def use(runner):
        accepted = await runner.execute(order("t.sleeps", "30"), TERMS, wait_seconds=0)
        while not calls:
            await asyncio.sleep(0.01)
        await runner.stop(0.05)
        row = await runner.store.execution("acme", accepted.id)
        assert (row.state, row.worker, calls) == (State.QUEUED, None, ["began", "ended"])

    async def main():
        runner = make_runner(on_a_runner.url)
        await runner.start()
        await use(runner)
        await runner.store.close()

    asyncio.run(main())


def test_an_idempotency_key_gives_the_same_execution_back(on_a_runner):
    async def use(runner):
        terms = Terms(tenant="acme", idempotency_key="k")
        first = await runner.execute(order("t.double"), terms, wait_seconds=SLOW)
        for _ in range(2):
            again = await runner.execute(order("t.double"), terms, wait_seconds=SLOW)
            assert (again.id, again.fresh, again.same_order) == (first.id, False, True)
            assert again.row.result == b'"3"'
        other = await runner.execute(order("t.double", "2"), terms, wait_seconds=SLOW)
        assert (other.id, other.same_order) == (first.id, False)

    on_a_runner(use)


def test_a_lost_worker_is_replaced_and_cannot_finish_any_more(tmp_path):
    url = f"sqlite:{tmp_path / 'shared.db'}"

    async def main():
        lost = make_runner(url, RunnerSettings(lease_seconds=0.2))
        accepted = await lost.execute(order("t.double"), TERMS, wait_seconds=0)
        [row] = await lost.store.claim(lost.worker, limit=1, now=now(), lease=200_000)
        other = make_runner(url)
        await other.start()
        done = await other.wait("acme", accepted.id, SLOW)
        assert (done.state, done.token) == (State.COMPLETED, 2)
        await lost._work._failed(row, ValueError("too late"))
        assert (await other.store.execution("acme", row.id)).state is State.COMPLETED
        await other.stop(1)
        await other.store.close()
        await lost.store.close()

    asyncio.run(main())


def test_events_are_followed_to_the_end(on_a_runner):
    async def use(runner):
        accepted = await runner.execute(order("t.sleeps", "0.05"), TERMS, wait_seconds=0)
        seen = [event async for event in runner.follow("acme", accepted.id) if event is not None]
        assert [event.name for event in seen] == ["pending", "queued", "running", "completed"]
        rest = [event async for event in runner.follow("acme", accepted.id, after=seen[1].sequence)]
        assert [event.name for event in rest if event] == ["running", "completed"]

    on_a_runner(use)


def test_activity_data_gives_an_inventory(on_a_runner):
    rows = (
        b'[{"id": "A-01", "period": "2025-02", "activity": "natural gas", "quantity": 1500, "unit": "MMBtu",'
        b' "region": "US"}]'
    )

    async def use(runner):
        registry = Registry()
        runner.plans, runner.prover = PlanCache(registry), Prover(registry, Unsigned("a test"))
        asked = Order("ghg.intake >> (fuels.stationary | fuels.mobile) >> ghg.inventory", msgspec.Raw(rows))
        row = await finished(runner, await runner.execute(asked, TERMS, wait_seconds=0))
        assert row.state is State.COMPLETED, row.error
        assert b"inventory" in row.result

    on_a_runner(use)


def test_the_table_of_transitions_covers_every_state():
    assert set(TRANSITIONS) == set(State)
    assert {state for state in State if not TRANSITIONS[state]} == FINAL_STATES - {State.DEAD_LETTER}
    assert not may_become(State.COMPLETED, State.RUNNING)
    assert all(reason for reason in REASONS.values())
