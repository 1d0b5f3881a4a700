"""Who makes things happen at present, for whoever writes down that they did: nobody has to pass it on.

It is told where a request comes in and where a worker begins an execution, and holds for the task that was
told and for whatever that starts.
"""

from __future__ import annotations

__all__ = ["Initiator", "initiate", "initiating", "initiator"]

from contextvars import ContextVar

import msgspec

from greenlang.stores.protocol import EventMetadata


class Initiator(msgspec.Struct, frozen=True):
    """Somebody of a tenant, and the request or execution by which they act."""

    tenant: str
    metadata: EventMetadata = EventMetadata()


_present: ContextVar[Initiator | None] = ContextVar("greenlang_initiator", default=None)


def initiator() -> Initiator | None:
    """Who makes things happen at present; None where nobody was named."""
    return _present.get()


def initiating() -> EventMetadata | None:
    """The metadata of what happens at present."""
    by = _present.get()
    return None if by is None else by.metadata


def initiate(by: Initiator | None) -> None:
    """Have this task, and what it starts from now on, act by somebody."""
    _present.set(by)
