"""The log of events, in every store alike: whose they are, in which order, and how far sinks have got."""

import asyncio
import uuid
from datetime import UTC, datetime

import msgspec
import pytest
from stored import NOW, SECOND, execution, record

from greenlang.errors import StoreError
from greenlang.stores import Change, EventMetadata, NewEvent, State

LEASE = 15 * SECOND

SOMEBODY = EventMetadata(user_id="key:1", correlation_id="req-1")


def built(**changes):
    return NewEvent("built", b'{"version":"1.0.0"}', **changes)


def test_an_event_is_of_one_schema_and_says_everything_of_itself(run):
    async def use(store):
        caused = EventMetadata("key:1", "req-1", "an event")
        await store.append_event("acme", "a.b", built(metadata=caused), at=NOW, aggregate_type="agent")
        [event] = await store.events("acme", "a.b", aggregate_type="agent")
        told = msgspec.json.decode(msgspec.json.encode(event))
        assert uuid.UUID(told.pop("event_id")).version == 5
        assert told == {
            "event_type": "agent.built",
            "aggregate_type": "agent",
            "aggregate_id": "a.b",
            "tenant_id": "acme",
            "timestamp": "2027-01-15T08:00:00Z",
            "version": 1,
            "payload": {"version": "1.0.0"},
            "metadata": {
                "user_id": "key:1",
                "correlation_id": "req-1",
                "causation_id": "an event",
                "traceparent": None,
            },
            "sequence": event.sequence,
        }
        assert (event.name, event.timestamp) == ("built", datetime(2027, 1, 15, 8, tzinfo=UTC))

    run(use)


def test_an_event_is_known_again_and_is_no_other(run):
    async def use(store):
        for name in ("a", "b", "a"):
            await store.append_event("acme", name, built(), at=NOW, aggregate_type="agent")
        first, second = [await store.log(after=0, limit=9) for _ in range(2)]
        assert first == second
        assert len({event.event_id for event in first}) == 3

    run(use)


def test_all_events_of_an_execution_tell_who_asked_for_it(run):
    async def use(store):
        queued, finished = execution(metadata=SOMEBODY), execution(metadata=SOMEBODY)
        await store.submit(queued)
        await store.submit_finished(finished, result=b"1", record=record())
        [row] = await store.claim("w", limit=9, now=NOW, lease=LEASE)
        assert row.metadata == SOMEBODY
        for one in (queued, finished):
            events = await store.events("acme", one.id)
            assert {event.metadata for event in events} == {SOMEBODY}
            assert {event.event_type.partition(".")[0] for event in events} == {"execution"}

    run(use)


def test_what_somebody_else_does_to_an_execution_tells_who(run):
    async def use(store):
        new, other = execution(metadata=SOMEBODY), EventMetadata(user_id="key:2")
        await store.submit(new)
        await store.request_cancel("acme", new.id, at=NOW, metadata=other)
        again = NewEvent("queued", metadata=EventMetadata(user_id="key:3"))
        await store.change(
            Change(
                id=new.id, tenant="acme", expected=(State.CANCELLED,), to=State.QUEUED, at=NOW, event=again
            )
        )
        told = [(event.name, event.metadata.user_id) for event in await store.events("acme", new.id)]
        assert told == [
            ("pending", "key:1"),
            ("queued", "key:1"),
            ("cancelled", "key:2"),
            ("queued", "key:3"),
        ]

    run(use)


def test_an_execution_and_an_agent_of_one_name_are_not_mixed_up(run):
    async def use(store):
        new = execution()
        await store.submit(new)
        await store.append_event("acme", new.id, built(version=3), at=NOW, aggregate_type="agent")
        assert [event.name for event in await store.events("acme", new.id)] == ["pending", "queued"]
        [event] = await store.events("acme", new.id, aggregate_type="agent")
        assert (event.name, event.version) == ("built", 3)
        assert await store.events("globex", new.id, aggregate_type="agent") == ()

    run(use)


def test_the_log_holds_what_happened_to_everybody_in_order(run):
    async def use(store):
        await store.submit(execution())
        await store.append_event("globex", "a.b", built(), at=NOW, aggregate_type="agent")
        first = await store.log(after=0, limit=2)
        await store.submit(execution(tenant="globex", metadata=SOMEBODY))
        rest = await store.log(after=first[-1].sequence, limit=99)
        log = [*first, *rest]
        assert [event.event_type for event in log] == [
            "execution.pending",
            "execution.queued",
            "agent.built",
            "execution.pending",
            "execution.queued",
        ]
        assert [event.tenant_id for event in log] == ["acme", "acme", "globex", "globex", "globex"]
        assert log[-1].metadata == SOMEBODY
        numbers = [event.sequence for event in log]
        assert numbers == sorted(set(numbers))
        assert await store.log(after=numbers[-1], limit=9) == ()

    run(use)


def test_a_purge_takes_the_events_of_executions_and_no_others(run):
    async def use(store):
        new = execution()
        await store.submit_finished(new, result=b"1", record=None)
        await store.append_event("acme", new.id, built(), at=NOW, aggregate_type="agent")
        await store.log(after=0, limit=9)
        assert await store.purge(before=NOW * 2) == 1
        for _ in range(2):  # what is missing may be about to come: a second look settles it
            log = await store.log(after=0, limit=9)
        assert [event.event_type for event in log] == ["agent.built"]

    run(use)


def test_what_fails_with_its_change_tells_nothing(run):
    async def use(store):
        new, taken = execution(), record()
        await store.add_calculation(taken)
        with pytest.raises(StoreError):
            await store.submit_finished(new, result=b"1", record=taken)
        assert await store.log(after=0, limit=9) == ()

    run(use)


class TestSinks:
    def test_one_worker_feeds_a_sink_until_its_lease_ends(self, run):
        async def use(store):
            state = await store.claim_sink("bus", "one", now=NOW, lease=LEASE)
            assert (state.name, state.position, state.failures, state.worker) == ("bus", 0, 0, "one")
            assert await store.claim_sink("bus", "two", now=NOW + LEASE - 1, lease=LEASE) is None
            assert await store.claim_sink("other", "two", now=NOW, lease=LEASE) is not None
            assert await store.settle_sink("bus", "one", position=7)
            taken = await store.claim_sink("bus", "two", now=NOW + LEASE, lease=LEASE)
            assert (taken.position, taken.worker) == (7, "two")
            assert not await store.settle_sink("bus", "one", position=9)
            assert [(sink.name, sink.position) for sink in await store.sinks()] == [("bus", 7), ("other", 0)]

        run(use)

    def test_a_sink_that_fails_is_tried_again_in_time(self, run):
        async def use(store):
            for failures in (1, 2):
                assert await store.claim_sink("bus", "one", now=NOW, lease=LEASE) is not None
                later = NOW + SECOND * (failures - 1)
                assert await store.settle_sink("bus", "one", position=3, retry_at=later, error="HTTP 500")
                [state] = await store.sinks()
                assert (state.failures, state.last_error, state.retry_at) == (failures, "HTTP 500", later)
            assert await store.claim_sink("bus", "one", now=NOW + SECOND - 1, lease=LEASE) is None
            assert (await store.claim_sink("bus", "one", now=NOW + SECOND, lease=LEASE)).position == 3
            assert await store.settle_sink("bus", "one", position=4)
            [state] = await store.sinks()
            assert (state.failures, state.last_error, state.position) == (0, None, 4)

        run(use)

    def test_of_many_that_ask_at_once_one_is_given_it(self, run):
        async def use(store):
            asked = [store.claim_sink("bus", f"w{n}", now=NOW, lease=LEASE) for n in range(8)]
            given = [state for state in await asyncio.gather(*asked) if state is not None]
            assert len(given) == 1

        run(use)
