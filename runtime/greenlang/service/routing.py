"""Routes: which function answers which method and path, and what goes in and out, for the API's schema."""

from __future__ import annotations

__all__ = ["Route", "Router"]

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from greenlang.service.messages import Fault
from greenlang.service.wire import Call, Refusal, Reply

Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API."""

    method: str
    #: `/v1/executions/{id}`: a name in braces catches one segment.
    template: str
    handler: Handler
    summary: str
    #: The type of its body and of its `data`; None for none.
    request: type[msgspec.Struct] | None = None
    data: type[msgspec.Struct] | None = None
    #: Statuses it answers with besides those that any request may meet.
    statuses: tuple[int, ...] = (200,)
    #: Names of its query parameters.
    query: tuple[str, ...] = ()


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

    def find(self, call: Call) -> Route:
        """The route of a call, which is given the names that the path caught.

        Raises
        ------
        Refusal
            404 if there is no such path, 405 if it does not take the method.
        """
        methods = self._exact.get(call.path)
        if methods is None:
            methods = self._match(call)
        if methods is None:
            raise Refusal(
                404,
                Fault(
                    "not_found", f"there is no {call.path[:200]}", "path", "/openapi.json lists every path"
                ),
            )
        route = methods.get(call.method)
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Refusal(
                405,
                Fault("method", f"{call.method} is not taken here", "method", f"use {allowed}"),
                headers=[("Allow", allowed)],
            )
        return route

    def _match(self, call: Call) -> dict[str, Route] | None:
        segments = call.path.split("/")
        for template, methods in self._templates.get(len(segments), ()):
            names = {}
            for wanted, given in zip(template, segments, strict=True):
                if wanted.startswith("{") and given:
                    names[wanted[1:-1]] = given
                elif wanted != given:
                    break
            else:
                call.names = names
                return methods
        return None
