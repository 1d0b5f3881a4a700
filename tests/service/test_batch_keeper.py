"""The keeper of batches goes on whatever the disk and its users do."""

import asyncio
import contextlib
import subprocess
import sys
import threading

import batch_runs
import msgspec
import pytest

from greenlang.agents import default_registry
from greenlang.engine.batches import BatchFolder, State
from greenlang.engine.executions import Prover
from greenlang.engine.tenancy import UNGUARDED, Guard, Registrations, Tenants
from greenlang.ledger import Unsigned
from greenlang.observing import Counts
from greenlang.service import batches as keeping_batches
from greenlang.service.batches import BatchKeeper, BatchSettings
from greenlang.stores import EventMetadata, NewRecord, open_store
from greenlang.stores.rows import Administrator
from greenlang.stores.tables import METERING, USAGE

OPERATOR = Administrator("operations", "key:1")


@pytest.fixture
def made(tmp_path):
    """Makes batches of one small file."""
    path = batch_runs.write_csv(tmp_path / "activities.csv", batch_runs.rows(20))
    order = batch_runs.order_of(tmp_path, path)
    return lambda tenant="default": batch_runs.made(tmp_path / "batches", order, tenant)


def kept(root, until, prepare=None, counts=None):
    """Keep the batches of a folder until something holds, for two minutes at most; gives the keeper's end.

    `until` is asked with the store and the guard where `prepare` made something there.
    """

    async def main():
        prover = Prover(default_registry(), Unsigned("a test"))
        store = open_store("memory:", prover.seal)
        guard = UNGUARDED
        if prepare is not None:
            guard = Guard(store.rows)
            await prepare(store)
        keeper = BatchKeeper(BatchSettings(), root, store, prover, default_registry(), guard, counts)
        keeping = asyncio.create_task(keeper.keep())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(120):
                while not (keeping.done() or (until() if prepare is None else await until(store, guard))):
                    await asyncio.sleep(0.02)
        keeping.cancel()
        (ended,) = await asyncio.gather(keeping, return_exceptions=True)
        await store.close()
        return ended

    return asyncio.run(main())


def test_a_batch_that_cannot_be_written_keeps_no_other_waiting(made, tmp_path):
    healthy, broken = made(), made()  # the newest is looked at first
    for folder in (healthy, broken):
        batch_runs.hash_of(folder)
    broken.path.joinpath("committed.json").symlink_to(tmp_path / "nowhere" / "committed.json")
    ended = kept(tmp_path / "batches", healthy.path.joinpath("committed.json").exists)
    assert isinstance(ended, asyncio.CancelledError)
    assert healthy.state().calculation_id
    assert not broken.path.joinpath("committed.json").exists()


def test_a_folder_of_batches_that_cannot_be_read_is_looked_at_again(made, tmp_path):
    folder = made()
    batch_runs.hash_of(folder)
    root = tmp_path / "batches"
    away = root.rename(tmp_path / "away")
    root.write_text("no folder")
    looks = iter(range(20))

    def committed():
        if next(looks, None) is None and root.is_file():
            root.unlink()
            away.rename(root)
        return folder.path.joinpath("committed.json").exists()

    assert isinstance(kept(root, committed), asyncio.CancelledError)
    assert folder.state().calculation_id


def test_a_batch_that_is_cancelled_while_its_process_starts_stays_cancelled(made):
    folder = made()
    folder.ask_to_cancel()
    command = [sys.executable, "-m", "greenlang.engine.batches", str(folder.path), "threads", "1"]
    assert subprocess.run(command, check=False, timeout=30).returncode == 1
    assert folder.state().state == "cancelled"
    assert folder.finished() == set()


def test_tenants_take_turns_and_the_oldest_batch_of_each_goes_first(made, tmp_path):
    batches = {tenant: [made(tenant) for _ in range(2)] for tenant in ("acme", "globex")}
    every = [folder for folders in batches.values() for folder in folders]
    kept(tmp_path / "batches", lambda: all(folder.kept_state().state == "completed" for folder in every))
    in_order = sorted(every, key=lambda folder: folder.kept_state().started_at)
    assert all(in_order.index(first) < in_order.index(second) for first, second in batches.values())
    assert len({folder.path.parent for folder in in_order[:2]}) == 2


def test_a_batch_of_a_suspended_tenant_waits_until_it_is_resumed(made, tmp_path):
    folders = {tenant: made(tenant) for tenant in ("acme", "globex")}

    async def prepare(store):
        await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")
        await Tenants(store.rows).change(OPERATOR, "acme", status="suspended")

    async def until(store, guard):
        if folders["globex"].kept_state().state != "completed":
            return False
        if (await Tenants(store.rows).tenant("acme")).status == "suspended":
            assert folders["acme"].kept_state().state == "queued"
            await Tenants(store.rows).change(OPERATOR, "acme", status="active")
            guard.standings.forget("acme")
        return folders["acme"].kept_state().state == "completed"

    kept(tmp_path / "batches", until, prepare)
    assert folders["acme"].kept_state().state == "completed"


def test_a_batch_whose_agent_was_paused_while_it_waited_fails_and_says_why(made, tmp_path):
    folder = made("acme")

    async def prepare(store):
        await Registrations(store.rows).register("acme", "ghg.emissions", "1.0.0", by=EventMetadata("mia"))

    async def until(store, guard):
        return folder.kept_state().state == "failed"

    kept(tmp_path / "batches", until, prepare)
    assert "agent 'ghg.emissions@1.0.0' is staged for tenant 'acme'" in folder.kept_state().error
    assert folder.finished() == set()


def test_what_a_batch_used_is_metered_and_counted_once(made, tmp_path):
    folder, counts = made("acme"), Counts()

    async def prepare(store):
        await Tenants(store.rows).create(OPERATOR, "acme", name="Acme", tier="free")

    async def until(store, guard):
        await guard.meter.flush()
        if not (metered := await store.rows.rows("acme", METERING)):
            return False
        await asyncio.sleep(1.2)  # another look
        await guard.meter.flush()
        assert await store.rows.rows("acme", METERING) == metered
        (one,) = metered
        assert (one.execution_id, one.tokens) == (folder.batch_id, 0)
        (usage,) = await store.rows.rows("acme", USAGE)
        assert usage.cpu_microseconds == one.cpu_microseconds > 0
        return True

    assert isinstance(kept(tmp_path / "batches", until, prepare, counts), asyncio.CancelledError)
    counted = counts.snapshot().calculations
    assert {(agent, status, count) for (agent, _, status), count in counted} == {
        ("ghg.inventory", "success", 1)
    }


def test_no_key_of_a_caller_is_in_the_way_of_a_batch(made, tmp_path):
    folder = made("acme")
    batch_runs.hash_of(folder)

    async def prepare(store):
        other = NewRecord("calc_other", "acme", b"{}", bytes(32), 1)
        await store.add_calculation(other, idempotency_key=f"batch:{folder.batch_id}")

    async def until(store, guard):
        return folder.kept_state().calculation_id

    kept(tmp_path / "batches", until, prepare)
    assert folder.kept_state().calculation_id not in ("calc_other", "")


@pytest.mark.parametrize("stops", [True, False])
def test_a_batch_is_resumed_when_its_process_has_let_go_of_it(made, monkeypatch, stops):
    monkeypatch.setattr(keeping_batches, "_LET_GO_S", 0.3)
    folder = made()
    other = BatchFolder(folder.path)
    with other.held():
        running = msgspec.structs.replace(folder.kept_state(), state=State.RUNNING)
        folder.save_state(running)
        assert keeping_batches._queue_again(folder)  # it runs, which is what is wanted
        folder.ask_to_cancel()
        ending = threading.Timer(
            0.1, folder.save_state, [msgspec.structs.replace(running, state=State.CANCELLED)]
        )
        ending.start()
        if not stops:
            assert not keeping_batches._queue_again(folder)
    ending.join()
    assert keeping_batches._queue_again(folder)
    assert (folder.state().state, folder.cancel_asked) == (State.QUEUED, False)
