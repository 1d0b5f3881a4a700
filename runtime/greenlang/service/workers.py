"""Several serving processes on one port: this one opens it, starts them, and starts again those that die.

They share one listening socket, so that a connection that waits when a process dies is taken by another.
"""

from __future__ import annotations

__all__ = ["serve_with_workers"]

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from greenlang.observing import Slot
from greenlang.service.server import check_address
from greenlang.service.settings import ServerSettings

_log = logging.getLogger("greenlang.service")

#: A process that dies sooner than this is started again only after as long a rest.
_REST_SECONDS = 1.0

_BACKLOG = 1024


def serve_with_workers(
    settings: ServerSettings,
    work: Callable[[ServerSettings, socket.socket, Slot], None],
    *,
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve with `settings.processes` processes until SIGTERM or SIGINT; SIGHUP goes to each of them.

    Parameters
    ----------
    work : callable
        What a process does: serve on the socket given until SIGTERM, and let the others see in its slot what
        it counts. It must be importable.
    on_ready : callable
        Told the port once connections are taken.

    Raises
    ------
    InputError
        If the address may not be served.
    OSError
        If it cannot be opened.
    """
    check_address(settings.host, authenticated=settings.authentication is not None)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    context = multiprocessing.get_context("spawn")
    with (
        socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG) as listening,
        tempfile.TemporaryDirectory(prefix="greenlang-counts-") as folder,
    ):

        def make(number: int) -> BaseProcess:
            return context.Process(target=work, args=(settings, listening, Slot(Path(folder), number)))

        workers = _Workers(make, settings.processes)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, workers.stop)
        signal.signal(signal.SIGHUP, workers.pass_on)
        workers.start()
        on_ready(listening.getsockname()[1])
        workers.watch()


class _Workers:
    def __init__(self, make: Callable[[int], BaseProcess], count: int) -> None:
        self._make = make
        #: Numbers that no process has: the lowest goes to the next.
        self._free = set(range(count))
        #: Since when each runs, and its number.
        self._running: dict[BaseProcess, tuple[float, int]] = {}
        self._stopping = False

    def start(self) -> None:
        """Start as many as there are to be."""
        while self._free and not self._stopping:
            self._add()

    def _add(self) -> None:
        number = min(self._free)
        process = self._make(number)
        process.start()
        self._free.remove(number)
        self._running[process] = time.monotonic(), number
        if self._stopping:  # meanwhile: nobody has told this one
            self._send(signal.SIGTERM)

    def watch(self) -> None:
        """Start again what dies, until told to stop and all have ended."""
        while self._running:
            multiprocessing.connection.wait([process.sentinel for process in self._running], timeout=1.0)
            for process in [process for process in self._running if not process.is_alive()]:
                began, number = self._running.pop(process)
                self._free.add(number)
                if self._stopping:
                    continue
                _log.error("process %s ended with %s; another is started", process.pid, process.exitcode)
                time.sleep(max(0.0, began + _REST_SECONDS - time.monotonic()))
            if not self._stopping:
                self.start()

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Stop them all: each finishes what it was asked."""
        self._stopping = True
        self._send(signal.SIGTERM)

    def pass_on(self, number: int, _frame: FrameType | None) -> None:
        """Send them the signal that came."""
        self._send(number)

    def _send(self, number: int) -> None:
        for process in self._running:
            if process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)
