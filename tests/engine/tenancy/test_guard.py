"""What holds executions of a tenant: how it stands, what it has used, and how both are known."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from greenlang.agents import agent
from greenlang.agents.spending import Spent, spending, use_tokens
from greenlang.engine.tenancy import Guard, Meter, Registrations, Standings, Tenants, quotas_of, standing
from greenlang.errors import AgentError, InputError, QuotaError, StoreError
from greenlang.stores import EventMetadata
from greenlang.stores.rows import EVERYBODY, Add, Administrator
from greenlang.stores.tables import METERING, QUOTA_WARNINGS, USAGE, AgentState

OPERATOR = Administrator("operations", "key:1")
MIA = EventMetadata("mia")
DAY = 86_400 * 1_000_000


@agent(name="acme.double", version="1.0.0")
def double(value: int) -> int:
    """Twice as much."""
    return 2 * value


def spec_of(made):
    return made.spec


def spent(cpu_microseconds=0, tokens=0):
    made = Spent()
    made.cpu_microseconds, made.tokens = cpu_microseconds, tokens
    return made


class TestStandings:
    def test_it_is_looked_for_once_and_again_after_a_change(self, run):
        async def use(store):
            tenants, standings = Tenants(store.rows), Standings(store.rows)
            assert (await standings.of("acme")).tenant is None
            await tenants.create(OPERATOR, "acme", name="Acme", tier="pro")
            assert standings.known("acme").tenant is None
            since = time.time_ns() // 1000 - 5_000_000
            await standings.forget_changes(since)
            assert standings.known("acme") is None
            assert (await standings.of("acme")).quotas.requests_a_minute == 600
            await Registrations(store.rows).register("acme", "acme.double", "1.0.0", by=MIA)
            await standings.forget_changes(since)
            assert set((await standings.of("acme")).refused) == {"acme.double@1.0.0"}

        run(use)

    def test_nothing_is_believed_for_long_without_a_look(self, run):
        now = 0.0

        async def use(store):
            nonlocal now
            standings = Standings(store.rows, lambda: now)
            await standings.of("acme")
            now = 30.0
            await standings.of("other")
            now = 59.0
            standings.forget_old()
            assert standings.known("acme") is not None
            now = 61.0
            standings.forget_old()
            assert standings.known("acme") is None
            assert standings.known("other") is not None

        run(use)

    def test_while_the_store_is_gone_what_was_known_holds(self, run, monkeypatch):
        now = 0.0

        async def use(store):
            nonlocal now
            asked = []
            await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="pro")
            standings = Standings(store.rows, lambda: now)
            known = await standings.of("acme")

            async def gone(*_, **__):
                asked.append(True)
                raise StoreError("gone")

            monkeypatch.setattr(store.rows, "rows", gone)
            now = 61.0
            following = asyncio.create_task(standings.follow())
            while not asked:
                await asyncio.sleep(0.01)
            following.cancel()
            assert await standings.of("acme") is known
            with pytest.raises(StoreError):
                await standings.of("never seen")

        run(use)

    @pytest.mark.parametrize("error", [StoreError("gone"), RuntimeError("a row of another version")])
    def test_what_changed_while_nobody_could_look_is_heard_of_later(self, run, monkeypatch, error):
        monkeypatch.setattr(standing, "_OVERLAP", 0)
        monkeypatch.setattr(standing, "_FOLLOW_SECONDS", 0.01)

        async def use(store):
            standings, rows = Standings(store.rows), store.rows.rows
            await standings.of("acme")
            asked = []

            async def gone(*_, **__):
                asked.append(True)
                raise error

            following = asyncio.create_task(standings.follow())
            await asyncio.sleep(0.05)
            monkeypatch.setattr(store.rows, "rows", gone)
            await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")
            asked.clear()
            async with asyncio.timeout(20):
                while len(asked) < 3:
                    await asyncio.sleep(0.01)
            monkeypatch.setattr(store.rows, "rows", rows)
            end = time.monotonic() + 2
            while standings.known("acme") is not None:
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            following.cancel()

        run(use)

    def test_whoever_follows_knows_within_two_seconds(self, run):
        async def use(store):
            standings = Standings(store.rows)
            await standings.of("acme")
            following = asyncio.create_task(standings.follow())
            await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")
            end = time.monotonic() + 2.5
            while standings.known("acme") is not None:
                assert time.monotonic() < end
                await asyncio.sleep(0.05)
            following.cancel()

        run(use)


class TestRefusals:
    @pytest.mark.parametrize("state", [AgentState.PAUSED, AgentState.RETIRED])
    def test_an_agent_that_is_paused_or_retired_is_refused_and_said_why(self, run, state):
        async def use(store):
            guard, registrations = Guard(store.rows), Registrations(store.rows)
            name = ("acme", "acme.double", "1.0.0")
            await registrations.register(*name, by=MIA)
            await guard.look_at("acme")
            with pytest.raises(AgentError, match="is staged for tenant 'acme'; have it deployed first"):
                guard.admit([spec_of(double)], "acme")
            await registrations.move(*name, AgentState.ACTIVE, by=MIA)
            guard.standings.forget("acme")
            await guard.look_at("acme")
            guard.admit([spec_of(double)], "acme")
            await registrations.move(*name, state, reason="factor was wrong", by=MIA)
            guard.standings.forget("acme")
            await guard.look_at("acme")
            with pytest.raises(AgentError, match=rf"is {state} for tenant 'acme' \(factor was wrong\)"):
                guard.admit([spec_of(double)], "acme")
            await guard.look_at("other")
            guard.admit([spec_of(double)], "other")

        run(use)


class TestQuotas:
    @pytest.mark.parametrize(
        ("name", "used", "limit"),
        [
            ("daily_executions", {"executions": 10}, 10),
            ("daily_compute_minutes", {"cpu": 10 * 60_000_000}, 10),
            ("daily_tokens", {"tokens": 10}, 10),
        ],
    )
    def test_what_is_used_up_is_refused_until_the_day_ends(self, run, name, used, limit):
        at = 20_000 * DAY + DAY // 2

        async def use(store):
            nonlocal at
            meter = Meter(store.rows, lambda: at)
            quotas = replace(quotas_of("acme", "enterprise", at), **{name: limit})
            meter.hold("acme", quotas)
            for _ in range(used.get("executions", 0)):
                meter.count("acme")
            meter.spend("acme", "exec_1", 1, spent(used.get("cpu", 0), used.get("tokens", 0)))
            with pytest.raises(QuotaError, match=f"has used 10 of 10 {name.replace('_', ' ')}") as caught:
                meter.hold("acme", quotas)
            assert caught.value.retry_seconds == 43_200
            await meter.flush()
            other_node = Meter(store.rows, lambda: at)
            await other_node.load("acme")
            with pytest.raises(QuotaError):
                other_node.hold("acme", quotas)
            at += DAY
            meter.hold("acme", quotas)

        run(use)

    def test_a_warning_is_told_once_by_whichever_node_notices(self, run):
        async def use(store):
            quotas = quotas_of("acme", "free", 1)
            nodes = [Meter(store.rows) for _ in range(2)]
            for meter in nodes:
                for _ in range(400):
                    meter.count("acme")
                meter.hold("acme", quotas)
                await meter.flush()
            assert await store.rows.rows("acme", QUOTA_WARNINGS) == ()
            for meter in nodes:
                await meter.load("acme")
                for _ in range(3):
                    meter.hold("acme", quotas)
                await meter.flush()
            (warning,) = await store.rows.rows("acme", QUOTA_WARNINGS)
            assert (warning.quota, warning.used, warning.allowed) == ("daily_executions", 800, 1000)
            (event,) = await store.events("acme", "acme", aggregate_type="tenant")
            assert event.event_type == "tenant.quota_warning"

        run(use)

    def test_what_is_stored_counts_too(self, run):
        async def use(store):
            meter = Meter(store.rows)
            (await meter.load("acme")).stored_bytes = 1024**3
            with pytest.raises(QuotaError, match="storage bytes"):
                meter.hold("acme", quotas_of("acme", "free", 1))

        run(use)


class TestMetering:
    def test_each_attempt_is_written_down_and_the_day_added_up(self, run):
        async def use(store):
            meter = Meter(store.rows)
            for number in range(3):
                meter.count("acme")
                meter.spend("acme", f"exec_{number}", 1, spent(1000, 7))
            meter.spend("acme", "exec_0", 2, spent(500, 0))
            await meter.flush()
            await meter.flush()
            records = await store.rows.rows("acme", METERING)
            assert [(one.execution_id, one.attempt, one.cpu_microseconds, one.tokens) for one in records] == [
                ("exec_0", 1, 1000, 7),
                ("exec_0", 2, 500, 0),
                ("exec_1", 1, 1000, 7),
                ("exec_2", 1, 1000, 7),
            ]
            (usage,) = await store.rows.rows(EVERYBODY, USAGE)
            assert (usage.executions, usage.cpu_microseconds, usage.tokens) == (3, 3500, 21)

        run(use)

    def test_what_could_not_be_written_is_written_later_and_once(self, run, monkeypatch):
        async def use(store):
            meter = Meter(store.rows)
            meter.count("acme")
            meter.spend("acme", "exec_1", 1, spent(5, 5))
            write = store.rows.write

            async def gone(*_):
                raise StoreError("gone")

            monkeypatch.setattr(store.rows, "write", gone)
            with pytest.raises(StoreError):
                await meter.flush()
            meter._records.clear()
            with pytest.raises(StoreError):
                await meter.flush()
            monkeypatch.setattr(store.rows, "write", write)
            await meter.flush()
            await meter.flush()
            (usage,) = await store.rows.rows("acme", USAGE)
            assert (usage.executions, usage.tokens) == (1, 5)

        run(use)

    def test_what_is_used_while_the_store_writes_is_written_too(self, run, monkeypatch):
        async def use(store):
            meter = Meter(store.rows)
            write = store.rows.write

            async def meanwhile(scope, changes):
                monkeypatch.setattr(store.rows, "write", write)
                meter.spend("acme", "exec_2", 1, spent(1))
                meter.warn("acme", "storage_bytes", 8, 10)
                return await write(scope, changes)

            meter.warn("acme", "daily_tokens", 8, 10)
            monkeypatch.setattr(store.rows, "write", meanwhile)
            await meter.flush()
            told = await store.rows.rows("acme", QUOTA_WARNINGS)
            assert {one.quota for one in told} == {"daily_tokens", "storage_bytes"}
            meter.spend("acme", "exec_1", 1, spent(1))
            monkeypatch.setattr(store.rows, "write", meanwhile)
            await meter.flush()
            await meter.flush()
            kept = await store.rows.rows("acme", METERING)
            assert [one.execution_id for one in kept] == ["exec_1", "exec_2"]

        run(use)

    def test_what_was_used_in_the_last_second_of_a_day_is_not_lost(self, run):
        at = 20_000 * DAY + DAY - 1

        async def use(store):
            nonlocal at
            meter = Meter(store.rows, lambda: at)
            meter.count("acme")
            at += 1
            await meter.load("acme")
            meter.count("acme")
            await meter.flush()
            usage = await store.rows.rows("acme", USAGE)
            assert [(one.day, one.executions) for one in usage] == [(20_000, 1), (20_001, 1)]

        run(use)

    def test_a_guard_that_stops_writes_all_and_nothing_twice(self, run, monkeypatch):
        async def use(store):
            guard = Guard(store.rows)
            write, begun = store.rows.write, asyncio.Event()

            async def write_slowly(scope, changes):
                if isinstance(changes[0], Add):
                    begun.set()
                    await asyncio.sleep(0.05)
                return await write(scope, changes)

            monkeypatch.setattr(store.rows, "write", write_slowly)
            guard.start()
            guard.meter.count("acme")
            guard.meter.spend("acme", "exec_1", 1, spent(3))
            await begun.wait()
            guard.meter.count("acme")
            await guard.stop()
            (usage,) = await store.rows.rows("acme", USAGE)
            assert (usage.executions, usage.cpu_microseconds) == (2, 3)
            assert len(await store.rows.rows("acme", METERING)) == 1

        run(use)

    def test_tokens_count_where_somebody_counts_them(self):
        use_tokens(3)
        counted = Spent()
        with spending(counted):
            use_tokens(3)
            use_tokens(4)
            end = time.thread_time() + 0.01
            while time.thread_time() < end:
                pass
        assert counted.tokens == 7
        assert 10_000 <= counted.cpu_microseconds < 1_000_000
        for wrong in (-1, 1.5, "1"):
            with pytest.raises(InputError, match="is no number of tokens"):
                use_tokens(wrong)
