"""Sinks are sent every event at least once, those of an aggregate in order, whatever fails in between."""

import asyncio
import contextlib

import msgspec
import pytest
from redis import asyncio as redis
from stored import NOW, execution, seal

from greenlang.agents import Registry
from greenlang.engine.events import Outbox, OutboxSettings, Upcasters, open_sinks
from greenlang.errors import InputError
from greenlang.stores import NewEvent, open_store

QUICK = OutboxSettings(portion=7, rest_seconds=0.01, send_seconds=0.2, lease_seconds=0.6)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("greenlang.engine.executions.mishaps._FIRST_WAIT", 20_000)


class Kept:
    """A sink that keeps what it is sent, and fails as it is told to."""

    def __init__(self, failures=()):
        self.events = []
        self.calls = 0
        self.closed = False
        self._failures = dict(failures)

    async def send(self, events):
        self.calls += 1
        failure = self._failures.get(self.calls)
        if failure == "half":
            self.events += events[: len(events) // 2]
        if failure == "slow":
            await asyncio.sleep(60)
        if failure is not None:
            raise OSError("the bus is gone")
        self.events += events

    async def close(self):
        self.closed = True


class Dead:
    async def send(self, events):
        raise OSError("nobody is there")

    async def close(self):
        raise OSError("nor now")


@contextlib.asynccontextmanager
async def feeding(store, sinks, worker="one", settings=QUICK, **options):
    outbox = Outbox(store, worker, sinks, settings, **options)
    outbox.start()
    try:
        yield
    finally:
        await outbox.stop()


async def until(true, seconds=10):
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end, "it never came true"
        await asyncio.sleep(0.01)


async def everything(store):
    events, after = [], 0
    end = asyncio.get_running_loop().time() + 1
    while asyncio.get_running_loop().time() < end:
        if not (portion := await store.log(after=after, limit=500)):
            await asyncio.sleep(0.05)
        events += portion
        after = events[-1].sequence if events else 0
    return events


def in_order(events):
    """For each aggregate, its events as they first came."""
    seen, courses = set(), {}
    for event in events:
        if event.event_id not in seen:
            seen.add(event.event_id)
            courses.setdefault(event.aggregate_id, []).append(event.name)
    return courses


@pytest.mark.parametrize("failures", [{}, {1: "at once", 3: "half", 4: "half"}, {2: "slow"}])
def test_all_that_was_committed_arrives_in_order_whatever_fails(run, failures):
    async def use(store):
        sink = Kept(failures)
        async with feeding(store, {"bus": sink}):
            for _ in range(20):
                await store.submit(execution())
            await store.claim("w", limit=20, now=NOW * 2, lease=1)
            await until(lambda: len({event.event_id for event in sink.events}) == 60)
        courses = in_order(sink.events)
        assert len(courses) == 20
        assert {tuple(names) for names in courses.values()} == {("pending", "queued", "running")}
        assert sink.closed
        [state] = await store.sinks()
        assert state.position == max(event.sequence for event in sink.events)

    run(use)


def test_a_dead_sink_holds_up_no_other_and_is_sent_everything_when_it_lives(run):
    async def use(store):
        living = Kept()
        await store.submit(execution())
        async with feeding(store, {"dead": Dead(), "living": living}):
            await until(lambda: len(living.events) == 2)
            await store.submit(execution())
            await until(lambda: len(living.events) == 4)
        dead, other = await store.sinks()
        assert (dead.name, dead.position, dead.last_error) == ("dead", 0, "OSError: nobody is there")
        assert dead.failures >= 1
        assert (other.last_error, other.failures) == (None, 0)
        risen = Kept()
        async with feeding(store, {"dead": risen}):
            await until(lambda: len(risen.events) == 4)
        assert risen.events == living.events

    run(use)


def test_of_two_processes_one_feeds_and_the_other_takes_over_when_it_stops(run):
    async def use(store):
        first, second = Kept(), Kept()
        async with feeding(store, {"bus": first}, "one"):
            await store.submit(execution())
            await until(lambda: first.events)
            async with feeding(store, {"bus": second}, "two"):
                await store.submit(execution())
                await until(lambda: len(first.events) == 4)
                assert second.events == []
        async with feeding(store, {"bus": second}, "two"):
            await store.submit(execution())
            await until(lambda: len(second.events) == 2)
        assert len(in_order(first.events + second.events)) == 3

    run(use)


def test_a_process_that_died_is_relieved_when_its_lease_ends(run):
    async def use(store):
        first, second = Kept(), Kept()
        outbox = Outbox(store, "one", {"bus": first}, QUICK)
        outbox.start()
        await store.submit(execution())
        await until(lambda: first.events)
        for task in outbox._feeding:  # as if it had been killed: it hands nothing over
            task.cancel()
        await asyncio.gather(*outbox._feeding, return_exceptions=True)
        async with feeding(store, {"bus": second}, "two"):
            await store.submit(execution())
            await until(lambda: second.events)
        assert {event.event_id for event in second.events}.isdisjoint({e.event_id for e in first.events})

    run(use)


def test_sinks_are_sent_events_of_the_present_version(run):
    upcasters = Upcasters()

    @upcasters.register("meter.read", 1)
    def _named(payload):
        return {"reading": payload["value"]}

    async def use(store):
        sink = Kept()
        old = NewEvent("read", b'{"value":0.10000000000000000001}')
        await store.append_event("acme", "m", old, at=NOW, aggregate_type="meter")
        async with feeding(store, {"bus": sink}, upcasters=upcasters):
            await until(lambda: sink.events)
        [event] = sink.events
        assert (event.version, bytes(event.payload)) == (2, b'{"reading":0.10000000000000000001}')

    run(use)


def test_events_reach_a_redis_stream_each_whole_and_in_order(run, redis_server):
    async def use(store):
        url = f"{redis_server.url}?stream=test:events&maxlen=1000"
        client = redis.Redis.from_url(redis_server.url)
        await client.flushdb()
        sinks = open_sinks({"bus": url}, Registry())
        async with feeding(store, sinks):
            await store.submit(execution())
            await store.submit(execution(tenant="globex"))
            while await client.xlen("test:events") < 4:
                await asyncio.sleep(0.01)
            redis_server.stop()
            await store.submit(execution())
            await asyncio.sleep(0.3)
            redis_server.start()
            await client.aclose()
            client = redis.Redis.from_url(redis_server.url)
            while await client.xlen("test:events") < 2:
                await asyncio.sleep(0.01)
            entries = await client.xrange("test:events")
        [last, _] = entries
        event = msgspec.json.decode(last[1][b"event"])
        assert last[1][b"event_type"] == b"execution.pending"
        assert event["event_id"].encode() == last[1][b"event_id"]
        assert event["tenant_id"].encode() == last[1][b"tenant_id"] == b"acme"
        await client.aclose()

    run(use)


def test_a_url_that_no_plugin_knows_is_refused():
    with pytest.raises(InputError, match="'kafka:' names no sink of events; write redis://"):
        open_sinks({"bus": "kafka://host/topic"}, Registry())
    with pytest.raises(InputError, match="maxlen '0'"):
        open_sinks({"bus": "redis://host/0?maxlen=0"}, Registry())


def test_no_event_is_passed_over_while_transactions_of_other_nodes_end_in_any_order(postgresql_url):
    """Two nodes write, and a slow transaction of a third ends after those that began behind it."""

    async def main():
        import asyncpg

        nodes = [open_store(postgresql_url, seal) for _ in range(2)]
        await nodes[0].sinks()
        slow = await asyncpg.connect(postgresql_url)
        await slow.execute("SET ROLE greenlang_worker")
        sink, waiting = Kept(), []
        insert = (
            "INSERT INTO events (aggregate_id, tenant, type, at, payload) VALUES ($1, 'acme', 'x', 1, '{}')"
        )
        try:
            async with feeding(nodes[0], {"bus": sink}):
                for number in range(10):
                    async with slow.transaction():
                        await slow.fetchval("SELECT pg_current_xact_id()")
                        await slow.execute(insert, f"slow-{number}")
                        waiting += [
                            asyncio.create_task(node.submit(execution())) for node in nodes for _ in range(3)
                        ]
                        await asyncio.gather(*waiting)
                        await asyncio.sleep(0.03)
                await until(lambda: len(sink.events) >= 10 + 10 * 2 * 3 * 2)
        finally:
            await slow.close()
            for node in nodes:
                await node.close()
        assert {f"slow-{number}" for number in range(10)} <= {event.aggregate_id for event in sink.events}
        numbers = [event.sequence for event in sink.events]
        assert numbers == sorted(set(numbers))

    asyncio.run(main())
