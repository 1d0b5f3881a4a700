"""Counts in Redis 7, for every process that shares it: one atomic call, on the clock of the server."""

from __future__ import annotations

__all__ = ["RedisLimiter"]

import hashlib
from collections.abc import Awaitable, Callable

from redis.exceptions import NoScriptError

from greenlang.channels.connection import RedisConnection, RedisGone
from greenlang.service.limits.allowance import WINDOW_SECONDS, Allowance, Limiter, Taken
from greenlang.service.limits.in_process import InProcessLimiter

_PREFIX = "greenlang:limit:"

# A list of when each was taken, in microseconds, the oldest first: it costs half of what a sorted set does.
# It is added to before it is looked at, for that tells its length, too.  The list has to last a window longer
# than its last entry: the first that comes a window after the last PEXPIRE finds something old, and sets it
# again.
_TAKE = f"""
local window = {WINDOW_SECONDS} * 1000000
local a_minute, a_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = redis.call('RPUSH', KEYS[1], now)
local first, set_anew = tonumber(redis.call('LINDEX', KEYS[1], 0)), count == 1
while first <= now - window do
    redis.call('LPOP', KEYS[1])
    first, count, set_anew = tonumber(redis.call('LINDEX', KEYS[1], 0)), count - 1, true
end
local reset, refused = first + window - now, count > a_minute
if count > a_second and not refused then
    local ends = redis.call('LINDEX', KEYS[1], -a_second - 1) + 1000000 - now
    if ends > 0 then
        reset, refused = ends, true
    end
end
if set_anew then
    redis.call('PEXPIRE', KEYS[1], 2 * window / 1000)
end
if refused then
    redis.call('RPOP', KEYS[1])
    return {{0, math.max(a_minute - count + 1, 0), reset}}
end
return {{1, a_minute - count, reset}}
"""
_TAKE_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()


class RedisLimiter(Limiter):
    """Remembers in Redis when each was taken.

    While Redis cannot be reached, each process counts for itself: nobody is locked out, and nobody gets more
    than as many times their allowance as there are processes.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        #: Without the client's object for scripts, which costs a tenth of the call.
        self._command: Callable[..., Awaitable[list[int]]] = connection.client.execute_command
        self._instead = InProcessLimiter()

    async def take(self, key: str, allowance: Allowance) -> Taken:
        """Take one, if the allowance has one left."""
        try:
            allowed, remaining, reset = await self._connection.call(lambda: self._run(key, allowance))
        except RedisGone:
            return await self._instead.take(key, allowance)
        return Taken(bool(allowed), remaining, reset / 1e6)

    async def give_back(self, key: str) -> None:
        """Count the last one that was taken no longer: it came to nothing."""
        try:
            await self._connection.call(lambda: self._connection.client.rpop(_PREFIX + key))
        except RedisGone:
            await self._instead.give_back(key)

    async def close(self) -> None:
        """Forget what was counted here."""
        await self._instead.close()

    async def _run(self, key: str, allowance: Allowance) -> list[int]:
        arguments = (1, _PREFIX + key, allowance.a_minute, allowance.a_second)
        try:
            return await self._command("EVALSHA", _TAKE_SHA, *arguments)
        except NoScriptError:
            return await self._command("EVAL", _TAKE, *arguments)
