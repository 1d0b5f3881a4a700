"""A Redis stream that is sent events: an entry each, with the whole event as JSON."""

from __future__ import annotations

__all__ = ["RedisStream"]

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from redis import asyncio as redis

from greenlang.errors import InputError
from greenlang.stores import Event

_STREAM = "greenlang:events"

#: Entries that a stream keeps, about, unless the URL says otherwise.
_LONGEST = 1_000_000


class RedisStream:
    """Appends events to one stream; a portion is there wholly or not at all.

    Parameters
    ----------
    url : str
        `redis://[[user]:password@]host:port/database`, with `?stream=` and `?maxlen=` if need be.

    Raises
    ------
    InputError
        If the URL cannot be read.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        self._stream = options.pop("stream", _STREAM)
        longest = options.pop("maxlen", str(_LONGEST))
        if not longest.isdecimal() or not int(longest):
            raise InputError(
                f"maxlen '{longest[:20]}' is no number of entries", fix="write 1000000, or leave it out"
            )
        self._longest = int(longest)
        try:
            self._client = redis.Redis.from_url(urlunsplit(parts._replace(query=urlencode(options))))
        except ValueError as error:
            raise InputError(
                f"the Redis of events cannot be reached by its URL: {error}",
                fix="write redis://host:port/database",
            ) from error

    async def send(self, events: Sequence[Event]) -> None:
        """Append them in their order."""
        async with self._client.pipeline(transaction=True) as pipeline:
            for event in events:
                entry = {
                    "event_id": event.event_id,
                    "event_type": event.event_type,
                    "tenant_id": event.tenant_id,
                    "event": msgspec.json.encode(event),
                }
                pipeline.xadd(self._stream, entry, maxlen=self._longest, approximate=True)
            await pipeline.execute()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
