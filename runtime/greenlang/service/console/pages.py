"""The files of the console, and what a browser may do with them."""

from __future__ import annotations

__all__ = ["Pages"]

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from greenlang import __version__
from greenlang.service.identity import AuthenticationSettings
from greenlang.service.routing import Route
from greenlang.service.wire import JSON, Call, Reply

#: Of the files that the page loads; the page itself is served with its policy, and nowhere else.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

#: Of every file: what it is, is what it says.
_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")


class Pages:
    """Serves the console.

    Parameters
    ----------
    authentication : AuthenticationSettings, optional
        How callers say who they are, for the page that asks them.
    """

    def __init__(self, authentication: AuthenticationSettings | None) -> None:
        #: What the page is told of how to sign in, as JSON; and what it may do.
        self.told = msgspec.json.encode(
            {"version": __version__, "authentication": authentication and _sign_in(authentication)}
        )
        self.policy = _policy(_origins(authentication))
        self._headers = (
            ("Content-Security-Policy", self.policy),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            _NO_SNIFFING,
        )

    def routes(self) -> list[Route]:
        """What is answered here: the page, its settings, and every file by its own path."""
        served = [
            Route(
                "GET", f"/console/{path}", self.file, "What the console loads", permission=None, gives="*/*"
            )
            for path in _paths()
        ]
        return [
            Route("GET", "/", self.page, "The console", permission=None, gives="text/html"),
            Route("GET", "/console/settings", self.settings, "How to sign in", permission=None),
            *served,
        ]

    async def page(self, call: Call) -> Reply:  # noqa: ARG002  the same for everyone
        """`GET /`."""
        body, _ = _file("index.html")
        headers = (*self._headers, ("Cache-Control", "no-cache"))
        return Reply(200, body, "text/html; charset=utf-8", headers)

    async def settings(self, call: Call) -> Reply:  # noqa: ARG002  the same for everyone
        """`GET /console/settings`."""
        return Reply(200, self.told, JSON, (("Cache-Control", "no-cache"), _NO_SNIFFING))

    async def file(self, call: Call) -> Reply:
        """`GET /console/…`; asked again each time, so that a new release is seen at once."""
        path = call.path.removeprefix("/console/")
        body, tag = _file(path)
        headers = (("Cache-Control", "no-cache"), ("ETag", tag), _NO_SNIFFING)
        if call.headers.get("if-none-match") == tag:
            return Reply(304, b"", headers=headers)
        media_type = _TYPES[path[path.rindex(".") :]]
        return Reply(200, body, f"{media_type}; charset=utf-8", headers)


def _sign_in(authentication: AuthenticationSettings) -> dict[str, Any]:
    """What the page has to know to have somebody sign in; none of it is secret."""
    told: dict[str, Any] = {"api_keys": authentication.api_keys, "oidc": None}
    if authentication.sign_in is not None and authentication.tokens is not None:
        told["oidc"] = {
            "issuer": authentication.tokens.issuer,
            **msgspec.to_builtins(authentication.sign_in),
        }
    return told


def _origins(authentication: AuthenticationSettings | None) -> list[str]:
    """Where the page asks for tokens."""
    if authentication is None or authentication.sign_in is None or authentication.tokens is None:
        return []
    urls = map(urlsplit, (authentication.tokens.issuer, authentication.sign_in.token_url or ""))
    return sorted({f"{url.scheme}://{url.netloc}" for url in urls if url.netloc})


def _policy(origins: list[str]) -> str:
    """What the page may do; `origins` are those that it asks for tokens."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            " ".join(("connect-src 'self'", *origins)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


@cache
def _folder() -> Traversable:
    return files("greenlang.service").joinpath("static").joinpath("console")


@cache
def _paths() -> tuple[str, ...]:
    """Every file that pages load, by its path in the folder."""
    return tuple(sorted(path for path in _walk(_folder(), "") if path[path.rfind(".") :] in _TYPES))


def _walk(folder: Traversable, way: str) -> Iterator[str]:
    for entry in folder.iterdir():
        path = f"{way}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        else:
            yield path


@cache
def _file(path: str) -> tuple[bytes, str]:
    """A file and its tag."""
    body = _folder().joinpath(*path.split("/")).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
