"""A port of its own for metrics, which takes no requests besides and asks nobody who they are."""

from __future__ import annotations

__all__ = ["MetricsDoor"]

from collections.abc import Awaitable, Callable

from aiohttp import web

from greenlang.errors import InputError, reason_of
from greenlang.observing.page import CONTENT_TYPE


class MetricsDoor:
    """Answers `GET /metrics` on a port that only those who watch the node can reach."""

    def __init__(self, page: Callable[[], Awaitable[bytes]]) -> None:
        self._page = page
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))

    async def open(self, host: str, port: int) -> int:
        """Take connections; gives the port.

        Raises
        ------
        InputError
            If the address is not to be had.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        except OSError as error:
            raise InputError(
                f"metrics cannot be served at {host}:{port}: {reason_of(error)}",
                fix="name another metrics_port",
            ) from error
        address: tuple[str, int] = self._runner.addresses[0][:2]
        return address[1]

    async def close(self) -> None:
        """Take no more connections."""
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path != "/metrics":
            return web.Response(status=404, text="there is /metrics here, and nothing else\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return web.Response(body=await self._page(), headers={"Content-Type": CONTENT_TYPE})
