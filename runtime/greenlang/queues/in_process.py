"""Signals within one process."""

from __future__ import annotations

__all__ = ["InProcessQueue"]

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable

from greenlang.queues.protocol import PRIORITIES, Queue, Signal, Taken
from greenlang.queues.turns import Turns

#: Signals of one priority; with more, the oldest go, and what they told of is found in the store.
_KEPT = 10_000

#: Another process may have put something into the store, and nobody here hears of it.
_PATIENCE_SECONDS = 0.25


class InProcessQueue(Queue):
    """Keeps signals in the order they came, by priority."""

    def __init__(self) -> None:
        self._waiting = [deque[Signal](maxlen=_KEPT) for _ in PRIORITIES]
        self._turns = Turns()
        self._woken = asyncio.Event()

    @property
    def patience_seconds(self) -> float:
        """How long whoever takes may go without a look at the store."""
        return _PATIENCE_SECONDS

    def announce(self, signal: Signal) -> None:
        """Say that an execution waits."""
        self._waiting[signal.priority].append(signal)
        self._woken.set()

    async def take(self, limit: int, *, wait_seconds: float) -> tuple[Taken, ...]:
        """Up to `limit` signals as soon as there are any."""
        if limit <= 0 or not any(self._waiting):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._woken.wait()
        self._woken.clear()
        return self._next(limit)

    def done(self, taken: Iterable[Taken]) -> None:
        """Nobody else gets what was taken here."""

    def wake(self) -> None:
        """Have `take` return."""
        self._woken.set()

    async def close(self) -> None:
        """Forget what waits."""
        for waiting in self._waiting:
            waiting.clear()

    def _next(self, limit: int) -> tuple[Taken, ...]:
        taken: list[Taken] = []
        favoured, reserved = self._turns.next(limit) if limit > 0 else (0, 0)
        for priority, places in ((favoured, reserved), *((each, limit) for each in PRIORITIES)):
            waiting = self._waiting[priority]
            for _ in range(min(places, limit - len(taken), len(waiting))):
                taken.append(Taken(waiting.popleft()))
        return tuple(taken)
