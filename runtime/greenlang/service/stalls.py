"""Readers that read nothing of what they asked for: their connections are ended, as slow senders' are."""

from __future__ import annotations

__all__ = ["Stalls"]

import asyncio


class Stalls:
    """The connections of a process, and since when each has taken nothing of what was written to it."""

    def __init__(self) -> None:
        #: By transport: what it still had to send when it was last looked at, and since when it only grew.
        self._open: dict[asyncio.Transport, tuple[int, float]] = {}

    def watch(self, transport: asyncio.Transport, now: float) -> None:
        """Look at a connection from now on, until it is closed; whoever holds it."""
        self._open[transport] = (0, now)

    def end(self, now: float, seconds: float) -> None:
        """End connections that have something to read, and have read nothing of it for so long.

        They are cut off: closing would wait for what is written to be read.
        """
        for transport, (before, since) in list(self._open.items()):
            unsent = transport.get_write_buffer_size()
            if unsent == 0 or unsent < before:
                since = now
            if unsent and now - since > seconds:
                transport.abort()
                unsent = 0
            if unsent == 0 and transport.is_closing():
                del self._open[transport]
            else:
                self._open[transport] = (unsent, since)
