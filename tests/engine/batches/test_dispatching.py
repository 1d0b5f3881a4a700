"""Tries, time limits and order, over an engine that does as it is told."""

import time
from concurrent.futures import Future

import pytest

from greenlang.engine.batches import BatchCancelled, PartitionFailed, PartitionTask
from greenlang.engine.batches.definition import Partition
from greenlang.engine.batches.dispatching import Tries, dispatch
from greenlang.errors import InputError

USUAL = Tries(most=3, timeout_s=60, backoff_s=0.02)


class Scripted:
    """An engine whose partitions go as a script says: an exception, a number, or None for one that hangs."""

    workers = 2

    def __init__(self, script):
        self.script = {index: list(outcomes) for index, outcomes in script.items()}
        self.tried = []
        self.abandoned = []

    def submit(self, task):
        index = task.partition.index
        self.tried.append((index, time.monotonic()))
        future = Future()
        future.set_running_or_notify_cancel()
        outcomes = self.script.get(index, [])
        outcome = outcomes.pop(0) if outcomes else 0
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        elif outcome is not None:
            future.set_result(outcome)
        return future

    def abandon(self, future):
        self.abandoned.append(future)

    def close(self):
        pass

    def tries_of(self, index):
        return [at for tried, at in self.tried if tried == index]


@pytest.fixture
def dispatched():
    def run(script, count=4, tries=USUAL, cancelled=lambda: False):
        engine = Scripted(script)
        done, retried = {}, []
        tasks = [PartitionTask("", Partition(index, index * 1024, 1024)) for index in range(count)]
        try:
            dispatch(
                engine,
                tasks,
                tries,
                on_done=lambda task, failed: done.__setitem__(task.partition.index, failed),
                on_retry=lambda task, why: retried.append((task.partition.index, why)),
                cancelled=cancelled,
            )
        finally:
            run.engine, run.done, run.retried = engine, done, retried
        return done

    return run


def test_every_partition_is_computed_once(dispatched):
    assert dispatched({1: [7]}, count=9) == {**dict.fromkeys(range(9), 0), 1: 7}
    assert [index for index, _ in dispatched.engine.tried] == list(range(9))


def test_what_fails_is_tried_again_after_pauses_that_double(dispatched):
    tries = Tries(most=3, backoff_s=0.1)
    dispatched({2: [RuntimeError("a"), OSError("b")]}, tries=tries)
    assert dispatched.retried == [(2, "RuntimeError: a"), (2, "OSError: b")]
    first, second, third = dispatched.engine.tries_of(2)
    assert second - first >= 0.1
    assert third - second >= 0.2
    assert len(dispatched.done) == 4


def test_a_partition_that_fails_three_times_fails_the_batch_when_the_others_are_done(dispatched):
    failures = [RuntimeError("no"), RuntimeError("still no"), RuntimeError("never")]
    with pytest.raises(PartitionFailed, match="partition 0 failed 3 times: RuntimeError: never"):
        dispatched({0: failures}, count=6)
    assert sorted(dispatched.done) == [1, 2, 3, 4, 5]


def test_a_mistake_of_the_user_is_not_tried_again(dispatched):
    with pytest.raises(InputError, match="the column is missing"):
        dispatched({0: [InputError("the column is missing")]})
    assert len(dispatched.engine.tries_of(0)) == 1


def test_one_that_takes_too_long_is_given_up_and_tried_again(dispatched):
    done = dispatched({1: [None, 5]}, tries=Tries(most=3, timeout_s=0.2, backoff_s=0.01))
    assert done[1] == 5
    assert len(dispatched.engine.abandoned) == 1
    assert dispatched.retried == [(1, "it took longer than 0.2 s")]


def test_a_batch_that_is_cancelled_gives_up_what_is_under_way(dispatched):
    with pytest.raises(BatchCancelled):
        dispatched({0: [None], 1: [None]}, cancelled=lambda: len(dispatched.__dict__) >= 0)
    assert len(dispatched.engine.abandoned) == 2


def test_an_engine_never_has_more_than_it_needs(dispatched):
    hanging = {index: [None] for index in range(50)}
    with pytest.raises(BatchCancelled):
        dispatched(hanging, count=50, cancelled=lambda: True)
    assert len(dispatched.engine.tried) == Scripted.workers + 2
