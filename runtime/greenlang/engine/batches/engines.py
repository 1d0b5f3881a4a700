"""Engines: what computes the partitions of a batch, in this process or elsewhere.

An engine is told where a batch lies and which rows are meant, never the rows.  It promises little: a future
for each partition, and that one which it gives up is not waited for.  Tries, time limits and order are
decided by whoever runs the batch (`dispatching`), so that all engines behave alike.
"""

from __future__ import annotations

__all__ = ["BatchEngine", "ThreadEngine", "WorkerLost", "open_engine"]

import queue
import threading
from concurrent.futures import Future
from typing import Protocol

from greenlang.agents import EngineBackend, default_registry
from greenlang.engine.batches.computing import Computed, PartitionTask, compute_partition
from greenlang.engine.machine import read_machine
from greenlang.errors import GreenLangError, InputError, either


class WorkerLost(GreenLangError):
    """The process that computed a partition is gone: it was killed, or its machine was lost."""


class BatchEngine(Protocol):
    """Computes partitions."""

    #: How many it computes at once.
    workers: int

    def submit(self, task: PartitionTask) -> Future[Computed]:
        """Begin with a partition as soon as a worker is free.

        The future gives what `compute_partition` gave or raised, or `WorkerLost`.
        """
        ...

    def abandon(self, future: Future[Computed]) -> None:
        """Wait for a partition no longer; whatever computes it is ended if it can be."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


class ThreadEngine:
    """Computes in threads of this process: the kernels let other threads run meanwhile.

    A thread cannot be ended, so one that is given up is left to itself, and another takes its place.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_workers()
        self._tasks: queue.SimpleQueue[tuple[PartitionTask, Future[Computed]] | None] = queue.SimpleQueue()
        for _ in range(self.workers):
            self._start()

    def submit(self, task: PartitionTask) -> Future[Computed]:
        """As `BatchEngine.submit`."""
        future: Future[Computed] = Future()
        self._tasks.put((task, future))
        return future

    def abandon(self, future: Future[Computed]) -> None:
        """As `BatchEngine.abandon`."""
        if not future.cancel():
            self._start()

    def close(self) -> None:
        """As `BatchEngine.close`; what is being computed is left to itself."""
        self._tasks.put(None)

    def _start(self) -> None:
        threading.Thread(target=self._work, name="greenlang-batch", daemon=True).start()

    def _work(self) -> None:
        while (taken := self._tasks.get()) is not None:
            task, future = taken
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(compute_partition(task))
            except BaseException as error:
                future.set_exception(error)
        self._tasks.put(None)  # for the next one: with those that were given up there are more than workers


def available_workers() -> int:
    """The processors that this process may use, as its control group allots them."""
    return read_machine().whole_processors


def open_engine(name: str, workers: int | None = None) -> BatchEngine:
    """The engine of a name: `threads`, `processes`, or one that a plugin brings, by `scheme` or its URL.

    Raises
    ------
    InputError
        If there is none of this name, or it cannot be opened.
    """
    from greenlang.engine.batches.processes import ProcessEngine

    if name == "threads":
        return ThreadEngine(workers)
    if name == "processes":
        return ProcessEngine(workers)
    backends = default_registry().contributions(EngineBackend, reserved=("threads", "processes"))
    scheme = name.partition("://")[0]
    backend = backends.get(scheme)
    if backend is None:
        known = either(["threads", "processes", *sorted(backends)])
        fix = f"take {known}" + ("" if scheme != "dask" else ", or pip install greenlang-dask")
        raise InputError(f"there is no engine '{scheme}'", fix=fix)
    engine: BatchEngine = backend.open(name, workers)
    return engine
