"""Nodes that share a store and a Redis tell one another at once; without Redis they look at the store.

Looking at the store now and then is put off for minutes where a test is to show that it is not what helps.
"""

import asyncio
import contextlib
import time
from decimal import Decimal

import msgspec
import pytest
from redis_server import redis
from stored import seal

import greenlang as gl
from greenlang.agents import Registry
from greenlang.engine.executions import Order, PlanCache, Prover, Runner, Terms
from greenlang.engine.tenancy import Guard, note
from greenlang.errors import InputError
from greenlang.ledger import Unsigned
from greenlang.service.identity import new_api_key
from greenlang.service.reads import Reads
from greenlang.service.roles import Role
from greenlang.service.sharing import share
from greenlang.stores import State, open_store

TERMS = Terms(tenant="acme")
LONG = 120.0


@gl.agent(name="t.waits", version="1.0.0", effects={"io"})
async def waits(x: Decimal) -> Decimal:
    await asyncio.sleep(float(x))
    return x


@pytest.fixture
def seldom(monkeypatch):
    """Nobody looks at the store by themselves while a test runs."""
    monkeypatch.setattr("greenlang.engine.executions.watching.POLL_SECONDS", LONG)
    monkeypatch.setattr("greenlang.queues.in_redis._PATIENCE_SECONDS", LONG)


class Node:
    """A runner, and what it shares; it claims nothing until it is started."""

    def __init__(self, server, database):
        registry = Registry([waits])
        prover = Prover(registry, Unsigned("a test"))
        self.sharing = share(server.url, stale_seconds=0.5)
        self.store = open_store(f"sqlite:{database}", prover.seal)
        self.reads = Reads(self.store, self.sharing.cache, remembered_seconds=0.5)
        self.runner = Runner(
            self.store,
            PlanCache(registry),
            prover,
            queue=self.sharing.queue,
            broadcast=self.sharing.broadcast,
        )

    async def accept(self, seconds="0.01"):
        order = Order("t.waits", msgspec.Raw(f'"{seconds}"'.encode()))
        return (await self.runner.execute(order, TERMS, wait_seconds=0)).id

    async def close(self):
        if self.runner.is_claiming:
            await self.runner.stop(5.0)
        await self.sharing.close()
        await self.store.close()


def nodes(server, tmp_path, use, count=2):
    async def main():
        made = [Node(server, tmp_path / "runtime.db") for _ in range(count)]
        try:
            await use(*made)
        finally:
            for each in made:
                await each.close()

    asyncio.run(main())


def test_what_one_node_accepted_another_takes_up_at_once(redis_server, tmp_path, seldom):
    async def use(accepting, working):
        await working.runner.start()
        await asyncio.sleep(0.3)
        for _ in range(5):
            began = time.monotonic()
            name = await accepting.accept()
            assert (await accepting.runner.wait("acme", name, 5)).state is State.COMPLETED
            assert time.monotonic() - began < 1
            taken_up = (await accepting.store.events("acme", name))[2]
            assert working.runner.worker.encode() in bytes(taken_up.payload)

    nodes(redis_server, tmp_path, use)


def test_another_node_hears_of_each_change_at_once(redis_server, tmp_path, seldom):
    async def use(following, working):
        await working.runner.start()
        name = await following.accept("0.3")
        heard = []

        async def follow():
            async for event in following.runner.follow("acme", name):
                heard.append((event.event_type, time.time() - event.timestamp.timestamp()))

        await asyncio.wait_for(follow(), 10)
        assert [told for told, _ in heard] == [
            f"execution.{state}" for state in ("pending", "queued", "running", "completed")
        ]
        assert heard[-1][1] < 0.2

    nodes(redis_server, tmp_path, use)


def test_a_signal_that_is_lost_costs_a_moment(redis_server, tmp_path):
    async def use(accepting, working):
        name = await accepting.accept()
        await asyncio.sleep(0.1)
        await accepting.sharing.redis.client.flushall()
        began = time.monotonic()
        await working.runner.start()
        assert (await working.runner.wait("acme", name, 10)).state is State.COMPLETED
        assert time.monotonic() - began < 3

    nodes(redis_server, tmp_path, use)


def test_what_runs_when_a_node_stops_is_taken_up_by_another_at_once(redis_server, tmp_path, seldom):
    async def use(stopping, working):
        await stopping.runner.start()
        name = await stopping.accept("2")
        while (await working.store.execution("acme", name)).worker != stopping.runner.worker:
            await asyncio.sleep(0.01)
        await working.runner.start()
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await stopping.runner.stop(0.0)
        while (await working.store.execution("acme", name)).worker != working.runner.worker:
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.01)

    nodes(redis_server, tmp_path, use)


def test_redis_may_go_and_come_back_while_nodes_work(tmp_path):
    """Everything ends once, also what is accepted while it is gone."""
    with redis(tmp_path) as server:

        async def use(*made):
            for node in made:
                await node.runner.start()
            names = []

            async def load(seconds):
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    for node in made:
                        names.append(await node.accept())
                    await asyncio.sleep(0.02)

            await load(0.5)
            server.stop()
            await load(1.0)
            server.start()
            await load(2.0)
            for name in names:
                assert (await made[0].runner.wait("acme", name, 20)).state is State.COMPLETED
            for name in names:
                events = await made[0].store.events("acme", name)
                assert [event.event_type for event in events].count("execution.completed") == 1
            began = time.monotonic()  # and it is as quick as before
            name = await made[0].accept()
            assert (await made[1].runner.wait("acme", name, 5)).state is State.COMPLETED
            assert time.monotonic() - began < 0.5
            assert all(node.sharing.redis.answers for node in made)

        nodes(server, tmp_path, use, count=3)


def test_a_key_that_is_revoked_ends_on_every_node_at_once(redis_server, tmp_path):
    async def use(one, other):
        made = new_api_key("acme", frozenset({Role.VIEWER}), name="k", at=1, expires_at=None)
        await one.store.add_api_key(made.kept)
        while not (one.sharing.broadcast.hears and other.sharing.broadcast.hears):
            await asyncio.sleep(0.01)
        for node in (one, other):
            assert (await node.reads.api_key(made.kept.id)).revoked_at is None
        await asyncio.sleep(0.7)  # longer than without Redis
        await one.store.revoke_api_key("acme", made.kept.id, at=2)
        assert (await other.reads.api_key(made.kept.id)).revoked_at is None  # it is kept: nobody was told
        await one.reads.forget_api_key(made.kept.id)
        began = time.monotonic()
        while (await other.reads.api_key(made.kept.id)).revoked_at is None:
            assert time.monotonic() - began < 0.5
            await asyncio.sleep(0.002)
        assert (await one.reads.api_key(made.kept.id)).revoked_at == 2

    nodes(redis_server, tmp_path, use)


def test_without_redis_a_revoked_key_lives_no_longer_than_the_setting_says(tmp_path):
    with redis(tmp_path) as server:

        async def use(one, other):
            made = new_api_key("acme", frozenset({Role.VIEWER}), name="k", at=1, expires_at=None)
            await one.store.add_api_key(made.kept)
            while not other.sharing.broadcast.hears:
                await asyncio.sleep(0.01)
            await other.reads.api_key(made.kept.id)
            server.stop()
            while other.sharing.broadcast.hears:
                await asyncio.sleep(0.01)
            assert (await other.reads.api_key(made.kept.id)).revoked_at is None
            began = time.monotonic()
            await one.store.revoke_api_key("acme", made.kept.id, at=2)
            await one.reads.forget_api_key(made.kept.id)
            while (await other.reads.api_key(made.kept.id)).revoked_at is None:
                assert time.monotonic() - began < 1.0  # it is 0.5 s here
                await asyncio.sleep(0.01)

        nodes(server, tmp_path, use)


def test_without_redis_the_audit_log_ends_a_revoked_key(tmp_path):
    """Long before it would be looked for again."""

    async def main():
        stores = [open_store(f"sqlite:{tmp_path / 'runtime.db'}", seal) for _ in range(2)]
        shared = [share(None) for _ in stores]
        one, other = (
            Reads(store, each.cache, remembered_seconds=LONG)
            for store, each in zip(stores, shared, strict=True)
        )
        guard = Guard(stores[1].rows, heard=other.hear)
        made = new_api_key("acme", frozenset({Role.VIEWER}), name="k", at=1, expires_at=None)
        await stores[0].add_api_key(made.kept)
        assert (await other.api_key(made.kept.id)).revoked_at is None
        guard.start()
        await note(stores[0].rows, "acme", "user:boss", "key.revoked", made.kept.id)
        await stores[0].revoke_api_key("acme", made.kept.id, at=2)
        await one.forget_api_key(made.kept.id)
        began = time.monotonic()
        while (await other.api_key(made.kept.id)).revoked_at is None:
            assert time.monotonic() - began < 4
            await asyncio.sleep(0.02)
        await guard.stop()
        for each in (*shared, *stores):
            await each.close()

    asyncio.run(main())


def test_a_key_is_never_kept_where_the_setting_says_so(tmp_path):
    async def main():
        store = open_store("memory:", Prover(Registry([waits]), Unsigned("a test")).seal)
        sharing = share(None)
        reads = Reads(store, sharing.cache, remembered_seconds=0.0)
        made = new_api_key("acme", frozenset({Role.VIEWER}), name="k", at=1, expires_at=None)
        await store.add_api_key(made.kept)
        assert (await reads.api_key(made.kept.id)).revoked_at is None
        await store.revoke_api_key("acme", made.kept.id, at=2)
        assert (await reads.api_key(made.kept.id)).revoked_at == 2
        await sharing.close()
        await store.close()

    asyncio.run(main())


def test_what_has_ended_is_read_once_and_what_runs_each_time(redis_server, tmp_path):
    async def use(node, other):
        name = await node.accept("0.2")
        assert (await node.reads.execution("acme", name)).state is State.QUEUED
        await node.runner.start()
        await node.runner.wait("acme", name, 10)
        ended = await node.reads.execution("acme", name)
        assert ended.state is State.COMPLETED
        proved = await node.reads.calculation("acme", ended.calculation_id)
        await node.store.purge(before=2**62)
        assert await node.reads.execution("acme", name) == ended
        assert await node.reads.execution("globex", name) is None
        assert await node.store.execution("acme", name) is None
        assert await other.reads.calculation("acme", ended.calculation_id) == proved
        assert await other.reads.calculation("globex", ended.calculation_id) is None

    nodes(redis_server, tmp_path, use)


@pytest.mark.parametrize("url", ["http://example.org", "redis://localhost:port/0"])
def test_a_url_that_is_none_of_a_redis_is_refused(url):
    with pytest.raises(InputError, match="redis://host:port/database"):
        share(url)


def test_a_redis_that_is_not_there_stops_nobody(tmp_path):
    class Nowhere:
        url = "redis://127.0.0.1:1/0"

    async def use(node):
        await node.runner.start()
        name = await node.accept()
        assert (await node.runner.wait("acme", name, 5)).state is State.COMPLETED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while node.sharing.redis.answers:
                    await asyncio.sleep(0.01)
        assert not node.sharing.redis.answers

    nodes(Nowhere, tmp_path, use, count=1)
