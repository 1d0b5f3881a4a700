"""Loads that are on their way: of many who ask for the same at once, one loads."""

from __future__ import annotations

__all__ = ["Flights"]

import asyncio
from collections.abc import Awaitable, Callable

from greenlang.caches.protocol import Load


class Flights:
    """Loads by their keys."""

    def __init__(self) -> None:
        self._flying: dict[str, asyncio.Task[bytes | None]] = {}

    async def share(self, key: str, fly: Load, load: Load, keep: Callable[[bytes], None]) -> bytes | None:
        """What `fly` brings, for everybody who asks until it has landed; it is kept unless it was recalled.

        Where it brings nothing, whoever joined it loads for themselves: it may have left before they asked.
        """
        flying = self._flying.get(key)
        if flying is not None:
            landed = await asyncio.shield(flying)
            return landed if landed is not None else await load()
        flying = asyncio.create_task(self._fly(key, fly, keep))
        self._flying[key] = flying
        return await asyncio.shield(flying)

    def recall(self, key: str) -> None:
        """Keep nothing of what is on its way."""
        self._flying.pop(key, None)

    def recall_all(self) -> None:
        """The same, of all there are."""
        self._flying.clear()

    async def _fly(
        self, key: str, fly: Callable[[], Awaitable[bytes | None]], keep: Callable[[bytes], None]
    ) -> bytes | None:
        try:
            value = await fly()
            if value is not None and self._flying.get(key) is asyncio.current_task():
                keep(value)
            return value
        finally:
            if self._flying.get(key) is asyncio.current_task():
                del self._flying[key]
