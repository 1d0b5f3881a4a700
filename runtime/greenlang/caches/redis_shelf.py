"""What Redis keeps for all processes, and who of them loads what it does not have."""

from __future__ import annotations

__all__ = ["Look", "RedisShelf"]

import asyncio
import secrets
import time
from typing import NamedTuple

from greenlang.channels.connection import RedisConnection

_PREFIX = "greenlang:cache:"
_LOCK_PREFIX = "greenlang:loading:"

#: How long others wait for whoever loads; and how often they look.
_LOADING_SECONDS = 1.0
_LOOK_SECONDS = 0.01

#: How long a mark stays: no load takes longer, so none that began before it ends after it.
_MARK_SECONDS = 60.0

#: KEYS: key, lock. ARGV: whose lock, milliseconds. Gives what is kept and for how many milliseconds more; 1
#: if whoever asks is to load it, 0 if another does.
_LOOK = """
local kept = redis.call('GET', KEYS[1])
if kept then
    return {kept, redis.call('PTTL', KEYS[1])}
end
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""

#: KEYS: key, lock. ARGV: whose lock, what is to be kept (empty: nothing), for how many milliseconds.
_LAND = """
if ARGV[2] ~= '' then
    redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('DEL', KEYS[2])
end
"""


class Look(NamedTuple):
    """What was found."""

    #: What is kept, and for how many more seconds; None if it is to be loaded.
    value: bytes | None
    seconds: float = 0.0
    #: By what to `land` what was loaded; None if it is not to be kept.
    lock: str | None = None


class RedisShelf:
    """Keeps bytes by their keys, in Redis.

    What is dropped leaves an empty mark for a while, so that nobody who began to load it before puts it back.
    Every method raises RedisGone if Redis does not answer.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        #: How often something was found, and how often not.
        self.hits = 0
        self.misses = 0
        self._look = connection.client.register_script(_LOOK)
        self._land = connection.client.register_script(_LAND)

    async def look(self, key: str) -> Look:
        """What is kept; if another process loads it just now, it is waited for a moment."""
        lock = secrets.token_hex(8)
        keys = _keys(key)
        arguments: list[str | bytes | int] = [lock, int(_LOADING_SECONDS * 1000)]
        end = time.monotonic() + _LOADING_SECONDS
        while time.monotonic() < end:
            found = await self._connection.call(lambda: self._look(keys=keys, args=arguments))
            if found == 1:
                self.misses += 1
                return Look(None, lock=lock)
            if found != 0:
                self.hits += 1
                value, milliseconds = found
                return Look(value or None, milliseconds / 1000)
            await asyncio.sleep(_LOOK_SECONDS)
        self.misses += 1
        return Look(None)

    async def land(self, key: str, lock: str, value: bytes | None, seconds: float) -> None:
        """Keep what was loaded for so long, if it was not dropped meanwhile; None: nothing was."""
        arguments: list[str | bytes | int] = [lock, value or b"", max(1, int(seconds * 1000))]
        await self._connection.call(lambda: self._land(keys=_keys(key), args=arguments))

    async def drop(self, key: str) -> None:
        """Leave a mark in its place."""
        mark = int(_MARK_SECONDS * 1000)
        await self._connection.call(lambda: self._connection.client.set(_PREFIX + key, b"", px=mark))


def _keys(key: str) -> tuple[str, str]:
    return _PREFIX + key, _LOCK_PREFIX + key
