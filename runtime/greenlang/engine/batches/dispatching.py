"""Hands partitions to an engine and decides on tries: which are over their time, failed, or tried again."""

from __future__ import annotations

__all__ = ["BatchCancelled", "PartitionFailed", "Tries", "dispatch"]

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from heapq import heappop, heappush

from greenlang.engine.batches.computing import Computed, PartitionTask
from greenlang.engine.batches.engines import BatchEngine
from greenlang.errors import GreenLangError, InputError

#: How often it is looked whether somebody wants the batch to stop, and what is late.
_LOOK_S = 0.1

#: Partitions that an engine has beyond those that it computes, so that no worker waits.
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Tries:
    """How a partition is tried."""

    most: int = 3
    timeout_s: float = 1800.0
    #: Before the second try; before each further one it is twice as long.
    backoff_s: float = 1.0

    def pause_s(self, tries: int) -> float:
        """How long to wait after so many tries."""
        return self.backoff_s * float(2 ** (tries - 1))


class PartitionFailed(GreenLangError):
    """A partition failed as often as it may."""


class BatchCancelled(GreenLangError):
    """Somebody wanted the batch to stop."""


@dataclass(slots=True)
class _UnderWay:
    task: PartitionTask
    tries: int
    #: When it was first seen at work; None while it waits for a worker.
    began: float | None = None


def dispatch(
    engine: BatchEngine,
    tasks: Iterable[PartitionTask],
    tries: Tries,
    *,
    on_done: Callable[[PartitionTask, Computed], None],
    on_retry: Callable[[PartitionTask, str], None],
    cancelled: Callable[[], bool],
) -> None:
    """Have an engine compute partitions; what fails is tried again while the others go on.

    Parameters
    ----------
    on_done, on_retry : callable
        Told of a partition that is done, with what came of it; of one that is tried again, with the reason.
    cancelled : callable
        Whether to stop; asked now and then.

    Raises
    ------
    InputError
        As soon as a partition raises one: no further try would mend it.
    PartitionFailed
        When all others are done, if one failed as often as it may.
    BatchCancelled
        If it was to stop.
    """
    waiting = iter(tasks)
    #: Partitions to be tried again: from when on, which, and how often they were tried.
    again: list[tuple[float, int, _UnderWay]] = []
    under_way: dict[Future[Computed], _UnderWay] = {}
    given_up: list[str] = []

    def failed(work: _UnderWay, why: str) -> None:
        if work.tries >= tries.most:
            given_up.append(f"partition {work.task.partition.index} failed {work.tries} times: {why}")
            return
        on_retry(work.task, why)
        due = time.monotonic() + tries.pause_s(work.tries)
        heappush(again, (due, work.task.partition.index, work))

    try:
        while True:
            while len(under_way) < engine.workers + _AHEAD:
                work = _next(waiting, again)
                if work is None:
                    break
                under_way[engine.submit(work.task)] = work
            if not under_way and not again:
                break
            done = wait(under_way, _LOOK_S, FIRST_COMPLETED).done if under_way else set()
            if not under_way:
                time.sleep(_LOOK_S)
            for future in done:
                work = under_way.pop(future)
                try:
                    on_done(work.task, future.result())
                except InputError:
                    raise
                except (Exception, CancelledError) as error:  # agents may raise anything
                    failed(work, f"{type(error).__name__}: {error}")
            for future, work in _late(under_way, tries.timeout_s):
                del under_way[future]
                engine.abandon(future)
                failed(work, f"it took longer than {tries.timeout_s:g} s")
            if cancelled():
                raise BatchCancelled("the batch was cancelled")
    finally:
        for future in under_way:
            engine.abandon(future)
    if given_up:
        raise PartitionFailed("; ".join(sorted(given_up)))


def _next(waiting: Iterable[PartitionTask], again: list[tuple[float, int, _UnderWay]]) -> _UnderWay | None:
    """What to begin with: what is tried again and due, then what was not tried yet."""
    if again and again[0][0] <= time.monotonic():
        _, _, work = heappop(again)
        return _UnderWay(work.task, work.tries + 1)
    task = next(iter(waiting), None)
    return None if task is None else _UnderWay(task, 1)


def _late(
    under_way: dict[Future[Computed], _UnderWay], timeout_s: float
) -> list[tuple[Future[Computed], _UnderWay]]:
    now = time.monotonic()
    late = []
    for future, work in under_way.items():
        if work.began is None and future.running():
            work.began = now
        if work.began is not None and now - work.began > timeout_s and not future.done():
            late.append((future, work))
    return late
