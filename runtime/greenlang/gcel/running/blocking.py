"""Blocking agents: in threads, with a token that tells them when nobody wants their output any more.

Threads are daemons of our own rather than an executor's: a call that never returns then holds up neither the
end of the event loop nor that of the process.
"""

from __future__ import annotations

__all__ = ["cancelled", "current_run", "on_thread", "time_left"]

import queue
import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import Any

from greenlang_core.runs import Run

#: Threads at work at once; further calls wait for one, and their waiting counts against the deadline.
MAXIMUM_THREADS = 32

_token: ContextVar[threading.Event | None] = ContextVar("greenlang_token", default=None)

#: The run that an agent is part of, where it has a deadline, a clock or threads.
current_run: ContextVar[Run | None] = ContextVar("greenlang_run", default=None)


def cancelled() -> bool:
    """Whether the agent that asks should stop: its run failed, was cancelled, or took too long.

    Only blocking agents need to ask, now and then; asynchronous ones are cancelled where they wait.
    """
    token = _token.get()
    return token is not None and token.is_set()


def time_left() -> float | None:
    """Seconds until the deadline of the run that the agent is part of; None without one."""
    run = current_run.get()
    if run is None or run.deadline_s == float("inf"):
        return None
    return max(0.0, run.left())


class _Threads:
    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = 0
        self._count = 0

    def start(self, call: Callable[[], None]) -> None:
        """Call in a thread that is free, a new one, or the next to become free."""
        self._calls.put(call)
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                return
            if self._count == self._maximum:
                return
            self._count += 1
        threading.Thread(target=self._work, daemon=True, name="greenlang-blocking").start()

    def lose(self) -> None:
        """Take a thread for lost, so that another may take its place."""
        with self._lock:
            self._maximum += 1

    def regain(self) -> None:
        """Have a thread back that was taken for lost."""
        with self._lock:
            self._maximum -= 1

    def _work(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                with self._lock:
                    if self._count > self._maximum:
                        self._count -= 1
                        return
                    self._idle += 1
                call = self._calls.get()
            call()
            del call


_THREADS = _Threads(MAXIMUM_THREADS)


def on_thread(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """An asynchronous function that calls `function` in a thread.

    Cancelled, it sets the token and waits until the function has returned: whoever cancels decides how long
    that is worth waiting for.
    """

    @wraps(function)
    async def call_on_thread(value: Any, **options: Any) -> Any:
        import asyncio

        run = current_run.get()
        if run is not None and run.clock is not None:
            # A virtual clock cannot see threads: there the function runs in place.
            return function(value, **options)
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        token = threading.Event()
        context = copy_context()
        context.run(_token.set, token)

        def call() -> None:
            # Whatever it is, it belongs to whoever waits.
            output, error = None, None
            if not token.is_set():
                try:
                    output = context.run(function, value, **options)
                except BaseException as raised:
                    error = raised
            try:
                loop.call_soon_threadsafe(_end, ended, output, error)
            except RuntimeError:
                # The loop is gone: nobody waits any more.
                return

        _THREADS.start(call)
        try:
            output, error = await asyncio.shield(ended)
        except asyncio.CancelledError:
            token.set()
            _THREADS.lose()
            try:
                while not ended.done():
                    try:
                        await asyncio.shield(ended)
                    except asyncio.CancelledError:
                        continue
            finally:
                _THREADS.regain()
            raise
        if error is not None:
            raise error
        return output

    return call_on_thread


def _end(ended: Any, output: Any, error: BaseException | None) -> None:
    if not ended.done():
        ended.set_result((output, error))
