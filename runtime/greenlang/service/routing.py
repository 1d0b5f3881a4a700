"""Routes: which function answers which method and path, and what goes in and out, for the API's schema."""

from __future__ import annotations

__all__ = ["IDEMPOTENCY_KEY", "LAST_EVENT_ID", "Header", "Route", "Router"]

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from greenlang.service.messages import Fault
from greenlang.service.roles import Permission
from greenlang.service.wire import JSON, Call, Refusal, Reply, Stream

Handler = Callable[[Call], Awaitable[Reply | Stream]]


@dataclass(frozen=True, slots=True)
class Header:
    """A header that an operation reads."""

    name: str
    summary: str
    #: What it has to match, and how that is told to whoever sent something else.
    pattern: str
    rule: str


IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "The same key and body give the same execution, however often they are sent.",
    r"^[!-~]{1,200}$",
    "1 to 200 characters of ASCII without spaces",
)
LAST_EVENT_ID = Header("Last-Event-ID", "Go on after this event.", r"^[0-9]{1,18}$", "the number of an event")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API."""

    method: str
    #: `/v1/executions/{id}`: a name in braces catches one segment.
    template: str
    handler: Handler
    summary: str
    #: The types of its body and of its query parameters; None for none.
    request: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    #: Further types that its body in JSON may have, and media types that it takes besides JSON.
    other_requests: tuple[Any, ...] = ()
    other_types: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    #: The types that its `data` may have, by status; what is no JSON has none.
    answers: Mapping[int, tuple[type[msgspec.Struct], ...]] = field(default_factory=lambda: {200: ()})
    #: Statuses that refuse, besides those that any operation may answer with.
    refusals: tuple[int, ...] = ()
    #: What whoever asks must be allowed to do; None for what anybody may ask.
    permission: Permission | None = Permission.RUN
    #: The media type of what it gives when all is well.
    gives: str = JSON
    #: What it gives instead, where that is asked for.
    other_gives: tuple[str, ...] = ()
    #: Bodies that show how it is used, by what they show.
    examples: Mapping[str, Any] = field(default_factory=dict)
    #: Whether it takes the body piece by piece (`Call.pieces`), as one that is larger than memory.
    streams: bool = False
    #: What it is called in the document and in limits; as its handler, unless that serves several.
    name: str = ""

    @property
    def operation(self) -> str:
        """Its id among all operations."""
        return self.name or self.handler.__name__


class Router:
    """Finds routes: by one look in a table where the path has no name in it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._templates: dict[int, list[tuple[list[str], dict[str, Route]]]] = {}
        named: dict[str, dict[str, Route]] = {}
        for route in routes:
            table = named if "{" in route.template else self._exact
            table.setdefault(route.template, {})[route.method] = route
        for template, methods in named.items():
            segments = template.split("/")
            self._templates.setdefault(len(segments), []).append((segments, methods))

    def knows(self, path: str) -> bool:
        """Whether any method is taken at a path."""
        return path in self._exact or self._match(path) is not None

    def find(self, call: Call) -> Route:
        """The route of a call, which is given the names that the path caught.

        Raises
        ------
        Refusal
            404 if there is no such path, 405 if it does not take the method.
        """
        methods = self._exact.get(call.path)
        if methods is None:
            matched = self._match(call.path)
            if matched is None:
                message = f"there is no {call.path[:200]}"
                raise Refusal(404, Fault("not_found", message, "path", "/openapi.json lists every path"))
            methods, call.names = matched
        # What answers GET answers HEAD; the server leaves the body away.
        route = methods.get("GET" if call.method == "HEAD" else call.method)
        if route is None:
            allowed = ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
            raise Refusal(
                405,
                Fault("method", f"{call.method} is not taken here", "method", f"use {allowed}"),
                headers=[("Allow", allowed)],
            )
        return route

    def _match(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The methods of a path with names in it, and the names that it caught."""
        segments = path.split("/")
        for template, methods in self._templates.get(len(segments), ()):
            names = {}
            for wanted, given in zip(template, segments, strict=True):
                if wanted.startswith("{") and given:
                    names[wanted[1:-1]] = given
                elif wanted != given:
                    break
            else:
                return methods, names
        return None
