"""Counts in Redis 7, for every process that shares it: one atomic call, on the clock of the server."""

from __future__ import annotations

__all__ = ["RedisLimiter"]

import logging
import secrets
import time

from redis import asyncio as redis
from redis.exceptions import RedisError

from greenlang.service.limits.allowance import WINDOW_SECONDS, Allowance, Limiter, Taken
from greenlang.service.limits.in_process import InProcessLimiter

_log = logging.getLogger("greenlang.service")

#: Requests that wait for an answer at once; more wait for a connection.
_CONNECTIONS = 32

#: Seconds to wait for an answer; and how long it is left alone once it gave none.
_TIMEOUT_SECONDS = 0.25
_REST_SECONDS = 1.0

_PREFIX = "greenlang:limit:"

# The members of the set are what was taken, each scored by when; times are in microseconds.
_TAKE = """
local window, a_minute, a_second = tonumber(ARGV[1]) * 1000000, tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local count = redis.call('ZCARD', KEYS[1])
local function since(rank)
    return tonumber(redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')[2])
end
if count >= a_minute then
    return {0, 0, since(0) + window - now}
end
local in_second = redis.call('ZCOUNT', KEYS[1], '(' .. now - 1000000, '+inf')
if in_second >= a_second then
    return {0, a_minute - count, since(-in_second) + 1000000 - now}
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window / 1000)
return {1, a_minute - count - 1, since(0) + window - now}
"""


class RedisLimiter(Limiter):
    """Remembers in Redis when each was taken.

    While Redis cannot be reached, each process counts for itself: nobody is locked out, and nobody gets more
    than as many times their allowance as there are processes.

    Parameters
    ----------
    url : str
        `redis://[:password@]host:port/database`.
    """

    def __init__(self, url: str) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )
        self._redis = redis.Redis.from_pool(pool)
        self._script = self._redis.register_script(_TAKE)
        self._instead = InProcessLimiter()
        self._rests_until = 0.0

    async def take(self, key: str, allowance: Allowance) -> Taken:
        """Take one, if the allowance has one left."""
        if time.monotonic() < self._rests_until:
            return await self._instead.take(key, allowance)
        once = secrets.token_bytes(12)
        arguments: list[int | bytes] = [WINDOW_SECONDS, allowance.a_minute, allowance.a_second, once]
        try:
            allowed, remaining, reset = await self._script(keys=[_PREFIX + key], args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            _log.error("requests are counted by each process alone: %s", error)
            self._rests_until = time.monotonic() + _REST_SECONDS
            return await self._instead.take(key, allowance)
        return Taken(bool(allowed), int(remaining), reset / 1e6)

    async def give_back(self, key: str) -> None:
        """Count the last one that was taken no longer: it came to nothing."""
        if time.monotonic() < self._rests_until:
            await self._instead.give_back(key)
            return
        try:
            await self._redis.zpopmax(_PREFIX + key)
        except (RedisError, OSError, TimeoutError) as error:
            _log.error("an allowance has one less than it ought to, for a minute: %s", error)

    async def close(self) -> None:
        """Close connections."""
        await self._redis.aclose()
