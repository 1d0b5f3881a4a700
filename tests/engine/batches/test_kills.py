"""Whatever moment a batch is killed at, it goes on from there and gives what it would have given."""

import fcntl
import os
import random
import threading
import time

import batch_runs
from commands import FORKED

from greenlang.engine.batches import BatchFolder, State

KILLS = 20
SEED = int(os.environ.get("GREENLANG_KILL_SEED", "20251121"))


def start(folder, workers):
    begun = FORKED.Event()
    process = FORKED.Process(target=batch_runs.run_until_killed, args=(str(folder.path), workers, begun))
    process.start()
    assert begun.wait(30)
    return process


def outcome(folder):
    """Everything that a batch gives, but what tells one run from another."""
    files = ("totals.json", "failures.jsonl", "repeated.json")
    return [folder.path.joinpath(name).read_bytes() for name in files]


def test_a_batch_that_is_killed_at_any_moment_gives_the_same_when_it_is_resumed(order, tmp_path):
    undisturbed = batch_runs.made(tmp_path / "undisturbed", order(partition_rows=1024))
    process = start(undisturbed, 2)
    began = time.monotonic()
    process.join(60)
    # On a machine that is busy it may take long; the moments need not.
    took = min(time.monotonic() - began, 0.6)
    assert undisturbed.state().state is State.COMPLETED
    expected = batch_runs.hash_of(undisturbed)
    chosen = random.Random(SEED)  # noqa: S311  moments, not secrets
    found = set()
    for number in range(KILLS):
        folder = batch_runs.made(tmp_path / f"{number}", order(partition_rows=1024))
        process = start(folder, chosen.choice((1, 2, 3)))
        time.sleep(chosen.uniform(number, number + 1) / KILLS * 1.5 * took)
        process.kill()
        process.join()
        state = folder.state().state
        found.add(len(folder.finished()))
        assert state in (State.QUEUED, State.INTERRUPTED, State.COMPLETED), (SEED, number)
        assert batch_runs.hash_of(folder, chosen.choice((1, 2))) == expected, (SEED, number)
        assert outcome(folder) == outcome(undisturbed), (SEED, number)
    # They were killed at moments that differ, not all before the work began or after it was done.
    assert len(found) > 2, (SEED, took, found)


def test_a_batch_that_is_killed_again_and_again_still_ends(order, tmp_path):
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    for _ in range(5):
        process = start(folder, 1)
        time.sleep(0.15)
        process.kill()
        process.join()
    undisturbed = batch_runs.made(tmp_path / "undisturbed", order(partition_rows=1024))
    assert batch_runs.hash_of(folder) == batch_runs.hash_of(undisturbed)


def test_only_one_process_is_at_work_on_a_batch(order, tmp_path):
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    with folder.held() as free:
        assert free
        with BatchFolder(folder.path).held() as also:
            assert not also
        process = start(folder, 1)
        process.join(60)
        assert process.exitcode == 1
        assert folder.finished() == set()


def test_whoever_looks_at_a_batch_keeps_nobody_from_taking_it(order, tmp_path):
    folder = batch_runs.made(tmp_path / "batches", order())
    assert not folder.is_held()
    look = os.open(folder.path / "lock", os.O_RDWR)
    fcntl.flock(look, fcntl.LOCK_SH)  # as whoever looks has it for a moment
    assert not folder.is_held()
    ended = threading.Timer(0.015, os.close, [look])
    ended.start()
    with folder.held() as free:
        assert free
        assert folder.is_held()
    ended.join()
