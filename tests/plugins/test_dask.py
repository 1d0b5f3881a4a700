"""Batches on a real Dask cluster of this machine."""

import os
import signal

import batch_runs
import pytest

from greenlang.engine.batches import State, open_engine, run_batch
from greenlang.errors import InputError


@pytest.fixture(scope="module")
def order(tmp_path_factory):
    place = tmp_path_factory.mktemp("input")
    path = batch_runs.write_csv(place / "activities.csv", batch_runs.rows(12_000))
    return lambda **choices: batch_runs.order_of(place, path, **choices)


@pytest.fixture(scope="module")
def cluster():
    engine = open_engine("dask", 2)
    yield engine
    engine.close()


def test_dask_gives_what_threads_give(cluster, order, tmp_path):
    expected = batch_runs.hash_of(batch_runs.made(tmp_path / "other", order()))
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    assert cluster.workers == 2
    assert run_batch(folder, cluster).record.result_hash == expected


def test_a_worker_that_is_killed_costs_a_try_and_nothing_else(cluster, order, tmp_path):
    expected = batch_runs.hash_of(batch_runs.made(tmp_path / "other", order()))
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    pids = cluster.client.run(os.getpid)
    killed = []

    def kill_one(state):
        if not killed and state.state is State.RUNNING:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    result = run_batch(folder, cluster, on_progress=kill_one, backoff_s=0.01)
    assert killed
    assert result.record.result_hash == expected
    assert killed[0] not in cluster.client.run(os.getpid).values()


def test_a_cluster_that_is_there_is_used_and_stays(cluster, order, tmp_path):
    address = cluster.client.scheduler.address.removeprefix("tcp://")
    engine = open_engine(f"dask://{address}", 2)
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=2048))
    try:
        run_batch(folder, engine)
    finally:
        engine.close()
    assert folder.state().state is State.COMPLETED
    assert len(cluster.client.nthreads()) == 2


def test_a_mistake_in_the_input_is_told_as_one(cluster, order, tmp_path):
    folder = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    folder.path.joinpath("input.arrow").write_bytes(b"")
    with pytest.raises(InputError, match="was changed since the batch began"):
        run_batch(folder, cluster)


def test_where_no_scheduler_is_it_is_said_what_to_start(monkeypatch):
    monkeypatch.setattr("greenlang_dask.engine.CONNECT_S", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at '127\.0\.0\.1:1'; start one with"):
        open_engine("dask://127.0.0.1:1")


def test_an_address_without_a_port_is_told_as_one():
    with pytest.raises(InputError, match="'acme' is no address of a Dask scheduler; write dask://HOST:PORT"):
        open_engine("dask://acme")
