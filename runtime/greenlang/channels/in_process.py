"""Broadcasts within one process."""

from __future__ import annotations

__all__ = ["InProcessBroadcast"]

from collections.abc import Callable

from greenlang.channels.broadcasts import Broadcast, Heard


class InProcessBroadcast(Broadcast):
    """Calls whoever listens."""

    def __init__(self) -> None:
        self._listening: dict[str, list[Heard]] = {}

    def publish(self, channel: str, message: bytes | None) -> None:
        """Tell everybody who listens to the channel; None: that something may have been missed."""
        for heard in tuple(self._listening.get(channel, ())):
            heard(message)

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published on the channel, until what is given back is called."""
        self._listening.setdefault(channel, []).append(heard)

        def stop() -> None:
            listening = self._listening.get(channel)
            if listening is None:  # closed meanwhile
                return
            listening.remove(heard)
            if not listening:
                del self._listening[channel]

        return stop

    async def close(self) -> None:
        """Forget who listens."""
        self._listening.clear()
