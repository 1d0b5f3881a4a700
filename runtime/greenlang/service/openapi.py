"""The API as an OpenAPI 3.1 document, made of the route table and the types of messages."""

from __future__ import annotations

__all__ = ["openapi_document"]

import http
from collections.abc import Sequence
from typing import Any

import msgspec

from greenlang import __version__
from greenlang.service.messages import Fault
from greenlang.service.routing import Route

_REFERENCE = "#/components/schemas/{name}"

#: What any operation may answer.
_COMMON = (400, 404, 405, 413, 500, 503)

#: What one with a body may answer besides.
_WITH_BODY = (415, 422)


def openapi_document(routes: Sequence[Route]) -> bytes:
    """The document, as JSON."""
    types: set[type[msgspec.Struct]] = {Fault}
    for route in routes:
        types.update(kind for kind in (route.request, route.data) if kind is not None)
    names = {kind.__name__: kind for kind in types}
    schemas, components = msgspec.json.schema_components(names.values(), ref_template=_REFERENCE)
    named = dict(zip(names, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, named)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "GreenLang runtime",
            "version": __version__,
            "summary": "Emissions, exact and with proof.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
    return msgspec.json.encode(document)


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    name = route.template.replace("{id}", "one").strip("/").replace("/", "_").replace(".", "_")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{name}",
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {},
    }
    if route.request is not None:
        schema = schemas[route.request.__name__]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    statuses = {*route.statuses, *_COMMON, *(_WITH_BODY if route.request is not None else ())}
    for status in sorted(statuses):
        data = schemas[route.data.__name__] if route.data is not None and status in (200, 202, 503) else {}
        operation["responses"][str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": _envelope(data) if route.data is not None else {}}},
        }
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string"}
    named = (
        [{"name": "id", "in": "path", "required": True, "schema": text}] if "{id}" in route.template else []
    )
    asked = [{"name": name, "in": "query", "required": False, "schema": text} for name in route.query]
    key = [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": text}]
    return [*named, *asked, *(key if route.template.endswith("/execute") else [])]


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["status", "data", "meta", "errors"],
        "properties": {
            "status": {"enum": ["success", "error"]},
            "data": {"anyOf": [data, {}, {"type": "null"}]} if data else {},
            "meta": {
                "type": "object",
                "required": ["timestamp", "version", "request_id"],
                "properties": {"timestamp": text, "version": text, "request_id": text},
            },
            "errors": {"type": "array", "items": {"$ref": _REFERENCE.format(name="Fault")}},
        },
    }
