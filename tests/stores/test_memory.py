"""What is special about the store in memory: it answers as the embedded one does, and shares signatures."""

import asyncio
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stored import NOW, SECOND, execution, quick_folder, record, seal

from greenlang.errors import StoreError
from greenlang.stores import Change, EventMetadata, ExecutionFilter, NewEvent, State, open_store

LEASE = 15 * SECOND


class Sealing:
    """A seal that counts, and can be out of order."""

    def __init__(self):
        self.count = 0
        self.works = True

    def __call__(self, leaves, previous):
        if not self.works:
            raise OSError("the key is out of reach")
        self.count += 1
        return seal(leaves, previous)


@pytest.fixture
def sealing():
    return Sealing()


@pytest.fixture
def run(sealing):
    def run_on_a_store(use):
        async def main():
            store = open_store("memory:", sealing)
            try:
                return await use(store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run_on_a_store


def completed(row, **changes):
    usual = {"expected": (State.RUNNING,), "to": State.COMPLETED, "token": row.token, "at": NOW}
    return Change(id=row.id, tenant=row.tenant, event=NewEvent("completed"), **{**usual, **changes})


async def outcomes(*writes):
    return await asyncio.gather(*writes, return_exceptions=True)


async def links(store):
    return [link async for link in store.commits()]


def test_all_that_one_turn_of_the_event_loop_proves_has_one_signature(run, sealing):
    async def use(store):
        await store.submit(execution())
        [row] = await store.claim("one", limit=1, now=NOW * 2, lease=LEASE)
        made = [record() for _ in range(5)]
        await asyncio.gather(
            store.submit_finished(execution(), result=b"1", record=made[0]),
            store.add_calculation(made[1]),
            store.add_calculation(made[2]),
            store.add_calculation(made[3]),
            store.change(completed(row, record=made[4])),
        )
        [link] = await links(store)
        assert (link.leaves, sealing.count) == (tuple(one.leaf for one in made), 1)
        await store.add_calculation(record())
        assert [link.number for link in await links(store)] == [1, 2]

    run(use)


def test_a_turn_with_very_many_has_more_links_than_one(run):
    async def use(store):
        made = [record() for _ in range(3000)]
        await asyncio.gather(*(store.add_calculation(one) for one in made))
        found = await links(store)
        assert 1 < len(found) < 10
        assert [leaf for link in found for leaf in link.leaves] == [one.leaf for one in made]

    run(use)


def test_what_proves_nothing_needs_no_seal(run, sealing):
    async def use(store):
        sealing.works = False
        assert (await store.submit_finished(execution(), result=b"1", record=None)).fresh
        assert await links(store) == []

    run(use)


def test_where_the_seal_fails_nothing_has_happened_and_each_is_told(run, sealing):
    async def use(store):
        running = execution()
        await store.submit(running)
        [row] = await store.claim("one", limit=1, now=NOW * 2, lease=LEASE)
        new, made = execution(idempotency_key="a", webhook="https://example.org/"), record()
        writes = (
            lambda: store.submit_finished(new, result=b"1", record=made),
            lambda: store.submit_finished(execution(idempotency_key="a"), result=b"2", record=record()),
            lambda: store.add_calculation(record(), idempotency_key="b"),
            lambda: store.change(completed(row, record=record())),
        )
        before = await store.counts()
        sealing.works = False
        told = await outcomes(*(write() for write in writes))
        assert [str(one) for one in told] == ["the key is out of reach"] * len(writes)
        assert await links(store) == []
        assert await store.counts() == before
        assert await store.execution("acme", running.id) == row
        assert await store.execution("acme", new.id) is None
        assert await store.calculation("acme", made.calculation_id) is None
        assert await store.claim_deliveries(limit=9, now=NOW * 2, lease=LEASE) == ()
        assert len(await store.events("acme", running.id)) == 3

        sealing.works = True
        first, second, calculation, changed = await outcomes(*(write() for write in writes))
        assert (first.id, first.fresh, second.id, second.fresh) == (new.id, True, new.id, False)
        assert (calculation.fresh, changed) == (True, True)
        assert sum(len(link.leaves) for link in await links(store)) == 3

    run(use)


def test_of_two_that_finish_one_execution_in_a_turn_the_second_proves_nothing(run):
    async def use(store):
        await store.submit(execution())
        [row] = await store.claim("one", limit=1, now=NOW * 2, lease=LEASE)
        first, second = record(), record()
        done = await outcomes(
            store.change(completed(row, record=first)), store.change(completed(row, record=second))
        )
        assert done == [True, False]
        assert (await store.execution("acme", row.id)).calculation_id == first.calculation_id
        assert await store.calculation("acme", second.calculation_id) is None
        [link] = await links(store)
        assert link.leaves == (first.leaf,)

    run(use)


def test_one_calculation_is_committed_once(run):
    async def use(store):
        made, new = record(), execution()
        first, second = await outcomes(store.add_calculation(made), store.add_calculation(made))
        assert first.fresh
        assert "is there already" in str(second)
        with pytest.raises(StoreError, match="could not be written"):
            await store.submit_finished(new, result=b"1", record=made)
        assert await store.execution("acme", new.id) is None
        assert len(await links(store)) == 1

    run(use)


def test_what_nobody_waits_for_any_more_is_written_all_the_same(run):
    async def use(store):
        new, made = execution(), record()
        waiting = asyncio.ensure_future(store.submit_finished(new, result=b"1", record=made))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await store.execution("acme", new.id)).calculation_id == made.calculation_id

    run(use)


def test_closing_writes_what_waits(run):
    async def use(store):
        new = execution()
        waiting = asyncio.ensure_future(store.submit_finished(new, result=b"1", record=record()))
        await asyncio.sleep(0)
        await store.close()
        assert waiting.done() is False
        assert (await store.execution("acme", new.id)).state is State.COMPLETED
        assert (await waiting).fresh

    run(use)


def test_it_is_kept_in_no_file(run, tmp_path):
    async def use(store):
        with pytest.raises(StoreError, match="kept in no file; use sqlite:PATH"):
            await store.backup(tmp_path / "copy.db")

    run(use)


def test_purging_gives_the_memory_back(run):
    async def use(store):
        async def fill():
            for number in range(1000):
                new = execution(
                    request=bytes(10_000), webhook="https://example.org/", idempotency_key=f"{number}"
                )
                await store.submit_finished(new, result=bytes(10_000), record=None)

        tracemalloc.start()
        try:
            await fill()
            assert tracemalloc.get_traced_memory()[0] > 20_000_000
            assert await store.purge(before=NOW * 2) == 1000
            assert tracemalloc.get_traced_memory()[0] < 400_000
        finally:
            tracemalloc.stop()

    run(use)


TENANTS = st.sampled_from(("acme", "globex"))
#: Which of the executions that were accepted so far, the last first.
NUMBERS = st.integers(0, 5)
#: Seconds that go by before an operation; sometimes the clock is set back.
PASSING = st.sampled_from((0, 0, 0, 1, 1, 5, 20, -300))
KEYS = st.sampled_from((None, None, "k", "l"))
SUBMIT = st.tuples(
    st.just("submit"),
    TENANTS,
    st.integers(0, 3),
    st.sampled_from((None, 3, 30)),
    KEYS,
    st.sampled_from((State.QUEUED, State.PENDING)),
)
CLAIM = st.tuples(st.just("claim"), st.sampled_from("vw"), st.integers(1, 4), st.sampled_from((None, 1, 2)))
CHANGE = st.tuples(
    st.just("change"),
    NUMBERS,
    #: Of an operator, who holds no token; of the last to claim it; of one before.
    st.sampled_from((None, 0, 0, 1)),
    st.sampled_from((None, None, (), (State.RUNNING,), (State.DEAD_LETTER, State.QUEUED))),
    st.sampled_from(tuple(state for state in State if state is not State.RUNNING)),
    st.sampled_from((None, 0, 4)),
    st.booleans(),
)
OPERATIONS = st.one_of(
    SUBMIT,
    SUBMIT,
    CLAIM,
    CLAIM,
    CHANGE,
    CHANGE,
    st.tuples(st.just("finished"), TENANTS, KEYS, st.booleans()),
    st.tuples(st.just("calculate"), TENANTS, KEYS),
    st.tuples(st.just("extend"), st.sampled_from("vw")),
    st.tuples(st.just("cancel"), TENANTS, NUMBERS),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("settle"), NUMBERS, st.sampled_from(("due", "delivered", "given_up"))),
    st.tuples(st.just("purge"), st.sampled_from((0, 1, 60))),
)


class Driven:
    """A store that does what it is told, and says what came of it in words that two stores share."""

    def __init__(self, url):
        self.store = open_store(url, seal)
        self.accepted = 0
        self.proven = 0
        self.now = NOW

    async def do(self, passing, operation):
        self.now += passing * SECOND
        name, *arguments = operation
        return await getattr(self, name)(*arguments)

    def new(self, tenant, key, **changes):
        self.accepted += 1
        return execution(
            id=f"exec_{self.accepted}",
            tenant=tenant,
            # No two at once: the protocol does not say which of them goes first.
            created_at=self.now + self.accepted,
            **changes,
            idempotency_key=key,
            request_digest=f"digest {self.accepted}",
            webhook="https://example.org/" if self.accepted % 2 else None,
            metadata=EventMetadata(correlation_id=f"request {self.accepted}") if self.accepted % 3 else None,
        )

    def record(self, tenant):
        self.proven += 1
        name = f"calc_{self.proven}"
        return record(tenant, calculation_id=name, leaf=name.encode().ljust(32), created_at=self.now)

    async def submit(self, tenant, priority, deadline, key, state):
        deadline_at = None if deadline is None else self.now + deadline * SECOND
        new = self.new(tenant, key, priority=priority, deadline_at=deadline_at, max_attempts=2)
        return await self.store.submit(new, state=state)

    async def finished(self, tenant, key, proven):
        new = self.new(tenant, key)
        return await self.store.submit_finished(
            new, result=b"1", record=self.record(tenant) if proven else None
        )

    async def calculate(self, tenant, key):
        return await self.store.add_calculation(self.record(tenant), idempotency_key=key)

    async def claim(self, worker, limit, per_tenant):
        return await self.store.claim(
            worker, limit=limit, now=self.now, lease=LEASE, per_tenant=per_tenant
        ), await self.store.cancelled_of(worker)

    async def extend(self, worker):
        some = [f"exec_{number}" for number in range(1, 6)]
        await self.store.extend_leases(worker, some, now=self.now, lease=LEASE)

    async def change(self, number, behind, expected, to, wait, reset):
        row = await self.row(number)
        return row and await self.store.change(
            Change(
                id=row.id,
                tenant=row.tenant,
                expected=(row.state,) if expected is None else expected,
                to=to,
                at=self.now,
                event=NewEvent(f"to {to}", b"[]", 2, EventMetadata(user_id="somebody") if reset else None),
                token=None if behind is None else row.token - behind,
                result=b"2" if reset else None,
                error=None if reset else b"{}",
                record=self.record(row.tenant) if to is State.COMPLETED else None,
                available_at=None if wait is None else self.now + wait * SECOND,
                reset_attempts=reset,
            )
        )

    async def cancel(self, tenant, number):
        return await self.store.request_cancel(tenant, self.id_of(number), at=self.now)

    async def deliver(self):
        taken = await self.store.claim_deliveries(limit=100, now=self.now, lease=3 * SECOND)
        return sorted((one.execution_id, one.next_at) for one in taken)

    async def settle(self, number, state):
        row = await self.row(number)
        for one in await self.store.deliveries(row.tenant, row.id) if row else ():
            await self.store.settle_delivery(
                one.id, state=state, next_at=self.now + SECOND, status=500, error="HTTP 500"
            )

    async def purge(self, seconds):
        return await self.store.purge(before=self.now - seconds * SECOND)

    def id_of(self, number):
        return f"exec_{self.accepted - number}"

    async def row(self, number):
        name = self.id_of(number)
        return await self.store.execution("acme", name) or await self.store.execution("globex", name)

    async def everything(self):
        # The protocol says in which order events of one execution are, and nothing of those of two.
        log = sorted(await self.store.log(after=0, limit=1000), key=lambda event: event.aggregate_id)
        seen = [await self.store.counts(), [replace(event, event_id="", sequence=0) for event in log]]
        for tenant in ("acme", "globex"):
            cursor = None
            while True:
                page = await self.store.executions(tenant, ExecutionFilter(), limit=2, cursor=cursor)
                for row in page.rows:
                    events = await self.store.events(tenant, row.id)
                    seen += (row, [replace(event, event_id="", sequence=0) for event in events])
                    deliveries = await self.store.deliveries(tenant, row.id)
                    seen.append([replace(one, id=0) for one in deliveries])
                cursor = page.next_cursor
                seen.append(cursor)
                if cursor is None:
                    break
            waiting = ExecutionFilter(
                states=(State.QUEUED, State.RUNNING), agent="acme.sum@2", created_from=NOW + 10 * SECOND
            )
            seen.append(await self.store.executions(tenant, waiting, limit=50))
        return seen


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(PASSING, OPERATIONS), min_size=20, max_size=60))
def test_it_answers_as_the_embedded_store_does(steps):
    async def main(folder):
        ours, embedded = Driven("memory:"), Driven(f"sqlite:{folder}/runtime.db")
        try:
            for passing, operation in steps:
                answers = [await driven.do(passing, operation) for driven in (ours, embedded)]
                assert answers[0] == answers[1], operation
            assert await ours.everything() == await embedded.everything()
            assert [link.leaves for link in await links(ours.store)] == [
                link.leaves for link in await links(embedded.store)
            ]
        finally:
            await ours.store.close()
            await embedded.store.close()

    with quick_folder() as folder:
        asyncio.run(main(folder))
