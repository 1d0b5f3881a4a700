"""Computes partitions in processes of this machine, which can be ended, and killed without harm."""

from __future__ import annotations

__all__ = ["ProcessEngine"]

import contextlib
import multiprocessing
import queue
import signal
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection

from greenlang.engine.batches.computing import PartitionTask, compute_partition
from greenlang.engine.batches.engines import WorkerLost, available_workers
from greenlang.errors import GreenLangError

#: A fresh interpreter: what this process holds (threads, locks, keys) is not copied into it.
_CONTEXT = multiprocessing.get_context("spawn")


class ProcessEngine:
    """Workers that are processes, each with a thread here that hands it partitions.

    A worker that dies costs the partition that it had, and is replaced.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_workers()
        self._tasks: queue.SimpleQueue[tuple[PartitionTask, Future[int]] | None] = queue.SimpleQueue()
        #: Which process computes what, so that it can be ended.
        self._processes: dict[Future[int], multiprocessing.process.BaseProcess] = {}
        #: The process of each thread.
        self._live: dict[int, multiprocessing.process.BaseProcess] = {}
        self._threads = [
            threading.Thread(target=self._hand_out, name="greenlang-batch", daemon=True)
            for _ in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: PartitionTask) -> Future[int]:
        """As `BatchEngine.submit`."""
        future: Future[int] = Future()
        self._tasks.put((task, future))
        return future

    def abandon(self, future: Future[int]) -> None:
        """As `BatchEngine.abandon`."""
        process = self._processes.get(future)
        if process is not None:
            process.kill()
        else:
            future.cancel()

    def close(self) -> None:
        """As `BatchEngine.close`."""
        for _ in self._threads:
            self._tasks.put(None)
        for process in list(self._processes.values()):
            process.kill()
        for thread in self._threads:
            thread.join()

    def pids(self) -> list[int]:
        """The processes that are at work or wait for it."""
        return [process.pid for process in list(self._live.values()) if process.pid is not None]

    def _hand_out(self) -> None:
        """Keep one process at work until there is nothing more to do."""
        process, connection = self._start()
        while (taken := self._tasks.get()) is not None:
            task, future = taken
            if not future.set_running_or_notify_cancel():
                continue
            self._processes[future] = process
            try:
                connection.send(task)
                told = connection.recv()
            except (EOFError, OSError):
                process.join()
                told = WorkerLost(f"a worker ended with {_told(process.exitcode)}")
                connection.close()
                process, connection = self._start()
            del self._processes[future]
            if isinstance(told, BaseException):
                future.set_exception(told)
            else:
                future.set_result(told)
        connection.close()  # its worker reads the end, and ends
        process.join()

    def _start(self) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        """A process for the thread that asks."""
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_work, args=(theirs,), daemon=True)
        process.start()
        self._live[threading.get_ident()] = process
        theirs.close()
        return process, ours


def _work(connection: Connection) -> None:
    """Compute what comes, until nothing more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever runs the batch
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                told: object = compute_partition(task)
            except GreenLangError as error:
                told = error
            except BaseException as error:  # whatever it is, it is told; it may not survive pickling
                told = RuntimeError(f"{type(error).__name__}: {error}")
            connection.send(told)


def _told(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"code {exit_code}"
