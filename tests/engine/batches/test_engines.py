"""Engines compute what they are told, and a worker that is killed costs a try."""

import os
import signal
import sys
import threading
import time

import batch_runs
import pytest

from greenlang.engine.batches import PartitionTask, WorkerLost, open_engine, run_batch
from greenlang.engine.batches.definition import Partition
from greenlang.errors import InputError


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_every_engine_gives_the_same(order, tmp_path, name):
    expected = batch_runs.hash_of(batch_runs.made(tmp_path / "other", order()))
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    engine = open_engine(name, 2)
    try:
        assert engine.workers == 2
        assert run_batch(folder, engine).record.result_hash == expected
    finally:
        engine.close()


def test_a_worker_that_is_killed_costs_a_try_and_nothing_else(order, tmp_path):
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    engine = open_engine("processes", 2)
    killed = []

    def kill_one(state):
        if not killed and state.tally.partitions_done:
            killed.append(engine.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    try:
        result = run_batch(folder, engine, on_progress=kill_one, backoff_s=0.01)
    finally:
        engine.close()
    assert killed
    assert folder.kept_state().tally.retries <= 1
    other = batch_runs.made(tmp_path / "other", order())
    assert result.record.result_hash == batch_runs.hash_of(other)


def test_what_is_wrong_with_the_input_is_told_from_another_process(order, tmp_path, activities):
    copy = tmp_path / "activities.csv"
    copy.write_bytes(activities.read_bytes())
    folder = batch_runs.made(tmp_path / "batches", order(path=copy, partition_rows=1024))
    folder.path.joinpath("input.arrow").write_bytes(b"")
    engine = open_engine("processes", 1)
    try:
        with pytest.raises(InputError, match="was changed since the batch began") as caught:
            run_batch(folder, engine)
    finally:
        engine.close()
    assert caught.value.fix == "begin a new batch over it"


def test_workers_end_with_their_engine(tmp_path):
    os.mkfifo(tmp_path / "batch.json")  # read until somebody has written it
    engine = open_engine("processes", 2)
    for index in range(2):
        engine.submit(PartitionTask(str(tmp_path), Partition(index, 0, 1)))
    deadline = time.monotonic() + 20
    while len(engine.pids()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    pids = engine.pids()
    engine.close()
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_cannot_be_started_costs_a_try_and_nothing_else(tmp_path, monkeypatch):
    engine = open_engine("processes", 1)
    task = PartitionTask(str(tmp_path), Partition(0, 0, 1))
    try:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", str(tmp_path / "no-python"))
            with pytest.raises(WorkerLost, match="no worker can be started: No such file"):
                engine.submit(task).result(20)
        with pytest.raises(InputError, match="there is no batch"):
            engine.submit(task).result(20)
    finally:
        engine.close()


def test_an_engine_that_there_is_not_is_told_with_those_there_are():
    with pytest.raises(InputError, match="there is no engine 'acme'; take 'threads', 'processes'"):
        open_engine("acme://cluster")


def test_threads_end_with_their_engine_also_where_one_was_given_up(tmp_path):
    before = set(threading.enumerate())
    os.mkfifo(tmp_path / "batch.json")  # read until somebody has written it
    engine = open_engine("threads", 1)
    given_up = engine.submit(PartitionTask(str(tmp_path), Partition(0, 0, 1)))
    deadline = time.monotonic() + 10
    while not given_up.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    engine.abandon(given_up)
    engine.close()
    tmp_path.joinpath("batch.json").write_text("{}")
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


def test_threads_of_a_closed_engine_end():
    before = set(threading.enumerate())
    engine = open_engine("threads", 3)
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    engine.close()
    for thread in started:
        thread.join(5)
        assert not thread.is_alive()
