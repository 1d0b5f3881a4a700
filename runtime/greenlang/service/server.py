"""The entrance: aiohttp's low-level server on uvloop, in front of the API.

It reads bodies up to a limit, answers one call at a time on each connection, streams events, and stops on
SIGTERM: no new connections, what was asked for is answered, and executions that take longer than the
grace are handed back.
"""

from __future__ import annotations

__all__ = ["ServerSettings", "check_address", "serve"]

import asyncio
import contextlib
import ipaddress
import re
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from greenlang.agents import Registry
from greenlang.engine.executions import PlanCache, Prover, Runner, RunnerSettings
from greenlang.errors import InputError
from greenlang.ledger import load_signer
from greenlang.service.api import Api
from greenlang.service.messages import Fault
from greenlang.service.wire import Call, Refusal, Reply, refuse
from greenlang.stores import open_store

#: The one path that is answered bit by bit.
_EVENTS = re.compile(r"/v1/executions/([^/]+)/events")

#: A request id of the caller's own is used if it is no longer than this and plain.
_LONGEST_REQUEST_ID = 64


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How to serve."""

    host: str = "127.0.0.1"
    port: int = 8080
    store: str = "memory:"
    #: A larger body is refused with 413 before it is read.
    max_body_bytes: int = 32 * 1024 * 1024
    #: Seconds that executions have to finish after SIGTERM.
    grace_seconds: float = 20.0
    runner: RunnerSettings = field(default_factory=RunnerSettings)


def check_address(host: str) -> None:
    """Refuse an address that others can reach: the service knows no identities yet.

    Raises
    ------
    InputError
        If `host` is not of this machine alone.
    """
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise InputError(
            f"'{host}' can be reached by others, and requests are not authenticated",
            fix="serve 127.0.0.1, and put a proxy that authenticates before it",
        )


async def serve(settings: ServerSettings, *, on_ready: Callable[[int], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    on_ready : callable
        Told the port once connections are taken.

    Raises
    ------
    InputError
        If the address may not be served.
    StoreError
        If the store cannot be opened.
    """
    check_address(settings.host)
    registry = Registry()
    prover = Prover(registry, load_signer())
    runner = Runner(open_store(settings.store, prover.seal), PlanCache(registry), prover, settings.runner)
    api = Api(runner)
    server = web.ServerRunner(
        web.Server(_Entrance(api, settings).handle, access_log=None, keepalive_timeout=75)
    )
    await server.setup()
    await runner.start()
    try:
        site = web.TCPSite(server, settings.host, settings.port)
        await site.start()
        on_ready(server.addresses[0][1])
        await _until_stopped()
        api.ready = False
        await site.stop()
    finally:
        await runner.stop(settings.grace_seconds)
        await server.cleanup()
        await runner.store.close()


async def _until_stopped() -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    await stopped.wait()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(one)


class _Entrance:
    """Makes calls of aiohttp's requests."""

    def __init__(self, api: Api, settings: ServerSettings) -> None:
        self._api = api
        self._limit = settings.max_body_bytes

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            request_id=_request_id(request),
            query=request.query if request.query_string else {},
            headers=_Headers(request),
        )
        try:
            call.body = await self._body(request)
        except Refusal as refusal:
            response = _response(call, refuse(call, refusal))
            response.force_close()  # the rest of the body is not read
            return response
        if call.method == "GET" and (followed := _EVENTS.fullmatch(call.path)):
            call.names = {"id": followed[1]}
            return await self._events(request, call)
        return _response(call, await self._api.respond(call))

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The whole body.

        Raises
        ------
        Refusal
            413 if it is larger than the limit, also if it says nothing of its length.
        """
        if not request.can_read_body:
            return b""
        if (request.content_length or 0) > self._limit:
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        while piece := await request.content.readany():
            size += len(piece)
            if size > self._limit:
                raise self._too_large()
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _too_large(self) -> Refusal:
        limit = f"{self._limit / 1024**2:,.0f} MB"
        return Refusal(413, Fault("too_large", f"the body is larger than {limit}", "$", "send it in parts"))

    async def _events(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        try:
            events = await self._api.events(call)
        except Refusal as refusal:
            return _response(call, refuse(call, refusal))
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # the reader went away
            async for piece in events:
                await response.write(piece)
            await response.write_eof()
        return response


class _Headers(dict[str, str]):
    """The headers that the API asks for; looking up few is cheaper than copying all."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._of = request.headers

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as of texts
        return self._of.get(name, default)


def _response(call: Call, reply: Reply) -> web.Response:
    headers = {"Content-Type": reply.content_type, "X-Request-ID": call.request_id}
    headers.update(reply.headers)
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def _request_id(request: web.BaseRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    if 0 < len(given) <= _LONGEST_REQUEST_ID and given.isascii() and given.replace("-", "").isalnum():
        return given
    return secrets.token_hex(16)
