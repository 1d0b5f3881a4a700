"""What an aggregate was at any time, from its events alone."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import NOW, SECOND, execution, seal

from greenlang.engine.events import Upcasters, history, rebuild
from greenlang.errors import InternalError
from greenlang.stores import Change, NewEvent, State, open_store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEASE = 15 * SECOND


def moment(at):
    return EPOCH + timedelta(microseconds=at)


OPERATIONS = st.sampled_from(
    ("claim", "claim", "complete", "fail", "again", "hand back", "die", "cancel", "requeue", "progress")
)


async def do(store, operation, row, now):
    """One thing that may happen to an execution; what does not fit its state does nothing."""

    def change(to, *, expected=State.RUNNING, error=None, **options):
        event = NewEvent(to, error or b"{}")
        return store.change(
            Change(
                id=row.id,
                tenant="acme",
                expected=(expected,),
                to=to,
                at=now,
                event=event,
                error=error,
                **options,
            )
        )

    error = b'{"code":"agent","message":"OSError: gone"}'
    match operation:
        case "claim":
            await store.claim("w", limit=1, now=now, lease=LEASE)
        case "complete":
            await change(State.COMPLETED, result=b"1")
        case "fail":
            await change(State.DEAD_LETTER, error=error)
        case "again":
            await change(State.PENDING, error=error, available_at=now)
        case "hand back":
            await change(State.QUEUED)
        case "die":
            await store.claim("other", limit=0, now=now + LEASE, lease=LEASE)
        case "cancel":
            await store.request_cancel("acme", row.id, at=now)
        case "requeue":
            await change(State.QUEUED, expected=State.DEAD_LETTER, reset_attempts=True)
        case "progress":
            await store.append_event("acme", row.id, NewEvent("progress", b'{"rows":10}'), at=now)


@settings(max_examples=150, deadline=None)
@given(operations=st.lists(OPERATIONS, min_size=1, max_size=25))
def test_an_execution_was_at_every_time_what_its_events_say(operations):
    async def main():
        store = open_store("memory:", seal)
        new = execution(max_attempts=3, created_at=NOW)
        await store.submit(new)
        stood = [(NOW, await store.execution("acme", new.id))]
        for number, operation in enumerate(operations, 1):
            now = NOW + number * 100 * SECOND
            await do(store, operation, stood[-1][1], now)
            stood.append((now + LEASE, await store.execution("acme", new.id)))
        for at, row in stood:
            was = await rebuild(store, "acme", "execution", new.id, at=moment(at))
            assert was.state == row.state
            assert was.attributes["attempt"] == row.attempt
            assert was.attributes.get("worker") == row.worker
            error = None if row.error is None else msgspec.json.decode(row.error)
            assert was.attributes.get("error") == error
        assert await rebuild(store, "acme", "execution", new.id, at=moment(NOW - 1)) is None
        await store.close()

    asyncio.run(main())


def test_what_was_run_where_it_was_asked_for_made_one_attempt(run):
    async def use(store):
        new = execution()
        await store.submit_finished(new, result=b"1", record=None)
        was, row = await rebuild(store, "acme", "execution", new.id), await store.execution("acme", new.id)
        assert (was.state, was.attributes) == (row.state, {"attempt": row.attempt})

    run(use)


def test_it_is_the_same_in_every_store(run):
    async def use(store):
        new = execution(created_at=NOW)
        await store.submit(new)
        await store.claim("w", limit=1, now=NOW + SECOND, lease=LEASE)
        await store.request_cancel("acme", new.id, at=NOW + 2 * SECOND)
        was = [
            await rebuild(store, "acme", "execution", new.id, at=at)
            for at in (moment(NOW), moment(NOW + SECOND), None)
        ]
        assert [(each.state, each.events, each.attributes) for each in was] == [
            ("queued", 2, {"attempt": 0}),
            ("running", 3, {"attempt": 1, "worker": "w"}),
            ("running", 4, {"attempt": 1, "worker": "w", "cancel_requested": True}),
        ]
        assert was[1].changed_at == moment(NOW + SECOND)
        assert await rebuild(store, "globex", "execution", new.id) is None

    run(use)


def test_what_moves_from_state_to_state_stands_where_it_was_last_said_to(run):
    async def use(store):
        for number, (name, to) in enumerate(
            [("created", "draft"), ("built", "building"), ("failed", "failed")]
        ):
            payload = msgspec.json.encode({"from": None, "to": to, "reason": f"because {number}"})
            event = NewEvent(name, payload)
            await store.append_event("acme", "a@1", event, at=NOW + number * SECOND, aggregate_type="agent")
        was = await rebuild(store, "acme", "agent", "a@1", at=moment(NOW + SECOND))
        assert (was.state, was.attributes, was.events) == ("building", {"reason": "because 1"}, 2)

    run(use)


def test_a_long_history_is_read_to_its_end(run):
    async def use(store):
        for number in range(1203):
            event = NewEvent("read", b'{"value":%d}' % number)
            await store.append_event("acme", "m", event, at=NOW, aggregate_type="meter")
        events = [event async for event in history(store, "acme", "meter", "m")]
        assert len(events) == 1203
        was = await rebuild(store, "acme", "meter", "m")
        assert was.attributes == {"value": 1202}
        assert was.last_event_id == events[-1].event_id

    run(use)


class TestUpcasting:
    def test_an_event_goes_through_every_step_to_the_present(self):
        upcasters = Upcasters()

        @upcasters.register("meter.read", 1)
        def _with_a_unit(payload):
            return {**payload, "unit": "kWh"}

        @upcasters.register("meter.read", 2)
        def _renamed(payload):
            return {"quantity": payload["value"], "unit": payload["unit"]}

        async def main():
            store = open_store("memory:", seal)
            for version, payload in (
                (1, b'{"value":1}'),
                (2, b'{"value":2,"unit":"MWh"}'),
                (3, b'{"quantity":3}'),
            ):
                event = NewEvent("read", payload, version)
                await store.append_event("acme", "m", event, at=NOW, aggregate_type="meter")
            return [event async for event in history(store, "acme", "meter", "m", upcasters=upcasters)]

        events = asyncio.run(main())
        assert [(event.version, msgspec.json.decode(event.payload)) for event in events] == [
            (3, {"quantity": 1, "unit": "kWh"}),
            (3, {"quantity": 2, "unit": "MWh"}),
            (3, {"quantity": 3}),
        ]

    def test_one_step_has_one_function(self):
        upcasters = Upcasters()
        upcasters.register("meter.read", 1)(dict)
        with pytest.raises(InternalError, match=r"two functions take 'meter.read' on from version 1"):
            upcasters.register("meter.read", 1)(dict)
