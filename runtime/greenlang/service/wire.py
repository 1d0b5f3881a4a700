"""A request and an answer, apart from the server: bytes, headers and an identity in, bytes out.

Every answer to a program is one envelope, `{"status", "data", "meta", "errors"}`.
"""

from __future__ import annotations

__all__ = [
    "JSON",
    "VERSIONED_JSON",
    "Call",
    "Refusal",
    "Reply",
    "Stream",
    "answer",
    "fault_of",
    "next_link",
    "refuse",
]

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from greenlang.agents.places import Diagnostic
from greenlang.engine.executions import now, time_text
from greenlang.errors import InputError
from greenlang.service.messages import Fault
from greenlang.service.roles import EVERYTHING, Permission

JSON = "application/json"
VERSIONED_JSON = "application/vnd.greenlang.v1+json"

#: Of the API, as `meta.version` tells it.
VERSION = "1.0"

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct):
    """One request."""

    method: str
    path: str
    request_id: str
    tenant: str = "default"
    #: What whoever asks may do; everything, where nobody has to say who they are.
    permissions: frozenset[Permission] = EVERYTHING
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}  #: names in lower case
    body: bytes = b""
    #: Gets the body where it has not arrived yet: asked once it is known that whoever sends it may.
    read: Callable[[], Awaitable[bytes]] | None = None
    #: Gives the body piece by piece instead, up to so many bytes.
    pieces: Callable[[int], AsyncGenerator[bytes, None]] | None = None
    #: The names in the certificate that its connection showed.
    peer: frozenset[str] = frozenset()
    #: What the path's template caught.
    names: Mapping[str, str] = {}
    #: The media type that is wanted of the answer, out of those that the operation gives.
    gives: str = JSON
    #: What it called, and the agent that gives the result; empty for none, or where it was refused before.
    operation: str = ""
    agent: str = ""
    #: Headers that whatever answer it gets carries: what is left of the tenant's allowance.
    said: tuple[tuple[str, str], ...] = ()


class Reply(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Stream(msgspec.Struct, frozen=True):
    """An answer that comes bit by bit."""

    content_type: str
    pieces: AsyncGenerator[bytes, None]
    headers: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """A request that is answered with an error; everything in it may be told."""

    def __init__(self, status: int, *faults: Fault, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status, faults)
        self.status = status
        self.faults = faults
        self.headers = tuple(headers)


class _Meta(msgspec.Struct, frozen=True):
    timestamp: str
    version: str
    request_id: str


class _Envelope(msgspec.Struct, frozen=True):
    status: str
    data: Any
    meta: _Meta
    errors: tuple[Fault, ...] = ()


def answer(
    call: Call, data: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """The envelope of what was asked for; 304 without one if the caller has it already."""
    if call.method not in ("GET", "HEAD"):
        return Reply(status, _encode(_Envelope("success", data, _meta(call))), JSON, headers)
    told = _encode(data)
    # Weak: `meta` is another each time.
    tag = f'W/"{hashlib.sha256(told).hexdigest()[:32]}"'
    headers = (*headers, ("ETag", tag))
    if status == 200 and _holds(call.headers.get("if-none-match", ""), tag):
        return Reply(304, b"", JSON, headers)
    return Reply(status, _encode(_Envelope("success", msgspec.Raw(told), _meta(call))), JSON, headers)


def _holds(tags: str, tag: str) -> bool:
    """Whether `If-None-Match` names a tag; strong and weak are the same to it (RFC 9110)."""
    return bool(tags) and any(one.strip() in ("*", tag, tag[2:]) for one in tags.split(","))


def next_link(call: Call, cursor: str) -> tuple[str, str]:
    """The header that leads to the next page of a list."""
    return "Link", f'<{call.path}?{urlencode({**call.query, "cursor": cursor})}>; rel="next"'


def refuse(call: Call, refusal: Refusal) -> Reply:
    """The envelope of an error."""
    envelope = _Envelope("error", None, _meta(call), refusal.faults)
    return Reply(refusal.status, _encode(envelope), JSON, refusal.headers)


def fault_of(error: InputError) -> list[Fault]:
    """What an error of the runtime is told as: each diagnostic of a program by itself."""
    told = [
        Fault("program", each.message, f"program:{each.line}:{each.column}", each.fix)
        for each in getattr(error, "diagnostics", ())
        if isinstance(each, Diagnostic)
    ]
    return told or [Fault("input", error.message, error.place, error.fix)]


def _meta(call: Call) -> _Meta:
    return _Meta(time_text(now()), VERSION, call.request_id)
