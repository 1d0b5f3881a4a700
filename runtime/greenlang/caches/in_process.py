"""A cache of one process."""

from __future__ import annotations

__all__ = ["MOST_BYTES", "InProcessCache"]

from greenlang.caches.flights import Flights
from greenlang.caches.protocol import Cache, Kind, Load
from greenlang.caches.shelf import Shelf

MOST_BYTES = 32 * 1024 * 1024


class InProcessCache(Cache):
    """Hears of no change in other processes, and believes what it keeps only so long."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._shelf = Shelf(most_bytes)
        self._flights = Flights()

    async def fetch(self, kind: Kind, tenant: str, name: str, load: Load) -> bytes | None:
        """What is kept, or else what `load` gives."""
        key = kind.key(tenant, name)
        kept = self._shelf.get(key)
        if kept is not None:
            return kept
        return await self._flights.share(
            key, load, load, lambda value: self._shelf.put(key, value, kind.alone_seconds)
        )

    async def drop(self, kind: Kind, tenant: str, name: str) -> None:
        """Have it loaded anew by whoever asks from now on."""
        key = kind.key(tenant, name)
        self._shelf.drop(key)
        self._flights.recall(key)

    def looks(self) -> dict[str, tuple[int, int]]:
        """How often it was there, and how often not."""
        return {"process": (self._shelf.hits, self._shelf.misses)}

    async def close(self) -> None:
        """Keep nothing."""
        self._shelf.clear()
