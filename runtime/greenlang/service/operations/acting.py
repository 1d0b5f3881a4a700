"""Who acts in a call that changes what a tenant has, as the audit log and events are told."""

from __future__ import annotations

__all__ = ["actor", "administrator", "conflict", "metadata"]

from greenlang.service.messages import Fault
from greenlang.service.wire import Call, Refusal
from greenlang.stores import EventMetadata, initiator
from greenlang.stores.rows import Administrator

#: Where nobody has to say who they are.
_NOBODY = "nobody in particular"


def metadata() -> EventMetadata:
    """Of the events that a call makes happen."""
    by = initiator()
    return EventMetadata() if by is None else by.metadata


def actor() -> str:
    """The name of whoever acts."""
    return metadata().user_id or _NOBODY


def administrator(call: Call) -> Administrator:
    """Whoever acts, as one who looks after all tenants."""
    return Administrator(call.tenant, actor())


def conflict(field: str, message: str, hint: str) -> Refusal:
    """409, for something that does not fit what is there."""
    return Refusal(409, Fault("conflict", message, field, hint))
