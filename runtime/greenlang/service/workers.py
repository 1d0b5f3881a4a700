"""Several serving processes on one port: this one opens it, starts them, and starts again those that die.

They share one listening socket, so that a connection that waits when a process dies is taken by another. What
keeps the first of them from serving would keep all of them: then none is started again.
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
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from greenlang.errors import GreenLangError, InputError, StoreError
from greenlang.observing import Slot
from greenlang.service.server import BACKLOG, check_address
from greenlang.service.settings import ServerSettings

_log = logging.getLogger("greenlang.service")

#: A process that dies sooner than this is started again only after as long a rest.
_REST_SECONDS = 1.0

#: Serves until SIGTERM on a socket, with a slot for its counts; tells its port once it takes connections.
Work = Callable[[ServerSettings, socket.socket, Slot, Callable[[int], None]], None]


def serve_with_workers(
    settings: ServerSettings,
    work: Work,
    *,
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve with `settings.processes` processes until SIGTERM or SIGINT; SIGHUP goes to each of them.

    Parameters
    ----------
    work : callable
        What a process does; it must be importable.
    on_ready : callable
        Told the port once connections are taken.

    Raises
    ------
    InputError
        If the address may not be served, or the settings cannot be used.
    StoreError
        If the store cannot be opened.
    OSError
        If it cannot be opened.
    """
    check_address(settings.host, authenticated=settings.authentication is not None)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    context = multiprocessing.get_context("spawn")
    with (
        socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG) as listening,
        tempfile.TemporaryDirectory(prefix="greenlang-counts-") as folder,
    ):
        heard, telling = context.Pipe(duplex=False)

        def make(number: int) -> BaseProcess:
            slot = Slot(Path(folder), number)
            return context.Process(target=_begin, args=(work, settings, listening, slot, telling))

        port: int = listening.getsockname()[1]
        workers = _Workers(make, settings.processes, heard, lambda: on_ready(port))
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, workers.stop)
        signal.signal(signal.SIGHUP, workers.pass_on)
        workers.start()
        workers.watch()


def _begin(
    work: Work, settings: ServerSettings, listening: socket.socket, slot: Slot, telling: Connection
) -> None:
    """What a process does: its work, and to tell that it serves, or what keeps it from that."""
    threading.Thread(target=_end_with_the_first, name="greenlang-parent", daemon=True).start()
    try:
        work(settings, listening, slot, lambda _: telling.send(None))
    except GreenLangError as error:
        telling.send((isinstance(error, InputError), str(error)))
        sys.exit(1)


def _end_with_the_first() -> None:
    """End when the process that started this one is killed: the port would stay taken, by nobody's order."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class _Workers:
    def __init__(
        self, make: Callable[[int], BaseProcess], count: int, heard: Connection, on_ready: Callable[[], None]
    ) -> None:
        self._make = make
        self._heard = heard
        self._on_ready = on_ready
        #: Whether one of them served.
        self._served = False
        self._kept_from_it: GreenLangError | None = None
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
        """Start again what dies, until told to stop and all have ended.

        Raises
        ------
        InputError, StoreError
            What kept them from serving.
        """
        while self._running:
            sentinels = [process.sentinel for process in self._running]
            multiprocessing.connection.wait([self._heard, *sentinels], timeout=1.0)
            while self._heard.poll():
                self._hear(self._heard.recv())
            for process in [process for process in self._running if not process.is_alive()]:
                began, number = self._running.pop(process)
                self._free.add(number)
                if self._stopping:
                    continue
                _log.error("process %s ended with %s; another is started", process.pid, process.exitcode)
                time.sleep(max(0.0, began + _REST_SECONDS - time.monotonic()))
            if not self._stopping:
                self.start()
        if self._kept_from_it is not None:
            raise self._kept_from_it

    def _hear(self, told: tuple[bool, str] | None) -> None:
        if told is None:
            if not self._served:
                self._on_ready()
            self._served = True
            return
        mistake, text = told
        if self._served:
            _log.error("a process cannot begin: %s", text)
        elif not self._stopping:
            self._kept_from_it = InputError(text) if mistake else StoreError(text)
            self.stop(signal.SIGTERM, None)

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
