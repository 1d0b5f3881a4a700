"""What the service tells of itself: the API as an OpenAPI document, and a page that shows it.

The page and all that it loads come from `static/`: it works where nothing outside can be reached.
"""

from __future__ import annotations

__all__ = ["Documents"]

from collections.abc import Sequence
from importlib.resources import files

from greenlang.service.openapi import openapi_document
from greenlang.service.operations.told import unknown
from greenlang.service.routing import Route
from greenlang.service.wire import JSON, Call, Reply

#: What the page may load; Swagger UI sets styles of elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: The files under /docs/, and what they are.
_FILES = {
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "docs.js": ("docs.js", "text/javascript"),
}


class Documents:
    """The document of operations, and its page.

    Parameters
    ----------
    operations : sequence of Route
        What the document describes.
    authenticated : bool
        Whether callers must say who they are.
    """

    def __init__(self, operations: Sequence[Route], *, authenticated: bool) -> None:
        self._document = openapi_document(operations, authenticated=authenticated)

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route("GET", "/openapi.json", self.openapi, "This API, as OpenAPI 3.1", permission=None),
            Route("GET", "/docs", self.page, "This API, as a page", permission=None, gives="text/html"),
            Route("GET", "/docs/{id}", self.file, "What the page loads", permission=None, gives="*/*"),
        ]

    async def openapi(self, call: Call) -> Reply:  # noqa: ARG002  the same for everyone
        """`GET /openapi.json`."""
        return Reply(200, self._document, JSON)

    async def page(self, call: Call) -> Reply:  # noqa: ARG002  the same for everyone
        """`GET /docs`."""
        headers = (("Content-Security-Policy", _POLICY), ("X-Content-Type-Options", "nosniff"))
        return Reply(200, _static("docs.html"), "text/html; charset=utf-8", headers)

    async def file(self, call: Call) -> Reply:
        """`GET /docs/{id}`."""
        name = call.names["id"]
        if name not in _FILES:
            raise unknown("file", name)
        path, media_type = _FILES[name]
        headers = (("Cache-Control", "public, max-age=86400"), ("X-Content-Type-Options", "nosniff"))
        return Reply(200, _static(path), f"{media_type}; charset=utf-8", headers)


def _static(path: str) -> bytes:
    return files("greenlang.service").joinpath("static").joinpath(path).read_bytes()
