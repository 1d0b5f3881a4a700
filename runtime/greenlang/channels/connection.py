"""What a process has of a Redis: clients, and whether it answers.

Everything that is shared through Redis goes over one `RedisConnection` a process, so that all of it learns at
once that Redis is gone, leaves it alone for the same moment, and is told in one line of the log.
"""

from __future__ import annotations

__all__ = ["RedisConnection", "RedisGone"]

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis import asyncio as redis
from redis.exceptions import RedisError

from greenlang.errors import InputError

_log = logging.getLogger("greenlang.channels")

T = TypeVar("T")

#: Commands that wait for an answer at once; more wait for a connection.
_CONNECTIONS = 32

#: Seconds to wait for an answer; and how long it is left alone once it gave none.
_TIMEOUT_SECONDS = 0.5
REST_SECONDS = 1.0

#: What waits in Redis itself waits no longer than so, or it could not be told from a network that is gone.
LONGEST_WAIT_SECONDS = 1.0


class RedisGone(Exception):
    """Redis gave no answer, or not one to go by; whoever asked does without it."""


class RedisConnection:
    """One Redis, as one process knows it.

    Parameters
    ----------
    url : str
        `redis://[[user]:password@]host:port/database`, or `rediss://` over TLS.

    Raises
    ------
    InputError
        If the URL is not one of a Redis.
    """

    def __init__(self, url: str) -> None:
        _refuse_unclear(url)
        try:
            self.client = _client(url, _TIMEOUT_SECONDS)
            #: For commands that wait in Redis.
            self.waiting = _client(url, LONGEST_WAIT_SECONDS + 1)
        except ValueError as error:
            raise InputError(
                f"the Redis cannot be reached by its URL: {error}", fix="write redis://host:port/database"
            ) from error
        #: Whether the last call was answered.
        self.answers = True
        self._rests_until = 0.0

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """What a command answers.

        Raises
        ------
        RedisGone
            If it does not; for a moment after that, at once.
        """
        began = time.monotonic()
        if began < self._rests_until:
            raise RedisGone("it is left alone for a moment")
        try:
            answer = await make()
        except (RedisError, OSError, TimeoutError) as error:
            raise self.lost(error) from error
        if not self.answers and began >= self._rests_until:  # not what was asked before it was gone
            self.answers = True
            _log.warning("Redis answers again")
        return answer

    def lost(self, error: BaseException) -> RedisGone:
        """Leave Redis alone for a moment: it did not answer, as `error` says."""
        if self.answers:
            self.answers = False
            _log.error("Redis is gone, and each process goes on alone: %s", error)
        self._rests_until = time.monotonic() + REST_SECONDS
        return RedisGone(str(error))

    async def close(self) -> None:
        """Close every connection."""
        await self.client.aclose()
        await self.waiting.aclose()


def _refuse_unclear(url: str) -> None:
    """Refuse a URL that redis-py would complain of with parts of its password, or take for database 0."""
    database = url.partition("://")[2].partition("?")[0].partition("/")[2].rstrip("/")
    if database and not database.isdecimal() and not url.startswith("unix:"):
        raise InputError(
            "the Redis cannot be reached by its URL: after its host and port stands no number of a database",
            fix="write redis://host:port/database, and % escapes for / in a password (%2F)",
        )


def _client(url: str, timeout_seconds: float) -> redis.Redis:
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        protocol=2,  # the third version answers some commands in other shapes
    )
    return redis.Redis.from_pool(pool)
