"""Limits of tenants: the same in this process and in Redis, and before the API."""

import asyncio
import itertools
import time

import pytest
from redis_server import redis

from greenlang.channels import connection
from greenlang.service.limits import Allowance, Gate, InProcessLimiter, LimitSettings
from greenlang.service.sharing import share
from greenlang.service.wire import Refusal

SUM = {"program": "sum", "input": [1, 2.25]}
EVENLY = Allowance(1000, 1000)

_numbers = itertools.count()


@pytest.fixture(params=["in process", "redis"])
def limited(request, monkeypatch):
    """Runs a test's coroutine with a limiter and a key that nobody used."""
    # On a machine that stalls Redis is waited for: what counts instead while it is gone has tests of its own.
    monkeypatch.setattr(connection, "_TIMEOUT_SECONDS", 20.0)
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def run(use):
        async def main():
            sharing = share(None if server is None else server.url)
            try:
                return await use(sharing.limiter, f"tenant-{next(_numbers)}")
            finally:
                await sharing.close()

        return asyncio.run(main())

    return run


def test_no_more_is_taken_than_is_allowed(limited):
    async def use(limiter, key):
        return [await limiter.take(key, Allowance(5, 5)) for _ in range(8)]

    taken = limited(use)
    assert [each.allowed for each in taken] == [True] * 5 + [False] * 3
    assert [each.remaining for each in taken] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert all(59 < each.reset_seconds <= 60 for each in taken)


def test_a_burst_ends_with_its_second(limited):
    async def use(limiter, key):
        allowance = Allowance(100, 3)
        first = [await limiter.take(key, allowance) for _ in range(5)]
        await asyncio.sleep(first[-1].reset_seconds + 0.01)
        return first, await limiter.take(key, allowance)

    first, later = limited(use)
    assert [each.allowed for each in first] == [True, True, True, False, False]
    assert 0 < first[-1].reset_seconds <= 1
    assert (later.allowed, later.remaining) == (True, 96)


def test_tenants_take_from_their_own(limited):
    async def use(limiter, key):
        await limiter.take(key, Allowance(1, 1))
        refused = await limiter.take(key, Allowance(1, 1))
        return refused.allowed, (await limiter.take(key + "x", Allowance(1, 1))).allowed

    assert limited(use) == (False, True)


def test_what_is_taken_at_once_is_counted_once_each(limited):
    async def use(limiter, key):
        taken = await asyncio.gather(*(limiter.take(key, Allowance(50, 50)) for _ in range(200)))
        return sum(each.allowed for each in taken)

    assert limited(use) == 50


def test_the_window_slides():
    """In process alone: on a clock that is set by hand."""
    now = 0.0
    limiter = InProcessLimiter(lambda: now)

    async def use():
        nonlocal now
        allowed = 0
        # Ten a minute, asked for every second over ten minutes: never more than ten in any minute.
        times = []
        for second in range(600):
            now = float(second)
            if (await limiter.take("k", Allowance(10, 10))).allowed:
                allowed += 1
                times.append(second)
        return allowed, times

    allowed, times = asyncio.run(use())
    assert allowed == 100
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))


def test_processes_share_what_redis_counts(redis_server):
    async def use():
        nodes = [share(redis_server.url) for _ in range(3)]
        taken = [await node.limiter.take("shared", Allowance(7, 7)) for node in nodes * 4]
        for node in nodes:
            await node.close()
        return sum(each.allowed for each in taken)

    assert asyncio.run(use()) == 7


def test_what_redis_counts_leaves_the_window_and_then_redis(redis_server):
    """What was taken is put there as if it had been some time ago."""

    async def use():
        sharing = share(redis_server.url)
        client, name = sharing.redis.client, "greenlang:limit:aged"
        now = int(time.time() * 1e6)
        await client.rpush(name, *(now - seconds * 1_000_000 for seconds in (90, 61, 59, 30)))
        taken = [await sharing.limiter.take("aged", Allowance(4, 4)) for _ in range(3)]
        kept, left = await client.llen(name), await client.pttl(name)
        await sharing.close()
        return taken, kept, left

    taken, kept, left = asyncio.run(use())
    assert [(each.allowed, each.remaining) for each in taken] == [(True, 1), (True, 0), (False, 0)]
    assert 0 < taken[2].reset_seconds <= 1
    assert kept == 4
    assert 115_000 < left <= 120_000


def test_without_redis_each_process_counts_for_itself(tmp_path):
    with redis(tmp_path) as server:

        async def use():
            sharing = share(server.url)
            limiter = sharing.limiter
            assert (await limiter.take("k", Allowance(3, 3))).allowed
            server.stop()
            began = time.monotonic()
            alone = [(await limiter.take("k", Allowance(3, 3))).allowed for _ in range(5)]
            assert time.monotonic() - began < 2
            server.start()
            await asyncio.sleep(1.1)
            back = await limiter.take("k", Allowance(3, 3))
            await sharing.close()
            return alone, back.remaining

        alone, remaining = asyncio.run(use())
    assert alone == [True, True, True, False, False]
    assert remaining == 2  # Redis kept nothing, and counts again


def test_what_is_given_back_can_be_taken_again(limited):
    async def use(limiter, key):
        for _ in range(2):
            await limiter.take(key, Allowance(2, 2))
        await limiter.give_back(key)
        return [(await limiter.take(key, Allowance(2, 2))).allowed for _ in range(2)]

    assert limited(use) == [True, False]


def test_tenants_share_no_allowance_whatever_they_are_called():
    """One is called as another's operation is counted under, in an earlier version."""

    async def main():
        gate = Gate(LimitSettings(burst=60.0, operations={"create_key": 2}))
        for tenant, operation in [
            ("acme", "create_key"),
            ("acme:create_key", "agents"),
            ("acme", "create_key"),
        ]:
            await gate.pass_through(tenant, operation)

    asyncio.run(main())


def test_a_tenant_with_a_quota_is_limited_by_it_whatever_is_configured_and_warned_of_its_end():
    async def use(settings):
        warned = []
        gate = Gate(settings, lambda *told: warned.append(told))
        limits = {dict(await gate.pass_through("acme", "agents", 10))["X-RateLimit-Limit"]}
        for _ in range(9):
            limits.add(dict(await gate.pass_through("acme", "agents", 10))["X-RateLimit-Limit"])
        return limits, warned

    # Of ten a minute all but two are spent when it is told.
    limits, warned = asyncio.run(use(LimitSettings(burst=60.0, tier="enterprise")))
    assert limits == {"10"}
    assert warned == [("acme", 8, 10), ("acme", 9, 10), ("acme", 10, 10)]
    assert asyncio.run(Gate(None).pass_through("anybody", "agents")) == ()


def test_what_the_tier_refuses_spends_nothing_of_the_operation():
    settings = LimitSettings(burst=60.0, operations={"agents": 61})

    async def main():
        gate = Gate(settings)
        for _ in range(60):
            await gate.pass_through("acme", "agents")
        for _ in range(5):
            with pytest.raises(Refusal):
                await gate.pass_through("acme", "agents")
        gate.settings = LimitSettings(burst=60.0, tier="pro", operations={"agents": 61})
        await gate.pass_through("acme", "agents")

    asyncio.run(main())


@pytest.fixture(scope="module", params=["in process", "redis"])
def limited_server(request, serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("limited")
    shared = ["--redis", request.getfixturevalue("redis_server").url] if request.param == "redis" else []
    (folder / "serve.toml").write_text("[limits]\nburst = 60.0\n[limits.operations]\nagents = 3\n")
    served = serve("memory:", folder, "--config", str(folder / "serve.toml"), *shared)
    yield served
    assert served.stop() == 0


class TestGate:
    def test_what_is_left_is_told_with_what_is_refused_for_another_reason(self, limited_server):
        plain, picture = {}, {"Accept": "image/png"}
        for path, headers, status in (
            ("/v1/executions?page=2", plain, 400),
            ("/v1/executions/exec_unknown", plain, 404),
            ("/v1/executions", picture, 406),
        ):
            response, _ = limited_server.call("GET", path, **headers)
            assert response.status == status
            assert response.getheader("X-RateLimit-Limit") == "60"

    def test_what_is_left_is_told_and_then_refused(self, limited_server):
        answers = [limited_server.call("GET", "/v1/agents") for _ in range(4)]
        assert [response.status for response, _ in answers] == [200, 200, 200, 429]
        assert [int(response.getheader("X-RateLimit-Limit")) for response, _ in answers] == [60, 60, 60, 3]
        response, told = answers[-1]
        assert told["errors"][0]["code"] == "rate_limit"
        assert 1 <= int(response.getheader("Retry-After")) <= 60
        before = int(answers[2][0].getheader("X-RateLimit-Remaining"))
        statuses = [
            limited_server.call("POST", "/v1/workflows/execute", SUM)[0].status for _ in range(before + 2)
        ]
        assert statuses == [200] * before + [429] * 2

    def test_health_is_never_limited(self, limited_server):
        assert {limited_server.call("GET", "/health/live")[0].status for _ in range(100)} == {200}
