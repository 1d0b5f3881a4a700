"""Blocking agents: in threads, with a token that tells them when nobody wants their output any more.

Threads are daemons of our own rather than an executor's: a call that never returns then holds up neither the
end of the event loop nor that of the process.
"""

from __future__ import annotations

__all__ = ["cancelled", "current_run", "on_thread", "time_left"]

import os
import threading
from collections import deque
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


_Call = Callable[[], None]


class _Threads:
    """Daemons that take calls from one line: as many as there are calls, but for those that are lost."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._changed = threading.Condition()
        self._calls: deque[_Call] = deque()
        #: Calls at work, and those of them that nobody waits for, whose threads others stand in for.
        self._at_work: set[_Call] = set()
        self._lost: set[_Call] = set()
        self._idle = 0
        self._count = 0

    def start(self, call: _Call) -> None:
        """Call in a thread that is free, a new one, or the next to become free."""
        with self._changed:
            self._calls.append(call)
            self._serve()

    def drop(self, call: _Call) -> bool:
        """Give a call up: True if it had not begun, and never will; else another may have its place."""
        with self._changed:
            if call in self._calls:
                self._calls.remove(call)
                return True
            if call in self._at_work:
                self._lost.add(call)
                self._serve()
            return False

    def _serve(self) -> None:
        """Wake or make a thread for a call that has none."""
        if self._idle >= len(self._calls):
            self._changed.notify()
        elif self._count - len(self._lost) < self._maximum:
            threading.Thread(target=self._work, daemon=True, name="greenlang-blocking").start()
            self._count += 1

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call()
            with self._changed:
                self._at_work.remove(call)
                self._lost.discard(call)
            del call

    def _next(self) -> _Call | None:
        """The next call; None for a thread that is one too many."""
        with self._changed:
            while self._count - len(self._lost) <= self._maximum:
                if self._calls:
                    call = self._calls.popleft()
                    self._at_work.add(call)
                    return call
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            self._count -= 1
            return None


_THREADS = _Threads(MAXIMUM_THREADS)


def _forget_threads() -> None:
    """Begin anew in a process that was forked, which has none of them."""
    global _THREADS
    _THREADS = _Threads(MAXIMUM_THREADS)


os.register_at_fork(after_in_child=_forget_threads)


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

        threads = _THREADS
        threads.start(call)
        try:
            output, error = await asyncio.shield(ended)
        except asyncio.CancelledError:
            token.set()
            begun = not threads.drop(call)
            while begun and not ended.done():
                try:
                    await asyncio.shield(ended)
                except asyncio.CancelledError:
                    continue
            raise
        if error is not None:
            raise error
        return output

    return call_on_thread


def _end(ended: Any, output: Any, error: BaseException | None) -> None:
    if not ended.done():
        ended.set_result((output, error))
