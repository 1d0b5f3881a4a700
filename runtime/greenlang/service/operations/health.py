"""Whether the process answers, and whether it can take work."""

from __future__ import annotations

__all__ = ["HealthChecks"]

from typing import TYPE_CHECKING

from greenlang.errors import StoreError
from greenlang.service.messages import Health, RedisHealth
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer
from greenlang.stores import Store

if TYPE_CHECKING:
    from greenlang.channels.connection import RedisConnection


class HealthChecks:
    """Liveness apart from readiness: a process that is stopping lives, and is not ready.

    Without Redis it is ready: each process goes on alone.
    """

    def __init__(self, store: Store, redis: RedisConnection | None = None) -> None:
        self._store = store
        self._redis = redis
        self.ready = True

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/health/live",
                self.live,
                "Whether the process answers",
                permission=None,
                answers={200: (Health,)},
            ),
            Route(
                "GET",
                "/health/ready",
                self.readiness,
                "Whether it can take work",
                permission=None,
                answers={200: (Health,), 503: (Health,)},
            ),
        ]

    async def live(self, call: Call) -> Reply:
        """`GET /health/live`."""
        return answer(call, Health("live"))

    async def readiness(self, call: Call) -> Reply:
        """`GET /health/ready`."""
        if not self.ready:
            return answer(call, Health("not ready", "shutting down"), status=503)
        try:
            await self._store.counts()
        except StoreError:
            return answer(call, Health("not ready", "the store is not available"), status=503)
        redis = self._redis
        return answer(call, Health("ready", redis=None if redis is None else RedisHealth(redis.answers)))
