"""What a broadcast promises, whether it reaches one process or many."""

from __future__ import annotations

__all__ = ["Broadcast", "Heard"]

from collections.abc import Callable
from typing import Protocol

#: Told each message, in the order of its publisher; None where some may have been missed: look for yourself.
Heard = Callable[[bytes | None], None]


class Broadcast(Protocol):
    """Messages to whoever listens at that moment. They may be lost: nothing but speed may depend on them."""

    def publish(self, channel: str, message: bytes) -> None:
        """Tell everybody who listens to the channel; in this process before it returns."""
        ...

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published on the channel, until what is given back is called.

        `heard` is called in the event loop and may neither wait nor raise.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
