"""What every cache promises, within a process and between them."""

import asyncio
import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis_server import redis

from greenlang.caches import InProcessCache, Kind
from greenlang.caches.in_redis import RedisCache
from greenlang.channels.connection import RedisConnection
from greenlang.channels.in_redis import RedisBroadcast

KEYS = Kind("key", "1", seconds=30, alone_seconds=30)

_names = itertools.count(1)


@pytest.fixture
def name():
    return f"name-{next(_names)}"


class Source:
    """Where things are kept for good."""

    def __init__(self, value=b"first", seconds=0.0):
        self.value = value
        self.seconds = seconds
        self.loads = 0

    async def load(self):
        self.loads += 1
        value = self.value
        await asyncio.sleep(self.seconds)
        if isinstance(value, Exception):
            raise value
        return value


class Node:
    """A cache with a Redis of its own connection."""

    def __init__(self, server):
        self.connection = RedisConnection(server.url)
        self.broadcast = RedisBroadcast(self.connection)
        self.cache = RedisCache(self.connection, self.broadcast)

    async def until_it_hears(self, hears=True):
        async with asyncio.timeout(10):
            while self.broadcast.hears != hears:
                await asyncio.sleep(0.005)

    async def close(self):
        await self.cache.close()
        await self.broadcast.close()
        await self.connection.close()


@pytest.fixture(params=["in process", "redis"])
def caching(request):
    """Runs a test's coroutine with a cache."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def run(use):
        async def main():
            if server is None:
                await use(InProcessCache())
                return
            node = Node(server)
            await node.until_it_hears()
            await use(node.cache)
            await node.close()

        asyncio.run(main())

    return run


def test_what_was_loaded_is_kept(caching, name):
    async def use(cache):
        source = Source()
        assert [await cache.fetch(KEYS, "acme", name, source.load) for _ in range(3)] == [b"first"] * 3
        assert source.loads == 1

    caching(use)


def test_each_look_is_counted_where_it_was_taken(caching, name):
    async def use(cache):
        before = cache.looks()
        for _ in range(3):
            await cache.fetch(KEYS, "acme", name, Source().load)
        after = cache.looks()
        taken = {where: tuple(map(int.__sub__, after[where], before[where])) for where in after}
        assert taken == {"process": (2, 1), "redis": (0, 1)} or taken == {"process": (2, 1)}

    caching(use)


def test_what_another_node_loaded_counts_as_found_in_redis(redis_server, name):
    async def use(one, other):
        for node in (one, other):
            await node.cache.fetch(KEYS, "acme", name, Source().load)
        assert one.cache.looks() == {"process": (0, 1), "redis": (0, 1)}
        assert other.cache.looks() == {"process": (0, 1), "redis": (1, 0)}

    nodes(redis_server, use)


def test_what_was_dropped_is_loaded_anew(caching, name):
    async def use(cache):
        source = Source()
        await cache.fetch(KEYS, "acme", name, source.load)
        source.value = b"second"
        await cache.drop(KEYS, "acme", name)
        assert await cache.fetch(KEYS, "acme", name, source.load) == b"second"
        assert await cache.fetch(KEYS, "acme", name, source.load) == b"second"
        assert source.loads == 2

    caching(use)


def test_what_is_old_is_loaded_anew(caching, name):
    async def use(cache):
        source, short = Source(), Kind("key", "1", seconds=0.2, alone_seconds=0.2)
        await cache.fetch(short, "acme", name, source.load)
        source.value = b"second"
        await asyncio.sleep(0.25)
        assert await cache.fetch(short, "acme", name, source.load) == b"second"

    caching(use)


def test_of_many_who_ask_at_once_one_loads(caching, name):
    async def use(cache):
        source = Source(seconds=0.05)
        fetched = await asyncio.gather(*(cache.fetch(KEYS, "acme", name, source.load) for _ in range(100)))
        assert (set(fetched), source.loads) == ({b"first"}, 1)

    caching(use)


def test_nothing_is_not_kept_and_nobody_goes_by_what_was_before_they_asked(caching, name):
    async def use(cache):
        source = Source(None, seconds=0.05)
        early = asyncio.create_task(cache.fetch(KEYS, "acme", name, source.load))
        await asyncio.sleep(0.02)
        source.value = b"there now"
        assert await cache.fetch(KEYS, "acme", name, source.load) == b"there now"
        assert await early is None

    caching(use)


def test_what_is_dropped_while_it_is_loaded_is_not_kept(caching, name):
    async def use(cache):
        source = Source(seconds=0.1)
        early = asyncio.create_task(cache.fetch(KEYS, "acme", name, source.load))
        await asyncio.sleep(0.05)
        source.value = b"second"
        await cache.drop(KEYS, "acme", name)
        assert await early == b"first"
        assert await cache.fetch(KEYS, "acme", name, source.load) == b"second"

    caching(use)


def test_a_load_that_fails_fails_for_who_asked_and_is_tried_again(caching, name):
    async def use(cache):
        source = Source(ValueError("the store is gone"))
        with pytest.raises(ValueError, match="gone"):
            await cache.fetch(KEYS, "acme", name, source.load)
        source.value = b"back"
        began = time.monotonic()
        assert await cache.fetch(KEYS, "acme", name, source.load) == b"back"
        assert time.monotonic() - began < 0.5

    caching(use)


def test_who_is_cancelled_spoils_nothing_for_others(caching, name):
    async def use(cache):
        source = Source(seconds=0.1)
        first = asyncio.create_task(cache.fetch(KEYS, "acme", name, source.load))
        await asyncio.sleep(0.03)
        other = asyncio.create_task(cache.fetch(KEYS, "acme", name, source.load))
        await asyncio.sleep(0.03)
        first.cancel()
        assert await other == b"first"
        assert source.loads == 1

    caching(use)


def test_tenants_kinds_and_versions_share_nothing(caching, name):
    async def use(cache):
        later = Kind("key", "2", seconds=30, alone_seconds=30)
        other = Kind("execution", "1", seconds=30, alone_seconds=30)
        wanted = [(KEYS, "acme"), (KEYS, "globex"), (later, "acme"), (other, "acme")]
        sources = [Source(b"%d" % number) for number in range(len(wanted))]
        for _ in range(2):
            for (kind, tenant), source in zip(wanted, sources, strict=True):
                assert await cache.fetch(kind, tenant, name, source.load) == source.value
        assert [source.loads for source in sources] == [1] * len(wanted)

    caching(use)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["fetch", "land", "change"]), max_size=30))
def test_nobody_gets_what_was_dropped_before_they_asked(caching, steps):
    """Loads that begin, land and are overtaken by changes in every order."""

    async def use(cache):
        version, key = 0, f"turns-{next(_names)}"
        loading, fetching = [], []

        async def load():
            read = version
            landed = asyncio.get_running_loop().create_future()
            loading.append(landed)
            await landed
            return b"%d" % read

        async def fetch(least):
            assert int(await cache.fetch(KEYS, "acme", key, load)) >= least

        for step in [*steps, *["land"] * len(steps)]:
            if step == "fetch":
                fetching.append(asyncio.create_task(fetch(version)))
            elif step == "change":
                version += 1
                await cache.drop(KEYS, "acme", key)
            elif loading:
                loading.pop(0).set_result(None)
            await asyncio.sleep(0.002)
        while not all(each.done() for each in fetching):
            for landed in loading:
                landed.set_result(None)
            loading.clear()
            await asyncio.sleep(0.002)
        await asyncio.gather(*fetching)

    caching(use)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=2, unique=True))
def test_no_two_things_have_one_key(pair):
    one, other = (KEYS.key(tenant, name) for tenant, name in pair)
    assert one != other
    assert one.count(":") == 3


def test_a_key_says_whose_it_is_and_what():
    assert KEYS.key("acme", "4f1c") == "acme:key:4f1c:1"
    assert KEYS.key("a:b", "4 f") == "a%3Ab:key:4 f:1"


def nodes(server, use, count=2):
    async def main():
        made = [Node(server) for _ in range(count)]
        for each in made:
            await each.until_it_hears()
        await use(*made)
        for each in made:
            await each.close()

    asyncio.run(main())


def test_what_one_node_loaded_others_need_not(redis_server, name):
    async def use(one, other):
        source = Source()
        for node in (one, other):
            assert await node.cache.fetch(KEYS, "acme", name, source.load) == b"first"
        assert source.loads == 1

    nodes(redis_server, use)


def test_what_is_not_shared_each_node_loads(redis_server, name):
    async def use(one, other):
        source, own = Source(), Kind("execution", "1", seconds=30, alone_seconds=30, shared=False)
        for node in (one, other, one, other):
            await node.cache.fetch(own, "acme", name, source.load)
        assert source.loads == 2
        assert await one.connection.client.exists("greenlang:cache:" + own.key("acme", name)) == 0

    nodes(redis_server, use)


def test_of_many_nodes_that_ask_at_once_one_loads(redis_server, name):
    async def use(*made):
        source = Source(seconds=0.1)
        fetched = await asyncio.gather(
            *(node.cache.fetch(KEYS, "acme", name, source.load) for node in made * 20)
        )
        assert (set(fetched), source.loads) == ({b"first"}, 1)

    nodes(redis_server, use, count=5)


def test_a_node_that_dies_while_it_loads_holds_up_nobody_for_long(redis_server, name):
    async def use(dead, other):
        stuck = asyncio.create_task(dead.cache.fetch(KEYS, "acme", name, Source(seconds=60).load))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await other.cache.fetch(KEYS, "acme", name, Source(b"mine").load) == b"mine"
        assert time.monotonic() - began < 2
        stuck.cancel()

    nodes(redis_server, use)


def test_what_one_node_drops_no_node_has_any_more(redis_server, name):
    async def use(one, *others):
        source = Source()
        for node in (one, *others):
            await node.cache.fetch(KEYS, "acme", name, source.load)
        source.value = b"second"
        await one.cache.drop(KEYS, "acme", name)
        began = time.monotonic()
        for node in others:
            while await node.cache.fetch(KEYS, "acme", name, source.load) != b"second":
                assert time.monotonic() - began < 0.5
                await asyncio.sleep(0.001)

    nodes(redis_server, use, count=4)


def test_what_another_node_loads_while_it_is_dropped_is_kept_nowhere(redis_server, name):
    async def use(one, other):
        source = Source(seconds=0.1)
        early = asyncio.create_task(other.cache.fetch(KEYS, "acme", name, source.load))
        await asyncio.sleep(0.05)
        source.value, source.seconds = b"second", 0.0
        await one.cache.drop(KEYS, "acme", name)
        assert await early == b"first"
        for node in (one, other):
            assert await node.cache.fetch(KEYS, "acme", name, source.load) == b"second"

    nodes(redis_server, use)


def test_what_redis_keeps_gets_no_older_by_being_read(redis_server, name):
    async def use(one, other):
        source, short = Source(), Kind("key", "1", seconds=1.0, alone_seconds=1.0)
        await one.cache.fetch(short, "acme", name, source.load)
        loaded = time.monotonic()
        await asyncio.sleep(0.7)
        assert await other.cache.fetch(short, "acme", name, source.load) == b"first"
        source.value = b"second"
        await asyncio.sleep(max(0.0, loaded + 1.05 - time.monotonic()))
        assert await other.cache.fetch(short, "acme", name, source.load) == b"second"

    nodes(redis_server, use)


def test_without_redis_nothing_lives_longer_than_in_a_node_alone(tmp_path, name):
    """A node cannot hear what others drop: what it has goes, what it loads then lives shortly."""
    careful = Kind("key", "1", seconds=30, alone_seconds=0.5)
    with redis(tmp_path) as server:

        async def use(one, other):
            source = Source()
            await other.cache.fetch(careful, "acme", name, source.load)
            server.stop()
            source.value = b"second"
            await one.cache.drop(careful, "acme", name)
            await other.until_it_hears(False)
            assert await other.cache.fetch(careful, "acme", name, source.load) == b"second"
            source.value = b"third"
            assert await other.cache.fetch(careful, "acme", name, source.load) == b"second"
            await asyncio.sleep(0.55)
            assert await other.cache.fetch(careful, "acme", name, source.load) == b"third"

        nodes(server, use)


def test_what_was_dropped_while_redis_was_away_is_dropped_there_when_it_is_back(tmp_path, name):
    """Redis was out of reach and has kept everything."""
    with redis(tmp_path) as server:

        async def use(one, other):
            source = Source()
            for node in (one, other):
                await node.cache.fetch(KEYS, "acme", name, source.load)
            with server.frozen():
                source.value = b"second"
                await one.cache.drop(KEYS, "acme", name)
                assert await one.cache.fetch(KEYS, "acme", name, source.load) == b"second"
            began = time.monotonic()
            while await other.cache.fetch(KEYS, "acme", name, source.load) != b"second":
                assert time.monotonic() - began < 5
                await asyncio.sleep(0.01)

        nodes(server, use)
