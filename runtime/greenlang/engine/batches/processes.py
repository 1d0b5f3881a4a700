"""Computes partitions in processes of this machine, which can be ended, and killed without harm.

Each is an interpreter of its own (`worker`): what this process holds (threads, locks, keys) is not copied
into it, and the script that this process runs is not run by it again.
"""

from __future__ import annotations

__all__ = ["ProcessEngine"]

import queue
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection

from greenlang.engine.batches.computing import Computed, PartitionTask
from greenlang.engine.batches.engines import WorkerLost, available_workers


class ProcessEngine:
    """Workers that are processes, each with a thread here that hands it partitions.

    A worker that dies costs the partition that it had, and is replaced.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_workers()
        self._tasks: queue.SimpleQueue[tuple[PartitionTask, Future[Computed]] | None] = queue.SimpleQueue()
        #: The process of each thread.
        self._live: dict[int, subprocess.Popen[bytes]] = {}
        #: Which process computes what, so that it can be ended.
        self._computing: dict[Future[Computed], subprocess.Popen[bytes]] = {}
        self._threads = [
            threading.Thread(target=self._hand_out, name="greenlang-batch", daemon=True)
            for _ in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: PartitionTask) -> Future[Computed]:
        """As `BatchEngine.submit`."""
        future: Future[Computed] = Future()
        self._tasks.put((task, future))
        return future

    def abandon(self, future: Future[Computed]) -> None:
        """As `BatchEngine.abandon`."""
        process = self._computing.get(future)
        if process is not None:
            process.kill()
        else:
            future.cancel()

    def close(self) -> None:
        """As `BatchEngine.close`."""
        for _ in self._threads:
            self._tasks.put(None)
        for process in list(self._computing.values()):
            process.kill()
        for thread in self._threads:
            thread.join()

    def pids(self) -> list[int]:
        """The processes that are at work or wait for it."""
        return [process.pid for process in list(self._live.values())]

    def _hand_out(self) -> None:
        """Keep one process at work until there is nothing more to do."""
        worker: tuple[subprocess.Popen[bytes], Connection] | None = None
        while (taken := self._tasks.get()) is not None:
            task, future = taken
            if not future.set_running_or_notify_cancel():
                continue
            try:
                process, connection = worker = worker or self._start()
            except OSError as error:  # no memory, or as many processes as there may be: later there are less
                future.set_exception(WorkerLost(f"no worker can be started: {error.strerror}"))
                continue
            self._computing[future] = process
            try:
                connection.send(task)
                told = connection.recv()
            except (EOFError, OSError):
                connection.close()
                told = WorkerLost(f"a worker ended with {_told(process.wait())}")
                worker = None
            del self._computing[future]
            if isinstance(told, BaseException):
                future.set_exception(told)
            else:
                future.set_result(told)
        if worker is not None:
            process, connection = worker
            connection.close()  # its worker reads the end, and ends
            process.wait()

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        """A process for the thread that asks."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-P", "-m", "greenlang.engine.batches.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._live[threading.get_ident()] = process
        return process, Connection(ours.detach())


def _told(exit_code: int) -> str:
    return signal.Signals(-exit_code).name if exit_code < 0 else f"code {exit_code}"
