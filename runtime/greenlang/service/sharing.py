"""What processes share: signals to workers, news of executions, what is read often, what tenants asked for.

Through one Redis all processes share these; without one, each has them to itself.
"""

from __future__ import annotations

__all__ = ["Sharing", "share"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from greenlang.caches import Cache, InProcessCache
from greenlang.channels import Broadcast, InProcessBroadcast
from greenlang.errors import InputError
from greenlang.queues import InProcessQueue, Queue
from greenlang.service.limits import InProcessLimiter, Limiter

if TYPE_CHECKING:
    from greenlang.channels.connection import RedisConnection


@dataclass(frozen=True, slots=True)
class Sharing:
    """What one process has of it."""

    queue: Queue
    broadcast: Broadcast
    cache: Cache
    limiter: Limiter
    #: None without Redis.
    redis: RedisConnection | None = None

    async def close(self) -> None:
        """Send what waits to be sent, and let go of everything."""
        for each in (self.queue, self.cache, self.limiter, self.broadcast):
            await each.close()
        if self.redis is not None:
            await self.redis.close()


def share(redis: str | None, *, stale_seconds: float = 15.0) -> Sharing:
    """What this process shares with all that are given the same URL of a Redis; None: with nobody.

    Parameters
    ----------
    stale_seconds : float
        How long a worker may hold a signal before it is taken for dead.

    Raises
    ------
    InputError
        If the URL is none of a Redis, or its client is not installed.
    """
    if redis is None:
        return Sharing(InProcessQueue(), InProcessBroadcast(), InProcessCache(), InProcessLimiter())
    try:
        from greenlang.caches.in_redis import RedisCache
        from greenlang.channels.connection import RedisConnection
        from greenlang.channels.in_redis import RedisBroadcast
        from greenlang.queues.in_redis import RedisQueue
        from greenlang.service.limits.in_redis import RedisLimiter
    except ImportError as error:
        raise InputError(
            f"'{error.name}' is not installed, and Redis needs it",
            fix="pip install 'greenlang-runtime[redis]'",
        ) from error
    connection = RedisConnection(redis)
    broadcast = RedisBroadcast(connection)
    return Sharing(
        RedisQueue(connection, stale_seconds=stale_seconds),
        broadcast,
        RedisCache(connection, broadcast),
        RedisLimiter(connection),
        connection,
    )
