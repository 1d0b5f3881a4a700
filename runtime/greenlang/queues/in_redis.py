"""Signals between all processes that share a Redis 7: one stream a priority, and one consumer group.

A signal that was taken is held by its worker until it is done with it; what a worker holds that has died is
taken over by another after a while.  One that has killed every worker that had it, or that nobody can read,
goes to the stream `greenlang:queue:dead`.  What is sent is gathered while the last call is on its way.
"""

from __future__ import annotations

__all__ = ["RedisQueue"]

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import Any, TypeVar

import msgspec
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError, ResponseError

from greenlang.channels.connection import LONGEST_WAIT_SECONDS, REST_SECONDS, RedisConnection, RedisGone
from greenlang.queues.protocol import PRIORITIES, Queue, Signal, Taken
from greenlang.queues.scripts import RECOVER, SEND, TAKE
from greenlang.queues.turns import Turns

_log = logging.getLogger("greenlang.queues")

_GROUP = "workers"
_STREAMS = tuple(f"greenlang:queue:p{priority}" for priority in PRIORITIES)
_DEAD = "greenlang:queue:dead"
_KEYS = (*_STREAMS, _DEAD)

#: What a stream keeps, about; with more, the oldest go, and what they told of is found in the store.
_KEPT = 1_000_000
_DEAD_KEPT = 10_000

#: Signals sent with one call, so that no other waits long for Redis.
_SENT_AT_ONCE = 512

#: How often a signal is given out before it is taken for what kills its workers.
_TIMES = 5

#: Of each priority, taken over at once from workers that died.
_RECOVERED_AT_ONCE = 100

#: How long to go without a look at the store: with Redis, and without.
_PATIENCE_SECONDS = 1.0
_ALONE_SECONDS = 0.25

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Signal).decode

#: (stream, id, signal)
_Entry = tuple[int, bytes, bytes]

T = TypeVar("T")


class RedisQueue(Queue):
    """Gives each signal to one of the processes that share a Redis.

    Parameters
    ----------
    stale_seconds : float
        After so long, whoever holds a signal is taken for dead.
    """

    def __init__(self, connection: RedisConnection, *, stale_seconds: float = 15.0) -> None:
        self._connection = connection
        self._stale_seconds = stale_seconds
        self._consumer = secrets.token_hex(8)
        self._turns = Turns()
        self._send_script = connection.client.register_script(SEND)
        self._take_script = connection.client.register_script(TAKE)
        self._recover_script = connection.client.register_script(RECOVER)
        self._woken = asyncio.Event()
        #: How many whoever takes has room for; the event is set while they wait for one.
        self._room = 0
        self._asked = asyncio.Event()
        self._arrived: deque[Taken] = deque()
        #: Whether there may be more than there is room for: then it matters which goes first.
        self._more_waits = True
        self._listening: asyncio.Task[None] | None = None
        self._announced: deque[tuple[int, bytes]] = deque()
        self._seen_to: deque[tuple[int, bytes]] = deque()
        self._sending: asyncio.Task[None] | None = None
        #: Looked at besides being cancelled: in Python 3.11 what the client awaits may swallow that.
        self._closed = False

    @property
    def patience_seconds(self) -> float:
        """How long whoever takes may go without a look at the store."""
        return _PATIENCE_SECONDS if self._connection.answers else _ALONE_SECONDS

    def announce(self, signal: Signal) -> None:
        """Say that an execution waits."""
        self._announced.append((signal.priority + 1, _encode(signal)))
        self._send_soon()

    async def take(self, limit: int, *, wait_seconds: float) -> tuple[Taken, ...]:
        """Up to `limit` signals as soon as there are any."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        if limit > 0 and not self._arrived:
            self._room = limit
            self._asked.set()
        if limit <= 0 or not self._arrived:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._woken.wait()
        self._woken.clear()
        self._asked.clear()
        return tuple(self._arrived.popleft() for _ in range(min(limit, len(self._arrived))))

    def done(self, taken: Iterable[Taken]) -> None:
        """Nobody else gets these."""
        self._seen_to.extend(each.place for each in taken)
        if self._seen_to:
            self._send_soon()

    def wake(self) -> None:
        """Have `take` return."""
        self._woken.set()

    async def close(self) -> None:
        """Send what was said, and take no more."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._sending is not None:
            await self._sending

    # What is sent

    def _send_soon(self) -> None:
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._announced or self._seen_to:
                added = _gathered(self._announced)
                done = _gathered(self._seen_to)
                arguments: list[Any] = [_GROUP, _KEPT, len(added), *chain(*added), *chain(*done)]
                try:
                    await self._run(self._send_script, arguments)
                except RedisGone:
                    # What waits is found in the store: here at once, elsewhere soon.
                    self._woken.set()
        finally:
            self._sending = None

    # What arrives

    async def _listen(self) -> None:
        while not self._closed:
            try:
                await self._make_group()
                await self._bring_in()
            except RedisGone:
                self._woken.set()
                await asyncio.sleep(REST_SECONDS)
            except Exception:  # whatever it is, signals are taken on
                _log.exception("the queue is read again")
                self._woken.set()
                await asyncio.sleep(REST_SECONDS)

    async def _make_group(self) -> None:
        """Have every stream, and the group that reads them from their beginning."""
        for stream in _STREAMS:
            try:
                await self._connection.client.xgroup_create(stream, _GROUP, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise self._connection.lost(error) from error
            except (RedisError, OSError, TimeoutError) as error:
                raise self._connection.lost(error) from error

    async def _bring_in(self) -> None:
        recover_at = 0.0
        while not self._closed:
            await self._asked.wait()
            entries: list[_Entry] = []
            if time.monotonic() >= recover_at:
                recover_at = time.monotonic() + self._stale_seconds / 3
                entries = await self._recover()
            entries = entries or await self._next()
            for entry in entries:
                taken = await self._read(entry)
                if taken is not None:
                    self._arrived.append(taken)
            if self._arrived:
                self._asked.clear()
                self._woken.set()

    async def _recover(self) -> list[_Entry]:
        """What a worker held that died."""
        stale = int(self._stale_seconds * 1000)
        arguments: list[Any] = [_GROUP, self._consumer, stale, _RECOVERED_AT_ONCE, _TIMES, _DEAD_KEPT]
        entries: list[_Entry] = await self._run(self._recover_script, arguments)
        if entries:
            _log.warning("%d signals are taken over from workers that died", len(entries))
        return entries

    async def _next(self) -> list[_Entry]:
        """What waits, in its turn; if nothing does, what comes within a moment."""
        room = self._room
        if self._more_waits:
            favoured, reserved = self._turns.next(room)
            arguments: list[Any] = [_GROUP, self._consumer, room, favoured + 1, reserved]
            entries: list[_Entry] = await self._run(self._take_script, arguments)
            self._more_waits = len(entries) == room
            if entries:
                return entries
        of_each = max(1, room // len(_STREAMS))
        read: Any = await self._connection.call(
            lambda: self._connection.waiting.xreadgroup(
                _GROUP,
                self._consumer,
                dict.fromkeys(_STREAMS, ">"),
                count=of_each,
                block=int(LONGEST_WAIT_SECONDS * 1000),
            )
        )
        self._more_waits = any(len(found) == of_each for _, found in read)
        return [
            (_STREAMS.index(stream.decode()) + 1, name, fields.get(b"signal", b""))
            for stream, found in read
            for name, fields in found
        ]

    async def _read(self, entry: _Entry) -> Taken | None:
        """The signal of an entry; None if it is not readable: then it is laid aside."""
        stream, name, signal = entry
        try:
            return Taken(_decode(signal), (stream, name))
        except msgspec.DecodeError as error:
            pipeline = self._connection.client.pipeline()
            pipeline.xadd(_DEAD, {"signal": signal, "reason": str(error), "times": 1}, maxlen=_DEAD_KEPT)
            pipeline.xack(_STREAMS[stream - 1], _GROUP, name)
            pipeline.xdel(_STREAMS[stream - 1], name)
            await self._connection.call(pipeline.execute)
            return None

    async def _run(self, script: AsyncScript, arguments: list[Any]) -> Any:
        return await self._connection.call(lambda: script(keys=_KEYS, args=arguments))


def _gathered(waiting: deque[T]) -> list[T]:
    """What waits, no more than goes with one call."""
    return [waiting.popleft() for _ in range(min(len(waiting), _SENT_AT_ONCE))]
