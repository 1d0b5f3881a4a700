"""What a queue promises, whether it serves one process or many."""

from __future__ import annotations

__all__ = ["PRIORITIES", "Queue", "Signal", "Taken"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

#: P0, which goes first, to P3.
PRIORITIES = range(4)


class Signal(msgspec.Struct, frozen=True, omit_defaults=True):
    """An execution that waits in the store, whose it is, and what request it came of."""

    execution_id: str
    tenant: str
    priority: int
    #: The same for everything that one request led to.
    correlation_id: str | None = None
    #: Where that request was in a trace, as W3C Trace Context writes it.
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A signal that one worker has, until it is done with it."""

    signal: Signal
    #: What its queue knows it by: a stream, and a place in it.
    place: tuple[int, bytes] = (0, b"")


class Queue(Protocol):
    """Signals, each to one of those who take. Higher priorities go first, and none starves.

    What was taken by a process that died before it was done is given to another.
    """

    @property
    def patience_seconds(self) -> float:
        """How long whoever takes may go without a look at the store: signals may be lost."""
        ...

    def announce(self, signal: Signal) -> None:
        """Say that an execution waits. It never waits or fails: if it is lost, `take` returns here."""
        ...

    async def take(self, limit: int, *, wait_seconds: float) -> tuple[Taken, ...]:
        """Up to `limit` signals as soon as there are any; none if it was woken, or the time is over.

        One task at a time may take, and whatever comes of it, it should look at the store.
        """
        ...

    def done(self, taken: Iterable[Taken]) -> None:
        """These have been seen to: whoever dies, nobody else gets them."""
        ...

    def wake(self) -> None:
        """Have `take` return."""
        ...

    async def close(self) -> None:
        """Send what was said, and let go of what it holds."""
        ...
