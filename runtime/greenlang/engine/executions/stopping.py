"""Stopping what runs in a thread: a clock on which, once it is stopped, every deadline has passed."""

from __future__ import annotations

__all__ = ["UNBOUNDED_SECONDS", "StoppableClock"]

import asyncio
import math
import random
import threading
import time

#: For a run that has no deadline but may be stopped: longer than any.
UNBOUNDED_SECONDS = 1e9


class StoppableClock:
    """The monotonic clock, until `stop` is called from any thread.

    A plan looks at its clock before every step and item, so a run ends where its present step ends.
    """

    def __init__(self) -> None:
        #: Where chance comes from, which spreads the waits between attempts.
        self.random = random.Random()  # noqa: S311
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let every deadline pass, and whoever sleeps wake."""
        self._stopped.set()

    def now(self) -> float:
        """Seconds since some moment; infinite once it is stopped."""
        return math.inf if self._stopped.is_set() else time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, at most until it is stopped."""
        self._stopped.wait(seconds)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop as asyncio makes them: what runs in it is cancelled, and not stopped."""
        return asyncio.new_event_loop()
