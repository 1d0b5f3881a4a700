"""Versions of the API and forms of its answers: `Accept`, and what is said of a version that will go.

A version is named by the path (`/v1/…`) or, on a path without one, by the type that is asked for
(`application/vnd.greenlang.v1+json`).
"""

from __future__ import annotations

__all__ = ["Version", "accepts", "takes_gzip", "version_asked_for", "version_headers"]

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from greenlang.service.messages import Fault
from greenlang.service.wire import JSON, VERSIONED_JSON, Refusal

_VERSIONED = re.compile(r"application/vnd\.greenlang\.(v\d+)\+json")


@dataclass(frozen=True, slots=True)
class Version:
    """How long a version of the API is served."""

    #: Since when callers ought to move on, and when it ends; both with a time zone.
    deprecated: datetime | None = None
    sunset: datetime | None = None
    #: Where to read how to move on.
    successor: str = ""


@lru_cache(256)
def accepts(accept: str, media_type: str, others: tuple[str, ...] = ()) -> str:
    """The type to answer with: `media_type`, or what is asked for by name: another, or JSON's versioned type.

    Raises
    ------
    Refusal
        406 if `accept` takes neither.
    """
    ranges = _ranges(accept)
    if media_type == JSON and VERSIONED_JSON in ranges:
        return VERSIONED_JSON
    if asked := [other for other in others if other in ranges and media_type not in ranges]:
        return asked[0]
    kind = media_type.partition("/")[0]
    # An error is told in JSON to whoever asks for something else.
    if not accept.strip() or {media_type, f"{kind}/*", "*/*", JSON} & ranges:
        return media_type
    fault = Fault("accept", f"'{accept[:80]}' is not given here", "Accept", f"ask for {media_type}")
    raise Refusal(406, fault)


@lru_cache(256)
def version_asked_for(accept: str) -> str | None:
    """`v1` where `accept` names a version's type."""
    return next((found[1] for one in _ranges(accept) if (found := _VERSIONED.fullmatch(one))), None)


@lru_cache(256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether an answer may be compressed; what is given no weight is not taken."""
    return "gzip" in _ranges(accept_encoding)


def _ranges(accept: str) -> frozenset[str]:
    """The media ranges or codings of a header, but for those that it gives no weight."""
    parts = (part.partition(";") for part in accept.lower().split(","))
    return frozenset(
        one.strip() for one, _, rest in parts if not re.search(r"\bq=0(\.0*)?\s*(;|$)", rest) and one.strip()
    )


def version_headers(version: Version) -> tuple[tuple[str, str], ...]:
    """What every answer of a deprecated version says (RFC 9745, RFC 8594)."""
    headers = []
    if version.deprecated is not None:
        headers.append(("Deprecation", f"@{int(version.deprecated.timestamp())}"))
    if version.sunset is not None:
        headers.append(("Sunset", format_datetime(version.sunset.astimezone(UTC), usegmt=True)))
    if version.successor:
        headers.append(("Link", f'<{version.successor}>; rel="successor-version"'))
    return tuple(headers)
