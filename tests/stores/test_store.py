"""What every store promises."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from stored import NOW, SECOND, execution, record

from greenlang.errors import InputError
from greenlang.stores import ApiKey, Change, ExecutionFilter, NewEvent, State

LEASE = 15 * SECOND
LATER = NOW + 1000 * SECOND


def completed(row, *, at=LATER, **changes):
    usual = {"expected": (State.RUNNING,), "to": State.COMPLETED, "token": row.token, "result": b"3"}
    return Change(id=row.id, tenant=row.tenant, at=at, event=NewEvent("completed"), **{**usual, **changes})


def at_of(event):
    return (event.timestamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


async def claim(store, worker="one", *, limit=10, now=LATER):
    return await store.claim(worker, limit=limit, now=now, lease=LEASE)


def test_what_was_accepted_is_there_as_it_was_given(run):
    async def use(store):
        new = execution(deadline_at=LATER, webhook="https://example.org/done")
        assert (await store.submit(new)).fresh
        row = await store.execution("acme", new.id)
        assert (row.state, row.request, row.agents, row.priority) == (
            State.QUEUED,
            new.request,
            new.agents,
            1,
        )
        assert (row.attempt, row.token, row.worker, row.result, row.deadline_at) == (0, 0, None, None, LATER)
        events = await store.events("acme", new.id)
        assert [event.name for event in events] == ["pending", "queued"]

    run(use)


def test_one_idempotency_key_makes_one_calculation(run):
    async def use(store):
        first, second, other = record(), record(), record(tenant="globex")
        answers = [
            await store.add_calculation(one, idempotency_key="k", request_digest=digest)
            for one, digest in ((first, "a"), (second, "b"), (other, "c"))
        ]
        assert [(answer.id, answer.fresh, answer.request_digest) for answer in answers] == [
            (first.calculation_id, True, "a"),
            (first.calculation_id, False, "a"),
            (other.calculation_id, True, "c"),
        ]
        assert (await store.calculation("acme", first.calculation_id)).record == first.record
        assert await store.calculation("acme", second.calculation_id) is None
        assert not (await store.submit(execution(idempotency_key="k"))).fresh

    run(use)


def test_one_idempotency_key_makes_one_execution(run):
    async def use(store):
        first = execution(idempotency_key="k", request_digest="a")
        second = execution(idempotency_key="k", request_digest="b")
        other_tenant = execution(idempotency_key="k", tenant="globex")
        answers = await asyncio.gather(*map(store.submit, (first, second, other_tenant)))
        assert [(answer.id, answer.fresh, answer.request_digest) for answer in answers] == [
            (first.id, True, "a"),
            (first.id, False, "a"),
            (other_tenant.id, True, ""),
        ]
        assert await store.execution("acme", second.id) is None
        again = await store.submit_finished(second, result=b"1", record=record())
        assert (again.id, again.fresh) == (first.id, False)

    run(use)


def test_a_finished_execution_is_accepted_with_its_record_in_one_commit(run):
    async def use(store):
        new, made = execution(), record()
        await store.submit_finished(new, result=b'{"sum":"3"}', record=made)
        row = await store.execution("acme", new.id)
        assert (row.state, row.result, row.calculation_id) == (
            State.COMPLETED,
            b'{"sum":"3"}',
            made.calculation_id,
        )
        found = await store.calculation("acme", made.calculation_id)
        assert (found.record, found.leaves, found.position) == (made.record, (made.leaf,), 0)
        types = [event.name for event in await store.events("acme", new.id)]
        assert types == ["pending", "queued", "running", "completed"]

    run(use)


def test_claims_go_by_priority_and_nobody_starves(run):
    async def use(store):
        low_and_old = execution(priority=3, created_at=NOW - 200 * SECOND)
        normal, urgent = execution(priority=2), execution(priority=0)
        low = execution(priority=3)
        for new in (low_and_old, low, normal, urgent):
            await store.submit(new)
        claimed = await claim(store)
        # The old one has waited more than three steps of priority.
        assert [row.id for row in claimed] == [low_and_old.id, urgent.id, normal.id, low.id]
        assert {(row.state, row.attempt, row.token, row.worker) for row in claimed} == {
            (State.RUNNING, 1, 1, "one")
        }
        assert await claim(store, "two") == ()

    run(use)


def test_claims_leave_room_for_other_tenants(run):
    async def use(store):
        for tenant in ("acme", "acme", "acme", "other", "other"):
            await store.submit(execution(tenant=tenant))
        first = await store.claim("w", limit=9, now=NOW, lease=LEASE, per_tenant=2)
        assert sorted(row.tenant for row in first) == ["acme", "acme", "other", "other"]
        assert await store.claim("w", limit=9, now=NOW, lease=LEASE, per_tenant=2) == ()
        (last,) = await store.claim("w", limit=9, now=NOW, lease=LEASE)
        assert last.tenant == "acme"

    run(use)


def test_only_the_last_to_claim_can_finish(run):
    async def use(store):
        new = execution()
        await store.submit(new)
        [stalled] = await claim(store, "stalled")
        [other] = await claim(store, "other", now=LATER + LEASE + 1)
        assert (other.id, other.token, other.attempt) == (new.id, 2, 2)
        assert not await store.change(completed(stalled, result=b"late", record=record()))
        assert await store.change(completed(other, result=b"right"))
        assert not await store.change(completed(other, result=b"twice"))
        row = await store.execution("acme", new.id)
        assert (row.state, row.result, row.calculation_id) == (State.COMPLETED, b"right", None)

    run(use)


def test_a_lease_is_kept_by_saying_so(run):
    async def use(store):
        await store.submit(execution())
        [row] = await claim(store, "one")
        await store.extend_leases("one", [row.id], now=LATER + 10 * SECOND, lease=LEASE)
        assert await claim(store, "two", now=LATER + LEASE + 1) == ()
        assert len(await claim(store, "two", now=LATER + 10 * SECOND + LEASE + 1)) == 1

    run(use)


def test_only_what_a_worker_really_runs_is_kept_for_it(run):
    async def use(store):
        kept, orphan, others = [execution() for _ in range(3)]
        for new in (kept, orphan):
            await store.submit(new)
        await claim(store, "one")
        await store.submit(others)
        await claim(store, "two")
        # The answer that told of the orphan was lost, and "one" never heard of it.
        await store.extend_leases("one", (kept.id, others.id), now=LATER + 10 * SECOND, lease=LEASE)
        await store.extend_leases("one", (), now=LATER + 10 * SECOND, lease=LEASE)
        offered = await claim(store, "three", now=LATER + LEASE + 1)
        assert [row.id for row in offered] == [orphan.id, others.id]

    run(use)


def test_a_clock_set_back_does_not_hold_an_execution_for_ever(run):
    async def use(store):
        await store.submit(execution())
        await claim(store, "lost")
        [again] = await claim(store, "two", now=LATER - 3600 * SECOND)
        assert again.attempt == 2

    run(use)


def test_a_longer_lease_than_ones_own_is_left_to_its_worker(run):
    async def use(store):
        for _ in range(2):
            await store.submit(execution())
        [claimed] = await store.claim("patient", limit=1, now=LATER, lease=4 * LEASE)
        [extended] = await store.claim("quick", limit=1, now=LATER, lease=LEASE)
        await store.extend_leases("quick", [extended.id], now=LATER, lease=4 * LEASE)
        # A mark on what runs leaves its lease alone.
        await store.request_cancel("acme", claimed.id, at=LATER)
        assert await claim(store, "hasty") == ()
        assert await claim(store, "hasty", now=LATER + 4 * LEASE - 1) == ()
        [row] = await claim(store, "hasty", now=LATER + 4 * LEASE)
        assert row.id == extended.id

    run(use)


def test_whose_workers_keep_dying_ends_as_a_dead_letter_and_can_be_requeued(run):
    async def use(store):
        new = execution(max_attempts=2)
        await store.submit(new)
        now = LATER
        for _ in range(2):
            assert len(await claim(store, now=now)) == 1
            now += LEASE + 1
        assert await claim(store, now=now) == ()
        row = await store.execution("acme", new.id)
        assert row.state is State.DEAD_LETTER
        assert b"worker_lost" in row.error
        requeued = Change(
            id=new.id,
            tenant="acme",
            expected=(State.DEAD_LETTER,),
            to=State.QUEUED,
            at=now,
            event=NewEvent("queued"),
            reset_attempts=True,
        )
        assert await store.change(requeued)
        [row] = await claim(store, now=now)
        assert (row.attempt, row.finished_at, row.error) == (1, None, None)

    run(use)


def test_what_is_handed_back_has_made_no_attempt(run):
    async def use(store):
        await store.submit(execution(max_attempts=2))
        for token in (1, 2, 3):
            [row] = await claim(store)
            assert (row.attempt, row.token) == (1, token)
            assert await store.change(completed(row, to=State.QUEUED, result=None))
            assert (await store.execution("acme", row.id)).attempt == 0
        [row] = await claim(store)
        assert await store.change(completed(row, to=State.PENDING, available_at=LATER, result=None))
        # Only what ran is handed back: this waits for its second attempt.
        ripened = completed(row, expected=(State.PENDING,), to=State.QUEUED, result=None)
        assert await store.change(ripened)
        [row] = await claim(store)
        assert (row.attempt, row.token) == (2, 5)

    run(use)


def test_a_retry_waits_for_its_time(run):
    async def use(store):
        await store.submit(execution())
        [row] = await claim(store)
        retry = completed(row, to=State.PENDING, available_at=LATER + 5 * SECOND, result=None, error=b"{}")
        assert await store.change(retry)
        assert await claim(store, now=LATER + 4 * SECOND) == ()
        [again] = await claim(store, now=LATER + 5 * SECOND)
        assert (again.attempt, again.token) == (2, 2)
        types = [event.name for event in await store.events("acme", row.id)]
        assert types == ["pending", "queued", "running", "completed", "queued", "running"]

    run(use)


def test_what_waits_past_its_deadline_times_out_unrun(run):
    async def use(store):
        new = execution(deadline_at=LATER - 1)
        await store.submit(new)
        assert await claim(store) == ()
        row = await store.execution("acme", new.id)
        assert (row.state, row.attempt) == (State.TIMEOUT, 0)

    run(use)


def test_cancelling_ends_what_waits_and_marks_what_runs(run):
    async def use(store):
        waiting, running = execution(), execution()
        await store.submit(running)
        [row] = await claim(store)
        await store.submit(waiting)
        assert (await store.request_cancel("acme", waiting.id, at=LATER)).state is State.CANCELLED
        marked = await store.request_cancel("acme", running.id, at=LATER)
        assert (marked.state, marked.cancel_requested) == (State.RUNNING, True)
        assert await store.cancelled_of("one") == (running.id,)
        assert await store.cancelled_of("two") == ()
        assert await store.change(completed(row, to=State.CANCELLED, result=None))
        # What ended stays as it ended.
        assert (await store.request_cancel("acme", waiting.id, at=LATER)).state is State.CANCELLED
        assert await store.request_cancel("acme", "exec_unknown", at=LATER) is None
        assert await claim(store) == ()

    run(use)


def test_no_tenant_sees_another(run):
    async def use(store):
        new, made = execution(), record()
        await store.submit_finished(new, result=b"1", record=made)
        assert await store.execution("globex", new.id) is None
        assert await store.events("globex", new.id) == ()
        assert await store.calculation("globex", made.calculation_id) is None
        assert await store.request_cancel("globex", new.id, at=LATER) is None
        assert (await store.executions("globex", ExecutionFilter(), limit=10)).rows == ()
        assert await store.deliveries("globex", new.id) == ()
        stolen = Change(
            id=new.id,
            tenant="globex",
            expected=tuple(State),
            to=State.QUEUED,
            at=LATER,
            event=NewEvent("queued"),
        )
        assert not await store.change(stolen)

    run(use)


def test_lists_are_paged_newest_first_and_filtered(run):
    async def use(store):
        made = [
            execution(agents=("acme.double@1.0.0",) if i % 2 else ("acme.doubled@1.0.0",)) for i in range(7)
        ]
        for new in made:
            await store.submit(new)
        newest_first = [new.id for new in reversed(made)]
        seen, cursor = [], None
        while True:
            page = await store.executions("acme", ExecutionFilter(), limit=3, cursor=cursor)
            seen += [row.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == newest_first
        await claim(store, limit=2)
        cases = {
            (State.RUNNING,): newest_first[-2:],
            (State.RUNNING, State.QUEUED): newest_first,
            (State.FAILED,): [],
        }
        for states, expected in cases.items():
            page = await store.executions("acme", ExecutionFilter(states=states), limit=10)
            assert [row.id for row in page.rows] == expected
        for agent, expected in {
            "acme.double": newest_first[1::2],
            "acme.doubled@1.0.0": newest_first[::2],
        }.items():
            page = await store.executions("acme", ExecutionFilter(agent=agent), limit=10)
            assert [row.id for row in page.rows] == expected
        times = ExecutionFilter(created_from=made[2].created_at, created_before=made[4].created_at)
        page = await store.executions("acme", times, limit=10)
        assert [row.id for row in page.rows] == [made[3].id, made[2].id]

    run(use)


def test_an_agent_is_asked_for_by_its_name_or_its_whole_entry(run):
    async def use(store):
        agents = [("acme.double@1.0",), ("acme.double@1.0.1",), ("acme.sum@1.0", "acme.double@1.0.1")]
        made = [execution(agents=each) for each in agents]
        for new in made:
            await store.submit(new)
        expected = {
            "acme.double": made,
            "acme.double@1.0": made[:1],
            "acme.double@1.0.1": made[1:],
            "acme.sum": made[2:],
            "acme.double@": [],
            "acme.doubl": [],
            "double@1.0": [],
            "double": [],
            "acme.sum@1.0|acme.double@1.0.1": [],
            "acme.sum@1.0|acme.double": [],
        }
        for agent, found in expected.items():
            page = await store.executions("acme", ExecutionFilter(agent=agent), limit=10)
            assert {row.id for row in page.rows} == {new.id for new in found}, agent

    run(use)


def test_nothing_has_a_name_with_nul_in_it(run):
    name = "a\0b"
    change = Change(
        id=name, tenant="acme", expected=tuple(State), to=State.QUEUED, at=LATER, event=NewEvent("queued")
    )

    async def use(store):
        await store.submit(execution())
        for tenant, one in (("acme", name), (name, "exec_1")):
            assert await store.execution(tenant, one) is None
            assert await store.events(tenant, one) == ()
            assert await store.deliveries(tenant, one) == ()
            assert await store.calculation(tenant, one) is None
            assert await store.request_cancel(tenant, one, at=LATER) is None
            assert not await store.revoke_api_key(tenant, one, at=LATER)
        assert (await store.executions("acme", ExecutionFilter(agent=name), limit=9)).rows == ()
        assert (await store.executions(name, ExecutionFilter(), limit=9)).rows == ()
        assert await store.api_key(name) is None
        assert await store.api_keys(name) == ()
        assert await store.cancelled_of(name) == ()
        assert not await store.change(change)

    run(use)


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1.exec", "9" * 30 + ".exec", "١.exec"])
def test_a_made_up_cursor_is_refused(run, cursor):
    async def use(store):
        with pytest.raises(InputError, match="is no cursor"):
            await store.executions("acme", ExecutionFilter(), limit=3, cursor=cursor)

    run(use)


def test_records_are_linked_in_the_order_of_their_commits(run):
    async def use(store):
        made = [record() for _ in range(50)]
        await asyncio.gather(*(store.add_calculation(one) for one in made[:30]))
        for one in made[30:]:
            await store.add_calculation(one)
        leaves, owners, previous = [], [], ""
        async for link in store.commits():
            previous = hashlib.sha256(previous.encode() + b"".join(link.leaves)).hexdigest()
            assert link.head.decode() == previous
            leaves += link.leaves
            owners += link.owners
        assert leaves == [one.leaf for one in made]
        assert owners == [(one.calculation_id, "acme") for one in made]
        found = await store.calculation("acme", made[17].calculation_id)
        assert found.leaves[found.position] == made[17].leaf

    run(use)


def test_what_fails_in_a_group_leaves_the_rest_of_it(run):
    async def use(store):
        first, twice, last = execution(), execution(), execution()
        await store.submit(twice)
        answers = await asyncio.gather(*map(store.submit, (first, twice, last)), return_exceptions=True)
        assert [getattr(answer, "fresh", None) for answer in answers] == [True, None, True]
        assert "could not be written" in str(answers[1])
        assert await store.execution("acme", last.id) is not None
        assert len(await store.events("acme", first.id)) == 2

    run(use)


def test_an_end_makes_its_delivery_and_settling_ends_it(run):
    async def use(store):
        new = execution(webhook="https://example.org/done")
        await store.submit(new)
        [row] = await claim(store)
        assert await store.claim_deliveries(now=LATER, limit=5, lease=0) == ()
        await store.change(completed(row))
        [delivery] = await store.claim_deliveries(now=LATER, limit=5, lease=0)
        assert (delivery.url, delivery.execution_id, delivery.attempt) == (
            "https://example.org/done",
            new.id,
            0,
        )
        again = LATER + SECOND
        assert len(await store.claim_deliveries(now=LATER, limit=5, lease=SECOND)) == 1
        assert await store.claim_deliveries(now=LATER, limit=5, lease=SECOND) == ()
        await store.settle_delivery(delivery.id, state="due", next_at=again, status=500, error="HTTP 500")
        assert await store.claim_deliveries(now=LATER, limit=5, lease=0) == ()
        [delivery] = await store.claim_deliveries(now=again, limit=5, lease=0)
        await store.settle_delivery(delivery.id, state="delivered", next_at=again, status=200, error=None)
        assert await store.claim_deliveries(now=again, limit=5, lease=0) == ()
        [delivery] = await store.deliveries("acme", new.id)
        assert (delivery.state, delivery.attempt, delivery.last_status) == ("delivered", 2, 200)

    run(use)


def test_purging_takes_what_ended_and_leaves_the_ledger_and_dead_letters(run):
    async def use(store):
        old = execution(created_at=NOW - 100 * SECOND, idempotency_key="k")
        made = record(created_at=NOW - 100 * SECOND)
        await store.submit_finished(old, result=b"1", record=made)
        waiting = execution(created_at=NOW - 100 * SECOND)
        await store.submit(waiting)
        assert await store.purge(before=NOW) == 1
        assert await store.execution("acme", old.id) is None
        assert await store.events("acme", old.id) == ()
        assert await store.execution("acme", waiting.id) is not None
        assert await store.calculation("acme", made.calculation_id) is not None
        assert (await store.submit(execution(idempotency_key="k"))).fresh

    run(use)


def test_counts_tell_every_state(run):
    async def use(store):
        for _ in range(3):
            await store.submit(execution())
        await claim(store, limit=1)
        counts = await store.counts()
        assert set(counts) == set(State)
        assert (counts[State.QUEUED], counts[State.RUNNING], counts[State.FAILED]) == (2, 1, 0)

    run(use)


def test_progress_is_appended_to_the_log(run):
    async def use(store):
        new = execution()
        await store.submit(new)
        await store.append_event("acme", new.id, NewEvent("progress", b'{"rows":10}'), at=LATER)
        [*_, last] = await store.events("acme", new.id)
        assert (last.name, bytes(last.payload), at_of(last)) == ("progress", b'{"rows":10}', LATER)
        assert await store.events("acme", new.id, after=last.sequence) == ()

    run(use)


def test_api_keys_are_kept_listed_and_ended(run):
    def key(name, tenant="acme", **changes):
        usual = {"roles": ("developer", "viewer"), "secret_hash": b"h" * 32, "created_at": NOW}
        ends = {"expires_at": None, "revoked_at": None}
        return ApiKey(id=name, tenant=tenant, name=f"key {name}", **{**usual, **ends, **changes})

    async def use(store):
        first, second, other = key("a"), key("b", created_at=NOW + 1), key("c", "other")
        for each in (first, second, other):
            await store.add_api_key(each)
        assert await store.api_key("c") == other
        assert await store.api_key("d") is None
        assert await store.api_keys("acme") == (second, first)
        assert not await store.revoke_api_key("acme", "c", at=LATER)
        assert await store.revoke_api_key("acme", "a", at=LATER)
        assert not await store.revoke_api_key("acme", "a", at=LATER + 1)
        assert (await store.api_key("a")).revoked_at == LATER

    run(use)
