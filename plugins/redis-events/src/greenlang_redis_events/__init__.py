"""Events to a Redis stream: `redis://host:port/database?stream=NAME`, and `rediss://` over TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenlang.agents import EventSink
from greenlang.agents.hooks import hookimpl

if TYPE_CHECKING:
    from greenlang_redis_events.stream import RedisStream

__all__ = ["greenlang_events"]


def _opened(url: str) -> RedisStream:
    # The client is imported by who sends something and by nobody else.
    from greenlang_redis_events.stream import RedisStream

    return RedisStream(url)


@hookimpl
def greenlang_events() -> list[EventSink]:
    """A sink for each scheme that Redis has."""
    return [
        EventSink(scheme="redis", summary="Sends events to a Redis stream.", open=_opened),
        EventSink(scheme="rediss", summary="Sends events to a Redis stream over TLS.", open=_opened),
    ]
