"""aiohttp's low-level server in front of the API: requests become calls, replies become responses.

A connection that sends nothing, keeps the head of its request back, lets its body drip, or does not read its
answer is ended, so that nobody can hold the service by being slow.
"""

from __future__ import annotations

__all__ = ["Entrance"]

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from greenlang.engine.executions import random_hex
from greenlang.errors import size_text
from greenlang.service.api import Api
from greenlang.service.identity import names_in
from greenlang.service.messages import Fault
from greenlang.service.negotiation import takes_gzip
from greenlang.service.quick import QuickDoor
from greenlang.service.settings import ServerSettings
from greenlang.service.wire import Call, Refusal, Reply, Stream, refuse

#: A request id of the caller's own is used if it is no longer than this and plain.
_LONGEST_REQUEST_ID = 64

#: What is smaller gains nothing from compression.
_SMALLEST_COMPRESSED = 1024

#: aiohttp's own limit of idle connections: `end_idle` ends them before, by settings that may change.
_FAR_SECONDS = 86_400.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Entrance:
    """Makes calls of aiohttp's requests.

    Parameters
    ----------
    settings : ServerSettings
        Read anew for every request: they may be changed while it serves.
    """

    def __init__(self, api: Api, settings: ServerSettings) -> None:
        self.settings = settings
        self._api = api
        self._ended: set[web.RequestHandler] = set()
        self.server = _Server(self._handle, self._ended, access_log=None, keepalive_timeout=_FAR_SECONDS)
        #: What connections begin with.
        self.door = QuickDoor(api.respond, self.server, _request_id, lambda: self.settings.max_body_bytes)
        #: Since when each connection keeps us waiting for a request; those that are answered have no entry.
        self._waiting: dict[web.RequestHandler, float] = {}
        self._answering: set[web.RequestHandler] = set()
        self._streaming: set[asyncio.Task[None]] = set()
        self._finishing = False

    async def finish(self, seconds: float) -> None:
        """End streams, and wait no longer than so for the quick entrance to answer what it was asked."""
        self._finishing = True
        for stream in self._streaming:
            stream.cancel()
        await self.door.finish(seconds)

    async def end_idle(self) -> None:
        """End connections that have sent no whole request for `idle_seconds`, for as long as it runs."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self.settings.idle_seconds / 4))
            now = loop.time()
            idle = {one for one in self.server.connections if one not in self._answering and not _unsent(one)}
            self._waiting = {connection: self._waiting.get(connection, now) for connection in idle}
            for connection, since in self._waiting.items():
                late = now - since > self.settings.idle_seconds
                if (late or connection in self._ended) and connection.transport is not None:
                    connection.transport.close()
            self._ended.intersection_update(self.server.connections)
            self.door.end_idle(now, self.settings.idle_seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._answering.add(connection)
        try:
            response = await self._respond(request)
            if connection in self._ended:
                response.force_close()
            return response
        finally:
            self._answering.discard(connection)
            self._waiting.pop(connection, None)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            request_id=_request_id(request.headers.get("X-Request-ID", "")),
            query=request.query if request.query_string else {},
            headers=_Headers(request),
            peer=frozenset() if request.transport is None else names_in(request.transport),
            read=lambda: self._body(request),
            pieces=lambda limit: self._pieces(request, limit),
        )
        reply = await self._api.respond(call)
        if isinstance(reply, Reply):
            response: web.StreamResponse = _response(request, call, reply)
        else:
            response = await self._stream(request, call, reply)
        if request.can_read_body and not request.content.is_eof():
            response.force_close()  # the rest of the body is not read
        return response

    async def _stream(self, request: web.BaseRequest, call: Call, stream: Stream) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_headers(call, stream), "Cache-Control": "no-store"})
        async with contextlib.aclosing(stream.pieces) as pieces:
            await response.prepare(request)
            if request.method == "HEAD" or self._finishing:
                return response
            sending = asyncio.create_task(_send(response, pieces))
            self._streaming.add(sending)
            try:
                await asyncio.wait({sending})
            finally:
                self._streaming.discard(sending)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            if not sending.cancelled():
                sending.result()  # what went wrong ends the connection, so that its reader sees it
        return response

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The whole body.

        Raises
        ------
        Refusal
            413 if it is larger than the limit, also if it says nothing of its length; 408 if it is too slow;
            400 if it is not compressed as it says.
        """
        if not request.can_read_body:
            return b""
        limit = self.settings.max_body_bytes
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        if request.content.is_eof():  # all of it came with the head
            body = request.content.read_nowait()
            if len(body) > limit:
                raise _too_large(limit)
            return body
        try:
            async with asyncio.timeout(self.settings.body_seconds):
                pieces = [piece async for piece in self._pieces(request, limit)]
        except TimeoutError:
            raise _too_slow() from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _pieces(self, request: web.BaseRequest, limit: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes; refused as `_body` is, but it may come for as long as it does."""
        if not request.can_read_body:
            return
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = 0
        try:
            while piece := await self._piece(request):
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
                yield piece
        except TimeoutError:
            raise _too_slow() from None
        except web.RequestPayloadError:
            raise Refusal(400, Fault("encoding", "the body is not what its headers say", "$")) from None

    async def _piece(self, request: web.BaseRequest) -> bytes:
        async with asyncio.timeout(self.settings.body_rest_seconds):
            return await request.content.readany()


class _Server(web.Server):
    """Keeps our half of a connection open whose client has finished sending: it may wait for its answer.

    Such connections are added to `ended`; whoever answers them ends them.  What is no request is refused as
    every other is, and fills no log.
    """

    def __init__(self, handler: Handler, ended: set[web.RequestHandler], **options: Any) -> None:
        super().__init__(handler, **options)

        class Connection(web.RequestHandler):
            __slots__ = ()

            def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it: True keeps it open
                ended.add(self)
                return True

            def handle_error(
                self,
                request: web.BaseRequest,
                status: int = 500,
                exc: BaseException | None = None,
                message: str | None = None,
            ) -> web.StreamResponse:
                if status != HTTPStatus.BAD_REQUEST:
                    return super().handle_error(request, status, exc, message)
                return _no_request(request, message or "")

        self._connection = Connection

    def __call__(self) -> web.RequestHandler:
        connection = super().__call__()
        connection.__class__ = self._connection
        return connection


def _no_request(request: web.BaseRequest, why: str) -> web.Response:
    """The answer to what aiohttp cannot read."""
    call = Call(request.method, request.path, random_hex(16))
    rule = why.partition("\n")[0].rstrip(":") or "it cannot be read"
    fault = Fault(
        "http", f"this is no request of HTTP: {rule}", hint="look at its first line and its headers"
    )
    response = _response(request, call, refuse(call, Refusal(HTTPStatus.BAD_REQUEST, fault)))
    response.force_close()
    return response


def _too_large(limit: int) -> Refusal:
    message = f"the body is larger than {size_text(limit)}"
    return Refusal(413, Fault("too_large", message, "$", "send it in parts"))


def _too_slow() -> Refusal:
    return Refusal(408, Fault("too_slow", "the body came too slowly", "$", "send it faster, or in parts"))


class _Headers(dict[str, str]):
    """The headers that the API asks for; looking up few is cheaper than copying all."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._of = request.headers

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as of texts
        found = self._of.get(name)
        # As the quick entrance reads them. aiohttp keeps bytes that are no UTF-8 as halves of characters,
        # which no answer could repeat.
        return default if found is None else found.encode("utf-8", "surrogateescape").decode("latin-1")


def _unsent(connection: web.RequestHandler) -> int:
    """The bytes that a client has not read yet: while there are any, we do not wait for it to ask."""
    return 0 if connection.transport is None else connection.transport.get_write_buffer_size()


def _response(request: web.BaseRequest, call: Call, reply: Reply) -> web.Response:
    response = web.Response(status=reply.status, body=reply.body, headers=_headers(call, reply))
    if len(reply.body) >= _SMALLEST_COMPRESSED:
        response.headers["Vary"] = "Accept-Encoding"
        if takes_gzip(request.headers.get("Accept-Encoding", "")):
            response.enable_compression(web.ContentCoding.gzip)
    return response


async def _send(response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]) -> None:
    with contextlib.suppress(ConnectionResetError):  # the reader went away
        async for piece in pieces:
            await response.write(piece)


def _headers(call: Call, reply: Reply | Stream) -> dict[str, str]:
    return {"Content-Type": reply.content_type, "X-Request-ID": call.request_id, **dict(reply.headers)}


def _request_id(given: str) -> str:
    if 0 < len(given) <= _LONGEST_REQUEST_ID and given.isascii() and given.replace("-", "").isalnum():
        return given
    return random_hex(16)
