"""Payloads of earlier versions as the present version has them, a function for each step of each type.

The log is never rewritten: an event stays as it was written, and is made one of the present when it is read.
"""

from __future__ import annotations

__all__ = ["UPCASTERS", "Payload", "Upcaster", "Upcasters"]

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from greenlang.errors import InternalError
from greenlang.stores import Event

Payload = dict[str, Any]

#: Gives a payload of one version as that of the next; what it is given is its own.
Upcaster = Callable[[Payload], Payload]

# Numbers go through as they are written, also those that no float holds.
_decode = msgspec.json.Decoder(Payload, float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Upcasters:
    """Steps from version to version, by the type of the event and the version that they start from."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Upcaster] = {}

    def register(self, event_type: str, version: int) -> Callable[[Upcaster], Upcaster]:
        """Have a function take payloads of `event_type` from `version` to the next.

        Raises
        ------
        InternalError
            If another does already.
        """

        def registered(step: Upcaster) -> Upcaster:
            if (event_type, version) in self._steps:
                raise InternalError(f"two functions take '{event_type}' on from version {version}")
            self._steps[event_type, version] = step
            return step

        return registered

    def present(self, event: Event) -> Event:
        """The event as the present version has it; the same where it is of that."""
        step = self._steps.get((event.event_type, event.version))
        if step is None:
            return event
        version, payload = event.version, _decode(event.payload)
        while step is not None:
            payload, version = step(payload), version + 1
            step = self._steps.get((event.event_type, version))
        return replace(event, version=version, payload=msgspec.Raw(_encode(payload)))


#: Of the runtime's own events; empty as long as each has had but one version.
UPCASTERS = Upcasters()
