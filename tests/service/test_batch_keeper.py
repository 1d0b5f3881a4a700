"""The keeper of batches goes on whatever the disk and its users do."""

import asyncio
import contextlib
import subprocess
import sys

import batch_runs
import pytest

from greenlang.agents import default_registry
from greenlang.engine.executions import Prover
from greenlang.ledger import Unsigned
from greenlang.service.batches import BatchKeeper, BatchSettings
from greenlang.stores import open_store


@pytest.fixture
def made(tmp_path):
    """Makes batches of one small file."""
    path = batch_runs.write_csv(tmp_path / "activities.csv", batch_runs.rows(20))
    order = batch_runs.order_of(tmp_path, path)
    return lambda: batch_runs.made(tmp_path / "batches", order)


def kept(root, until):
    """Keep the batches of a folder until something holds, for ten seconds at most; gives the keeper's end."""

    async def main():
        prover = Prover(default_registry(), Unsigned("a test"))
        store = open_store("memory:", prover.seal)
        keeper = BatchKeeper(BatchSettings(), root, store, prover, default_registry())
        keeping = asyncio.create_task(keeper.keep())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not (keeping.done() or until()):
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
