"""What every queue promises, within a process and between them."""

import asyncio
import itertools
import subprocess
import sys
import time

import pytest
from redis_server import redis

from greenlang.channels.connection import RedisConnection
from greenlang.queues import PRIORITIES, InProcessQueue, Signal
from greenlang.queues.in_redis import RedisQueue

_numbers = itertools.count(1)


def signal(priority=1, **changes):
    return Signal(
        **{"execution_id": f"exec_{next(_numbers)}", "tenant": "acme", "priority": priority, **changes}
    )


async def take(queue, count, limit=None, seconds=10):
    """So many signals, however many come at once."""
    taken = []
    async with asyncio.timeout(seconds):
        while len(taken) < count:
            taken += await queue.take(limit or count - len(taken), wait_seconds=1)
    return taken


def signals(taken):
    return [each.signal for each in taken]


@pytest.fixture(params=["in process", "redis"])
def queueing(request):
    """Runs a test's coroutine with an empty queue."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def run(use):
        async def main():
            if server is None:
                await use(InProcessQueue())
                return
            connection = RedisConnection(server.url)
            await connection.client.flushall()
            queue = RedisQueue(connection)
            await use(queue)
            await queue.close()
            await connection.close()

        asyncio.run(main())

    return run


def test_what_is_announced_is_taken_as_it_was(queueing):
    async def use(queue):
        told = signal(tenant="Ünï:corn", correlation_id="req-1", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
        queue.announce(told)
        assert signals(await take(queue, 1)) == [told]

    queueing(use)


def test_who_waits_gets_it_at_once(queueing):
    async def use(queue):
        waiting = asyncio.create_task(take(queue, 1))
        await asyncio.sleep(0.1)
        told = signal()
        began = time.monotonic()
        queue.announce(told)
        assert signals(await waiting) == [told]
        assert time.monotonic() - began < 0.1

    queueing(use)


def test_nobody_gets_more_than_there_is_room_for(queueing):
    async def use(queue):
        told = [signal() for _ in range(10)]
        for each in told:
            queue.announce(each)
        first = await take(queue, 3)
        assert len(first) == 3
        assert signals(first + await take(queue, 7)) == told

    queueing(use)


def test_higher_priorities_go_first(queueing):
    async def use(queue):
        told = [signal(priority) for priority in (3, 1, 2, 0)]
        for each in told:
            queue.announce(each)
        await asyncio.sleep(0.1)
        taken = signals(await take(queue, 4))
        assert [each.priority for each in taken] == [0, 1, 2, 3]

    queueing(use)


@pytest.mark.parametrize("limit", [1, 5, 32])
def test_no_priority_starves(queueing, limit):
    async def use(queue):
        for _ in range(200):
            for priority in PRIORITIES:
                queue.announce(signal(priority))
        await asyncio.sleep(0.1)
        taken = []
        while len(taken) < 160:
            taken += signals(await queue.take(limit, wait_seconds=1))
        counts = [sum(each.priority == priority for each in taken[:160]) for priority in PRIORITIES]
        assert counts[0] >= 160 * 7 // 8
        assert min(counts[1:]) >= 4
        assert taken[0].priority == 0 or limit >= 8

    queueing(use)


def test_who_is_woken_gets_nothing_and_comes_back(queueing):
    async def use(queue):
        began = time.monotonic()
        asyncio.get_running_loop().call_later(0.05, queue.wake)
        assert await queue.take(5, wait_seconds=10) == ()
        assert await queue.take(0, wait_seconds=0.05) == ()
        assert time.monotonic() - began < 2

    queueing(use)


def test_who_has_no_room_gets_nothing(queueing):
    async def use(queue):
        told = signal()
        queue.announce(told)
        assert await queue.take(0, wait_seconds=0.1) == ()
        assert signals(await take(queue, 1)) == [told]

    queueing(use)


def test_what_is_done_is_not_given_again(queueing):
    async def use(queue):
        for _ in range(20):
            queue.announce(signal())
        taken = await take(queue, 20)
        queue.done(taken)
        assert await queue.take(5, wait_seconds=0.2) == ()

    queueing(use)


def nodes(server, use, count=2, **settings):
    """Runs `use` with queues that share nothing but an empty Redis, as those of so many processes."""

    async def main():
        connections = [RedisConnection(server.url) for _ in range(count)]
        await connections[0].client.flushall()
        queues = [RedisQueue(connection, **settings) for connection in connections]
        await use(*queues)
        for each in (*queues, *connections):
            await each.close()

    asyncio.run(main())


def lengths(queue):
    async def of_each():
        client = queue._connection.client
        return [await client.xlen(f"greenlang:queue:{name}") for name in ("p0", "p1", "p2", "p3", "dead")]

    return of_each()


def test_each_signal_goes_to_one_node(redis_server):
    async def use(*queues):
        told = [signal(number % 4) for number in range(400)]

        async def work(queue):
            found = []
            while batch := await queue.take(7, wait_seconds=0.5):
                found += signals(batch)
                queue.done(batch)
            return found

        working = [asyncio.create_task(work(queue)) for queue in queues]
        for each in told:
            queues[0].announce(each)
        found = await asyncio.gather(*working)
        assert sorted(each.execution_id for each in itertools.chain(*found)) == sorted(
            each.execution_id for each in told
        )
        assert all(found)
        await asyncio.sleep(0.1)
        assert await lengths(queues[0]) == [0] * 5

    nodes(redis_server, use, count=3)


def test_what_a_dead_node_held_is_taken_over(redis_server):
    async def use(dead, *living):
        told = [signal(number % 4) for number in range(8)]
        for each in told:
            dead.announce(each)
        held = await take(dead, 8)
        assert signals(await take(living[0], 8)) != []
        assert {each.signal.execution_id for each in held} == {each.execution_id for each in told}
        assert await living[1].take(8, wait_seconds=0.1) == ()

    nodes(redis_server, use, count=3, stale_seconds=0.5)


#: Takes all it can, tells how much, and holds it.
_HOLDER = """
import asyncio, sys
from greenlang.channels.connection import RedisConnection
from greenlang.queues.in_redis import RedisQueue

async def hold():
    queue = RedisQueue(RedisConnection(sys.argv[1]))
    held = 0
    while held < 50:
        held += len(await queue.take(50, wait_seconds=1))
    print(held, flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""


def test_what_a_process_held_that_is_killed_is_taken_over(redis_server):
    async def use(one, other):
        told = [signal(number % 4) for number in range(50)]
        for each in told:
            one.announce(each)
        with subprocess.Popen(
            [sys.executable, "-c", _HOLDER, redis_server.url], stdout=subprocess.PIPE
        ) as holder:
            assert await asyncio.to_thread(holder.stdout.readline) == b"50\n"
            holder.kill()
        taken = []
        end = time.monotonic() + 10
        while len(taken) < 50:
            assert time.monotonic() < end
            for queue in (one, other):
                batch = await queue.take(20, wait_seconds=0.1)
                queue.done(batch)
                taken += signals(batch)
        assert sorted(each.execution_id for each in taken) == sorted(each.execution_id for each in told)
        await asyncio.sleep(0.7)
        assert await one.take(20, wait_seconds=0.1) == ()
        assert await lengths(one) == [0] * 5

    nodes(redis_server, use, stale_seconds=0.5)


def test_what_is_not_stale_stays_with_whoever_has_it(redis_server):
    async def use(slow, other):
        slow.announce(signal())
        await take(slow, 1)
        assert await other.take(5, wait_seconds=0.5) == ()

    nodes(redis_server, use, stale_seconds=30)


def test_what_kills_every_worker_is_laid_aside(redis_server):
    async def use(one, other):
        told = signal(2)
        one.announce(told)
        times = 0
        end = time.monotonic() + 10
        while (await lengths(one))[4] == 0:
            assert time.monotonic() < end
            times += len(await one.take(1, wait_seconds=0.1)) + len(await other.take(1, wait_seconds=0.1))
        assert times == 5
        assert await lengths(one) == [0, 0, 0, 0, 1]
        ((_, fields),) = await one._connection.client.xrange("greenlang:queue:dead")
        assert fields[b"reason"] == b"every worker that had it died"
        assert fields[b"times"] == b"5"
        assert told.execution_id.encode() in fields[b"signal"]

    nodes(redis_server, use, stale_seconds=0.05)


def test_what_cannot_be_read_is_laid_aside(redis_server):
    async def use(one, _):
        told = signal(0)
        one.announce(told)
        await asyncio.sleep(0.1)
        client = one._connection.client
        await client.xadd("greenlang:queue:p0", {"signal": b"{"})
        assert signals(await take(one, 1)) == [told]
        assert await one.take(2, wait_seconds=0.2) == ()
        await client.xadd("greenlang:queue:p3", {"other": b"\xff"})
        assert await one.take(2, wait_seconds=0.2) == ()
        one.announce(told)
        assert signals(await take(one, 1)) == [told]
        assert (await lengths(one))[4] == 2

    nodes(redis_server, use)


def test_a_redis_that_lost_everything_goes_on(redis_server):
    async def use(one, other):
        one.announce(signal())
        await take(one, 1)
        await one._connection.client.flushall()
        assert await one.take(1, wait_seconds=2) == ()  # and look at the store
        await asyncio.sleep(1.1)
        told = signal()
        other.announce(told)
        assert signals(await take(one, 1)) == [told]

    nodes(redis_server, use)


def test_a_redis_that_takes_nothing_more_is_as_good_as_gone(tmp_path):
    with redis(tmp_path) as server:

        async def use(one, other):
            one.announce(signal())
            one.done(await take(one, 1))
            client = other._connection.client
            await client.config_set("maxmemory", 1)
            one.announce(signal())
            assert await one.take(5, wait_seconds=5) == ()  # and look at the store
            assert not one._connection.answers
            await client.config_set("maxmemory", 0)
            await asyncio.sleep(1.2)
            told = signal()
            waiting = asyncio.create_task(take(one, 1))
            while not waiting.done():
                other.announce(told)
                await asyncio.sleep(0.1)
            assert signals(await waiting) == [told]

        nodes(server, use)


def test_without_redis_who_announces_is_woken_and_with_it_all_are_served_again(tmp_path):
    with redis(tmp_path) as server:

        async def use(one, other):
            one.announce(signal())
            one.done(await take(one, 1))
            patient = one.patience_seconds
            server.stop()
            began = time.monotonic()
            one.announce(signal())
            assert await one.take(5, wait_seconds=5) == ()
            assert time.monotonic() - began < 1.5
            assert one.patience_seconds < patient
            server.start()
            await asyncio.sleep(1.2)
            told = signal()
            waiting = asyncio.create_task(take(other, 1))
            while not waiting.done():
                one.announce(told)
                await asyncio.sleep(0.1)
            assert signals(await waiting) == [told]
            assert one.patience_seconds == patient

        nodes(server, use)
