"""A network between two servers of a test, which can be slow, cut, or silent."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class TcpProxy:
    """Passes connections to a port of this machine on, as well as its network lets it.

    Parameters
    ----------
    target : int
        The port that connections are for.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        #: Seconds that every piece is held back.
        self.delay_seconds = 0.0
        self._refusing = False
        #: Of the connections that are made at present: whether they let anything through.
        self._gate = asyncio.Event()
        self._gate.set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._do(self._cut())

    def silence(self) -> None:
        """Let nothing through any more, of connections that there are and of new ones; nobody is told."""
        self._do(self._silence())

    def mend(self) -> None:
        """Let new connections through; those that fell silent stay so, as if a router had been replaced."""
        self._do(self._mend())

    def close(self) -> None:
        """End it."""
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _cut(self) -> None:
        self._refusing = True
        for writer in list(self._connections):
            writer.transport.abort()

    async def _silence(self) -> None:
        self._gate.clear()

    async def _mend(self) -> None:
        self._refusing = False
        if not self._gate.is_set():
            self._gate = asyncio.Event()
            self._gate.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        gate = self._gate
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, their_writer)
        self._connections.update(both)
        try:
            await asyncio.gather(
                self._pass(gate, reader, their_writer), self._pass(gate, their_reader, writer)
            )
        finally:
            self._connections.difference_update(both)
            for one in both:
                one.transport.abort()

    async def _pass(
        self, gate: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                await gate.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(piece)
                await writer.drain()
            writer.close()
