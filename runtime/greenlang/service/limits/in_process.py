"""Counts in this process."""

from __future__ import annotations

__all__ = ["InProcessLimiter"]

import time
from bisect import bisect_right
from collections.abc import Callable

from greenlang.service.limits.allowance import WINDOW_SECONDS, Allowance, Limiter, Taken

#: Keys that are looked through for old ones, each time there are this many more.
_SWEPT_KEYS = 10_000


class InProcessLimiter(Limiter):
    """Remembers when each was taken, for as long as it counts.

    Parameters
    ----------
    clock : callable
        Seconds since some moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: dict[str, list[float]] = {}
        self._sweep_at = _SWEPT_KEYS

    async def take(self, key: str, allowance: Allowance) -> Taken:
        """Take one, if the allowance has one left."""
        now = self._clock()
        taken = self._taken.setdefault(key, [])
        del taken[: bisect_right(taken, now - WINDOW_SECONDS)]
        in_second = len(taken) - bisect_right(taken, now - 1)
        if len(taken) >= allowance.a_minute:
            return Taken(False, 0, taken[0] + WINDOW_SECONDS - now)
        if in_second >= allowance.a_second:
            return Taken(False, allowance.a_minute - len(taken), taken[-in_second] + 1 - now)
        taken.append(now)
        if len(self._taken) >= self._sweep_at:
            self._sweep(now)
        return Taken(True, allowance.a_minute - len(taken), taken[0] + WINDOW_SECONDS - now)

    async def give_back(self, key: str) -> None:
        """Count the last one that was taken no longer: it came to nothing."""
        if taken := self._taken.get(key):
            taken.pop()

    async def close(self) -> None:
        """Forget everything."""
        self._taken.clear()

    def _sweep(self, now: float) -> None:
        self._taken = {
            key: taken for key, taken in self._taken.items() if taken and taken[-1] > now - WINDOW_SECONDS
        }
        self._sweep_at = len(self._taken) + _SWEPT_KEYS
