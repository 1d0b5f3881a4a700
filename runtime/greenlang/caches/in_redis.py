"""A cache of all processes that share a Redis: what each keeps itself, and Redis behind it.

Whoever drops something has Redis drop it and tells the others. While Redis is gone each process keeps things
only so long as one that is alone, and what it dropped is dropped there as soon as Redis answers again.
"""

from __future__ import annotations

__all__ = ["RedisCache"]

import asyncio
import contextlib
import time

from greenlang.caches.flights import Flights
from greenlang.caches.in_process import MOST_BYTES
from greenlang.caches.protocol import Cache, Kind, Load
from greenlang.caches.redis_shelf import RedisShelf
from greenlang.caches.shelf import Shelf
from greenlang.channels.connection import REST_SECONDS, RedisConnection, RedisGone
from greenlang.channels.in_redis import RedisBroadcast

_CHANNEL = "cache"


class RedisCache(Cache):
    """Looks into this process, then into Redis, and then loads."""

    def __init__(self, connection: RedisConnection, broadcast: RedisBroadcast) -> None:
        self._broadcast = broadcast
        self._shelf = Shelf(MOST_BYTES)
        self._behind = RedisShelf(connection)
        self._flights = Flights()
        #: What Redis has not dropped yet, and until when it may have it.
        self._owed: dict[str, float] = {}
        self._paying: asyncio.Task[None] | None = None
        #: Looked at besides being cancelled: in Python 3.11 what the client awaits may swallow that.
        self._closed = False
        self._stop_listening = broadcast.listen(_CHANNEL, self._heard)

    async def fetch(self, kind: Kind, tenant: str, name: str, load: Load) -> bytes | None:
        """What is kept, or else what `load` gives."""
        key = kind.key(tenant, name)
        kept = self._shelf.get(key)
        if kept is not None:
            return kept
        good_until = time.monotonic() + kind.seconds

        async def fly() -> bytes | None:
            nonlocal good_until
            if not kind.shared or key in self._owed:
                return await load()
            try:
                found = await self._behind.look(key)
            except RedisGone:
                return await load()
            if found.value is not None:
                good_until = time.monotonic() + found.seconds
                return found.value
            return await self._load(key, found.lock, load, good_until)

        def keep(value: bytes) -> None:
            left = good_until - time.monotonic()
            self._shelf.put(key, value, left if self._broadcast.hears else min(left, kind.alone_seconds))

        return await self._flights.share(key, fly, load, keep)

    async def drop(self, kind: Kind, tenant: str, name: str) -> None:
        """Have it loaded anew by whoever asks from now on, in any process."""
        key = kind.key(tenant, name)
        self._forget(key)
        if kind.shared:
            try:
                await self._behind.drop(key)
            except RedisGone:
                self._owed[key] = time.monotonic() + kind.seconds
                if self._paying is None:
                    self._paying = asyncio.create_task(self._pay())
        self._broadcast.publish(_CHANNEL, key.encode())

    def looks(self) -> dict[str, tuple[int, int]]:
        """How often it was here, and in Redis, and how often not."""
        return {
            "process": (self._shelf.hits, self._shelf.misses),
            "redis": (self._behind.hits, self._behind.misses),
        }

    async def close(self) -> None:
        """Keep nothing."""
        self._closed = True
        self._stop_listening()
        if self._paying is not None:
            self._paying.cancel()
            await asyncio.gather(self._paying, return_exceptions=True)
        self._shelf.clear()

    async def _load(self, key: str, lock: str | None, load: Load, good_until: float) -> bytes | None:
        """Load, and keep it in Redis under the lock."""
        value: bytes | None = None
        try:
            value = await load()
        finally:
            if lock is not None:
                with contextlib.suppress(RedisGone):
                    await self._behind.land(key, lock, value, good_until - time.monotonic())
        return value

    async def _pay(self) -> None:
        """Have Redis drop what it could not be told to, and whoever has read it there since."""
        while self._owed and not self._closed:
            await asyncio.sleep(REST_SECONDS)
            for key, until in tuple(self._owed.items()):
                try:
                    if time.monotonic() < until:
                        await self._behind.drop(key)
                        self._broadcast.publish(_CHANNEL, key.encode())
                except RedisGone:
                    break
                del self._owed[key]
        self._paying = None

    def _heard(self, message: bytes | None) -> None:
        if message is None:
            self._shelf.clear()
            self._flights.recall_all()
        else:
            self._forget(message.decode())

    def _forget(self, key: str) -> None:
        self._shelf.drop(key)
        self._flights.recall(key)
