"""Broadcasts between all processes that share a Redis: its publish and subscribe.

A process holds one connection that listens, to the channels that somebody here listens to.  What is lost
with it, and what was published while a subscription was on its way, is told as a gap.
"""

from __future__ import annotations

__all__ = ["RedisBroadcast"]

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from greenlang.channels.broadcasts import Broadcast, Heard
from greenlang.channels.connection import REST_SECONDS, RedisConnection, RedisGone
from greenlang.channels.in_process import InProcessBroadcast

#: A connection that is silent for so long is asked whether it is alive, and has as long to answer.
SILENT_SECONDS = 3.0

_PREFIX = "greenlang:channel:"

#: Of a process, before each message: what it published itself it has heard already.
_SENDER_BYTES = 8

_log = logging.getLogger("greenlang.channels")


class RedisBroadcast(Broadcast):
    """Tells this process at once, and the others through Redis."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._sender = os.urandom(_SENDER_BYTES)
        self._here = InProcessBroadcast()
        #: How many listen to each channel here.
        self._wanted: dict[str, int] = {}
        self._wanted_otherwise = asyncio.Event()
        self._to_send: list[tuple[str, bytes]] = []
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        #: Whether what others publish is heard now.
        self.hears = False
        #: Looked at besides being cancelled: in Python 3.11 what the client awaits may swallow that.
        self._closed = False

    def publish(self, channel: str, message: bytes) -> None:
        """Tell everybody who listens to the channel."""
        self._here.publish(channel, message)
        self._to_send.append((_PREFIX + channel, self._sender + message))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published on the channel, until what is given back is called."""
        stop_here = self._here.listen(channel, heard)
        self._wanted[channel] = self._wanted.get(channel, 0) + 1
        self._wanted_otherwise.set()
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

        def stop() -> None:
            stop_here()
            self._wanted[channel] -= 1
            if not self._wanted[channel]:
                del self._wanted[channel]
                self._wanted_otherwise.set()

        return stop

    async def close(self) -> None:
        """Send what was published, and hear nothing more."""
        self._closed = True
        if self._sending is not None:
            await self._sending
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._here.close()

    async def _send(self) -> None:
        """Send what is published, all that came up meanwhile at once."""
        try:
            while self._to_send:
                messages, self._to_send = self._to_send, []
                pipeline = self._connection.client.pipeline(transaction=False)
                for channel, message in messages:
                    pipeline.publish(channel, message)
                with contextlib.suppress(RedisGone):  # who would have heard looks for itself now and then
                    await self._connection.call(pipeline.execute)
        finally:
            self._sending = None

    async def _listen(self) -> None:
        while not self._closed:
            try:
                async with self._connection.waiting.pubsub() as subscriptions:
                    await subscriptions.connect()
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._subscribe(subscriptions))
                        both.create_task(self._hear(subscriptions))
            except* (RedisError, OSError, TimeoutError) as errors:
                self._connection.lost(errors.exceptions[0])
            except* Exception:  # whatever it is, news are heard again
                _log.exception("broadcasts are listened to again")
            self.hears = False
            self._missed()
            await asyncio.sleep(REST_SECONDS)

    async def _subscribe(self, subscriptions: PubSub) -> None:
        """Keep the subscriptions of one connection as they are wanted."""
        subscribed: set[str] = set()
        while not self._closed:
            self._wanted_otherwise.clear()
            wanted = set(self._wanted)
            if fresh := wanted - subscribed:
                await subscriptions.subscribe(*(_PREFIX + channel for channel in fresh))
            if stale := subscribed - wanted:
                await subscriptions.unsubscribe(*(_PREFIX + channel for channel in stale))
            subscribed = wanted
            await self._wanted_otherwise.wait()

    async def _hear(self, subscriptions: PubSub) -> None:
        """Tell what one connection hears, until it is lost."""
        asked = False
        while not self._closed:
            message = await subscriptions.get_message(timeout=SILENT_SECONDS)
            if message is None:
                if asked:
                    raise TimeoutError("Redis says nothing, not even that it is alive")
                await subscriptions.ping()
                asked = True
                continue
            asked = False
            self._heard(message)

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] not in ("subscribe", "message"):
            return
        channel = message["channel"].decode().removeprefix(_PREFIX)
        if message["type"] == "subscribe":
            self.hears = True
            self._here.publish(channel, None)
        elif not message["data"].startswith(self._sender):
            self._here.publish(channel, message["data"][_SENDER_BYTES:])

    def _missed(self) -> None:
        """Tell everybody that something may have been said."""
        for channel in tuple(self._wanted):
            self._here.publish(channel, None)
