"""Secrets in texts and documents, taken out before they are logged or told to whoever traces.

What is secret is told by its name (`password`, `Authorization`), by its place (a URL's password) or by its
form (our API keys, JWTs, private keys). Every pattern is read in one pass, whatever the text.
"""

from __future__ import annotations

__all__ = ["REDACTED", "plain", "redact"]

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

REDACTED = "[redacted]"

_WORDS = (
    r"pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?"
    r"|credentials?|signature|authorization|cookie"
)

#: A name that one of the words is a part of, however it is put together; `tokens_used` is none.
_SECRET_NAME = re.compile(rf"(?i)(?:^|[^a-z])(?:{_WORDS})$|(?:password|secret|api_?key|accesstoken)$")

_PATTERNS = (
    # -----BEGIN PRIVATE KEY-----, to its end or to that of the text.
    (re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?:(?!-----END)[\s\S])*(?:-----END[^\n]*)?"), REDACTED),
    # scheme://user:password@host, and scheme://token@host.
    (re.compile(r"(://[^\s/:@?#\"'<>]{0,256}:)[^\s/?#\"'<>]*@"), rf"\1{REDACTED}@"),
    (re.compile(r"(://)[^\s/:@?#\"'<>]{16,256}@"), rf"\1{REDACTED}@"),
    # Authorization: Bearer …, also without the name.
    (re.compile(r"(?i)\b(bearer|basic|apikey)(\s{1,4})[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)(authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?)(?!\s*(?:bearer|basic|apikey)\b)[^\s\"',;]+"),
     rf"\1{REDACTED}"),
    # gl_<id>_<secret>: the id is no secret, and tells which key it was.
    (re.compile(r"(gl_[0-9a-f]{16}_)[0-9A-Za-z_-]+"), rf"\1{REDACTED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), REDACTED),
    (re.compile(r"whsec_[A-Za-z0-9+/=]+"), f"whsec_{REDACTED}"),
    # password=…, "api_key": "…", ?token=…
    (re.compile(rf"(?i)((?:{_WORDS})[\"']?\s{{0,4}}[:=]\s{{0,4}}(?:b?\"|b?')?)(?!\[redacted\])(?!bearer\b|basic\b)"
                r"[^\s\"',;&}\])]+"), rf"\1{REDACTED}"),
)  # fmt: skip

#: Of a text, and of what a document holds; what is beyond is left out.
_LONGEST = 16_384
_MOST_ITEMS = 200
_DEEPEST = 6


def redact(text: str) -> str:
    """A text without its secrets, and without what is beyond a length that a log may hold."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def plain(value: object, depth: int = 0) -> object:
    """A value as JSON can have it, without its secrets: whatever it is, this gives something."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _encodable(redact(value))
    if isinstance(value, Decimal):
        return str(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(plain(str(name))): REDACTED if _SECRET_NAME.search(str(name)) else plain(each, depth + 1)
            for name, each in _first(value.items())
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each, depth + 1) for each in _first(value)]
    return _encodable(redact(text_of(value)))


def text_of(value: object) -> str:
    """The text of an object; of one that has none, its type."""
    try:
        return str(value)
    except Exception:  # what is logged may be what is broken
        return f"<{type(value).__name__} without a text>"


def _first(items: Iterable[T]) -> Iterator[T]:
    return islice(items, _MOST_ITEMS)


def _encodable(text: str) -> str:
    """The text with halves of characters, which UTF-8 has none of, written out."""
    return text.encode("utf-8", "backslashreplace").decode()
