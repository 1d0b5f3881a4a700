"""The API as an OpenAPI 3.1 document, made of the route table and the types of messages."""

from __future__ import annotations

__all__ = ["openapi_document"]

import http
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from greenlang import __version__
from greenlang.service.messages import Fault
from greenlang.service.routing import Route
from greenlang.service.wire import JSON, VERSIONED_JSON

_REFERENCE = "#/components/schemas/{name}"
_TEXT = {"type": "string"}

#: Of every envelope.
_META = {
    "type": "object",
    "required": ["timestamp", "version", "request_id"],
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "version": _TEXT,
        "request_id": _TEXT,
    },
}

#: What comes bit by bit is described by its bits, as server-sent events are read.
_EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {"id": _TEXT, "event": _TEXT, "data": _TEXT},
}

#: Statuses that any operation may refuse with.
_COMMON = (400, 404, 405, 406, 408, 413, 500, 503)

#: How callers say who they are, and how it is refused.
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A JSON Web Token, or an API key."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_GUARDED = {401, 403}

#: What is over its tenant's limit.
_LIMITED = {429}

#: What one with a body may refuse with besides.
_WITH_BODY = (415, 422)


def openapi_document(routes: Sequence[Route], *, authenticated: bool = False) -> bytes:
    """The document, as JSON; `authenticated` where callers must say who they are."""
    types: set[type[msgspec.Struct]] = {Fault, *(kind for route in routes for kind in _types(route))}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    named = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(
            route, named, components, authenticated
        )
    # Their fields stand in the operations, and nothing else refers to them.
    for query in {route.query for route in routes if route.query is not None}:
        del components[_name(named[query])]
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "GreenLang runtime",
            "version": __version__,
            "summary": "Emissions, exact and with proof.",
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Meta": _META, "Refusal": _envelope([])},
            **({"securitySchemes": _SCHEMES} if authenticated else {}),
        },
    }
    return msgspec.json.encode(document)


def _name(reference: dict[str, Any]) -> str:
    """Of the component that a schema refers to."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _types(route: Route) -> Iterator[type[msgspec.Struct]]:
    for kind in (route.request, route.query, *route.other_requests):
        if kind is not None:
            yield kind
    for kinds in route.answers.values():
        yield from kinds


def _operation(
    route: Route, named: dict[Any, Any], components: dict[str, Any], authenticated: bool
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_parameters(route, named, components)],
        "responses": {},
    }
    if route.request is not None:
        forms = [named[route.request], *(named[kind] for kind in route.other_requests)]
        content: dict[str, Any] = {"schema": {"anyOf": forms} if route.other_requests else forms[0]}
        if route.examples:
            content["examples"] = {
                re.sub(r"\W+", "-", title): {"summary": title, "value": value}
                for title, value in route.examples.items()
            }
        others = {other: {"schema": _TEXT} for other in route.other_types}
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: content, VERSIONED_JSON: content, **others},
        }
    responses = operation["responses"]
    for status, kinds in route.answers.items():
        responses[str(status)] = _response(status, route, [named[kind] for kind in kinds])
    refusals = {*route.refusals, *_COMMON, *(_WITH_BODY if route.request is not None else ())}
    if route.permission is not None:
        refusals |= _LIMITED
    if authenticated and route.permission is not None:
        operation["security"] = [{scheme: []} for scheme in _SCHEMES]
        refusals |= _GUARDED
    for status in sorted(refusals - set(route.answers)):
        responses[str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {JSON: {"schema": {"$ref": _REFERENCE.format(name="Refusal")}}},
        }
    if route.method == "GET" and route.gives == JSON:
        responses["304"] = {"description": http.HTTPStatus.NOT_MODIFIED.phrase}
    return operation


def _response(status: int, route: Route, data: list[dict[str, Any]]) -> dict[str, Any]:
    if route.gives == JSON:
        schema = {"schema": _envelope(data)}
        given = {JSON: schema, VERSIONED_JSON: schema}
    else:
        given = {route.gives: {"schema": _EVENT if route.gives == "text/event-stream" else _TEXT}}
    others = {other: {"schema": _TEXT} for other in route.other_gives}
    return {"description": http.HTTPStatus(status).phrase, "content": {**given, **others}}


def _parameters(route: Route, named: dict[Any, Any], components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.template):
        yield {"name": name, "in": "path", "required": True, "schema": _TEXT}
    if route.query is not None:
        for field, schema in components[_name(named[route.query])]["properties"].items():
            shown = {"name": field, "in": "query", "required": False, "schema": schema}
            yield {**shown, "style": "form", "explode": False} if schema.get("type") == "array" else shown
    for header in route.headers:
        schema = {"type": "string", "pattern": header.pattern}
        described = {"name": header.name, "in": "header", "required": False}
        yield {**described, "description": header.summary, "schema": schema}


def _envelope(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status", "data", "meta", "errors"],
        "properties": {
            "status": {"enum": ["success" if data else "error"]},
            "data": ({"anyOf": data} if len(data) > 1 else data[0]) if data else {"type": "null"},
            "meta": {"$ref": _REFERENCE.format(name="Meta")},
            "errors": {"type": "array", "items": {"$ref": _REFERENCE.format(name=Fault.__name__)}},
        },
    }
