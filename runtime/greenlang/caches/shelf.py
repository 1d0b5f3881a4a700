"""What one process keeps: so many bytes, each for its time, and what was used longest ago goes first."""

from __future__ import annotations

__all__ = ["Shelf"]

import time
from collections import OrderedDict
from collections.abc import Callable

#: About what an entry weighs besides its bytes.
_ENTRY_BYTES = 300


class Shelf:
    """Keeps bytes by their keys.

    Parameters
    ----------
    most_bytes : int
        What is larger than a sixteenth of it is not kept.
    clock : callable
        Seconds since some moment.
    """

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most_bytes
        self._clock = clock
        self._held = 0
        #: How often something was found, and how often not.
        self.hits = 0
        self.misses = 0
        #: Until when it is good, and what it is; what was used last stands last.
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """What is kept and still good."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        if self._clock() >= found[0]:
            self.misses += 1
            self.drop(key)
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep it for so long."""
        self.drop(key)
        size = len(value) + _ENTRY_BYTES
        if seconds <= 0 or size > self._most // 16:
            return
        self._kept[key] = (self._clock() + seconds, value)
        self._held += size
        while self._held > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._held -= len(found[1]) + _ENTRY_BYTES

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        self._held = 0
