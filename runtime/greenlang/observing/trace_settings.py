"""Whether and where traces go; apart from `traces`, whose libraries come with an extra."""

from __future__ import annotations

__all__ = ["TraceSettings", "make_tracer"]

from typing import TYPE_CHECKING, Annotated

import msgspec

from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.observing.traces import Tracer


class TraceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where traces go."""

    #: Of a collector that takes OTLP over HTTP: `http://collector:4318/v1/traces`.
    endpoint: Annotated[str, msgspec.Meta(pattern="^https?://")]
    #: Of the traces that begin here; one that a caller began is followed as the caller said.
    sample_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    #: What the node calls itself.
    service: str = "agent-runtime"
    #: Sent along, as for a collector that wants a key.
    headers: dict[str, str] = {}


def make_tracer(settings: TraceSettings) -> Tracer:
    """What follows requests as these settings say.

    Raises
    ------
    InputError
        If the libraries that traces need are not installed.
    """
    try:
        from greenlang.observing.traces import Tracer
    except ImportError as error:
        raise InputError(
            f"'{error.name}' is not installed, and traces need it",
            fix="pip install 'greenlang-runtime[traces]'",
        ) from error
    return Tracer(settings)
