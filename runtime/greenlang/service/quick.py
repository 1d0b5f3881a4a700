"""The quick entrance: the requests that come most often, answered beside aiohttp and not through it.

A connection begins here. A request to one of `PATHS` that has arrived whole and asks for nothing unusual
is answered at once; anything else (another path, a body that is still coming, is encoded or is large, an old
version of HTTP, a mistake) hands the connection with all its bytes over to aiohttp, which keeps it. So what
is here is short, and there is one place for slow clients and broken ones.
"""

from __future__ import annotations

__all__ = ["PATHS", "QuickConnection", "QuickDoor"]

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import cast

import httptools

from greenlang.service.identity import names_in
from greenlang.service.negotiation import takes_gzip
from greenlang.service.stalls import Stalls
from greenlang.service.wire import Call, Reply, Stream

#: What is answered here, by POST.
PATHS = ("/v1/workflows/execute", "/v1/calculations/emissions")

_BEGINNINGS = {f"POST {path} HTTP/1.1\r\n".encode(): path for path in PATHS}
_LONGEST_BEGINNING = max(map(len, _BEGINNINGS))

#: Larger heads and bodies are aiohttp's, whose limits are the service's.
_LARGEST_HEAD = 4096
_LARGEST_BODY = 256 * 1024

#: Headers that make a request unusual.
_UNUSUAL = frozenset({"transfer-encoding", "content-encoding", "expect", "upgrade"})

#: What is smaller gains nothing from compression.
_SMALLEST_COMPRESSED = 1024

_STATUS_LINES = {int(one): f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}

#: Heads that are remembered with what they say: a client sends the same one again and again.
_HEADS = 256

Respond = Callable[[Call], Awaitable[Reply | Stream]]


class QuickDoor:
    """What the quick connections of a process share.

    Parameters
    ----------
    respond : callable
        Answers a call: the API.
    hand_over : callable
        Makes the protocol that takes a connection which is not for here: aiohttp's server.
    request_id : callable
        The id of a request, from the one that its caller gave or none.
    limit : callable
        Tells how many bytes a body may have at present.
    """

    def __init__(
        self,
        respond: Respond,
        hand_over: Callable[[], asyncio.Protocol],
        request_id: Callable[[str], str],
        limit: Callable[[], int],
    ) -> None:
        self.respond = respond
        self.hand_over = hand_over
        self.request_id = request_id
        self._limit = limit
        self.connections: set[QuickConnection] = set()
        #: Every connection of the process, those that were handed over too: each begins here.
        self.stalls = Stalls()
        self._second = 0
        self._date = b""
        self._heads: dict[bytes, dict[str, str] | None] = {}

    def __call__(self) -> QuickConnection:
        """A protocol for one connection."""
        return QuickConnection(self)

    def largest_body(self) -> int:
        """How many bytes of a body are taken here; a larger one is handed over, and refused there."""
        return min(_LARGEST_BODY, self._limit())

    def headers(self, head: bytes) -> dict[str, str] | None:
        """The headers of a head, their names in lower case; None if something in it is unusual or wrong."""
        try:
            return self._heads[head]
        except KeyError:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            headers = self._heads[head] = _plain_headers(head)
            return headers

    def date(self) -> bytes:
        """The line that tells the time, made once a second."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._date

    def end_idle(self, now: float, idle_seconds: float) -> None:
        """End connections that have sent no whole request for so long, and those whose readers stalled."""
        self.stalls.end(now, idle_seconds)
        for connection in list(self.connections):
            connection.end_if_idle(now, idle_seconds)

    async def finish(self, seconds: float) -> None:
        """End every connection, once it is answered what was asked; wait no longer than so for that."""
        answering = []
        for connection in list(self.connections):
            connection.last = True
            if connection.answering is None:
                connection.end()
            else:
                answering.append(connection.answering)
        if answering:
            await asyncio.wait(answering, timeout=seconds)


class _Head:
    """What httptools finds in the head of a request."""

    __slots__ = ("headers", "repeated")

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.repeated = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        self.repeated |= key in self.headers
        self.headers[key] = value.decode("latin-1")


class QuickConnection(asyncio.Protocol):
    """One connection, until it is handed over or ends. Requests on it are answered one after the other."""

    __slots__ = (
        "_buffer",
        "_door",
        "_ended",
        "_paused",
        "_peer",
        "_since",
        "_transport",
        "answering",
        "last",
    )

    def __init__(self, door: QuickDoor) -> None:
        self._door = door
        self._buffer = b""
        self._ended = False
        self._paused = False
        self._peer: frozenset[str] = frozenset()
        self._since = 0.0
        self._transport: asyncio.Transport | None = None
        self.answering: asyncio.Task[None] | None = None
        #: Whether the connection ends with the answer that is being made.
        self.last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._peer = names_in(transport)
        self._since = asyncio.get_running_loop().time()
        self._door.stalls.watch(self._transport, self._since)
        self._door.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  whyever it was
        """End; what was asked is computed to its end, as its caller may ask again with the same key."""
        self._door.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole; a pipelined one waits for its turn."""
        self._buffer = self._buffer + data if self._buffer else data
        if self.answering is None:
            self._advance()
        elif len(self._buffer) > _LARGEST_BODY and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Keep our half open while something is left to answer."""
        self._ended = True
        return self.answering is not None

    def pause_writing(self) -> None:
        """Its reader is slow: answer nothing more for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """Its reader has caught up."""
        self._paused = False
        self._since = asyncio.get_running_loop().time()
        if self.answering is None and self._buffer:
            self._advance()

    def end_if_idle(self, now: float, idle_seconds: float) -> None:
        """End it if it has sent no whole request for so long; while it does not read, its stall counts."""
        if self.answering is None and not self._paused and now - self._since > idle_seconds:
            self.end()

    def end(self) -> None:
        """End it once what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def _advance(self) -> None:
        """Begin to answer the request that the buffer begins with, if it is whole."""
        if self._paused or self._transport is None:
            return
        buffer = self._buffer
        line_end = buffer.find(b"\n", 0, _LONGEST_BEGINNING)
        path = _BEGINNINGS.get(buffer[: line_end + 1])
        head_end = buffer.find(b"\r\n\r\n", line_end, _LARGEST_HEAD) if path is not None else -1
        headers = None if path is None or head_end < 0 else self._door.headers(buffer[: head_end + 4])
        if path is None or headers is None:
            self._hand_over()
            return
        length = headers.get("content-length", "")
        end = head_end + 4 + int(length) if length.isdecimal() and len(length) < 7 else -1
        if not head_end < end <= len(buffer) or end - head_end - 4 > self._door.largest_body():
            self._hand_over()
            return
        body, self._buffer = buffer[head_end + 4 : end], buffer[end:]
        request_id = self._door.request_id(headers.get("x-request-id", ""))
        call = Call("POST", path, request_id, headers=headers, body=body, peer=self._peer)
        self.answering = asyncio.get_running_loop().create_task(self._answer(call))

    async def _answer(self, call: Call) -> None:
        reply = cast(Reply, await self._door.respond(call))
        self.answering = None
        transport = self._transport
        if transport is None:
            return
        transport.write(self._written(call, reply))
        if self.last or (self._ended and not self._buffer):
            transport.close()
            return
        self._since = asyncio.get_running_loop().time()
        transport.resume_reading()
        if self._buffer:
            self._advance()

    def _written(self, call: Call, reply: Reply) -> bytes:
        """The response, head and body."""
        body, encoding = reply.body, ""
        varies = "Vary: Accept-Encoding\r\n" if len(body) >= _SMALLEST_COMPRESSED else ""
        if varies and takes_gzip(call.headers.get("accept-encoding", "")):
            body, encoding = gzip.compress(body, 6, mtime=0), "Content-Encoding: gzip\r\n"
        rest = "".join(f"{name}: {value}\r\n" for name, value in reply.headers) if reply.headers else ""
        closing = "Connection: close\r\n" if self.last or self._ended else ""
        head = (
            f"Content-Type: {reply.content_type}\r\nX-Request-ID: {call.request_id}\r\n"
            f"{rest}{varies}{encoding}{closing}Content-Length: {len(body)}\r\n"
        )
        return b"%b%b%b\r\n%b" % (
            _STATUS_LINES[reply.status],
            self._door.date(),
            head.encode("latin-1"),
            body,
        )

    def _hand_over(self) -> None:
        """Let aiohttp have the connection, as if it had had it from the beginning of this request."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._door.connections.discard(self)
        protocol = self._door.hand_over()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(self._buffer)
        if self._ended:
            protocol.eof_received()


def _plain_headers(head: bytes) -> dict[str, str] | None:
    found = _Head()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    headers = found.headers
    if found.repeated or "host" not in headers or not _UNUSUAL.isdisjoint(headers):
        return None
    return headers if headers.get("connection", "keep-alive").lower() == "keep-alive" else None
