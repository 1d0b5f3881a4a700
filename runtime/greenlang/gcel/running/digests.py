"""Digests of values, as they stand in caches and in what is told of a failure."""

from __future__ import annotations

__all__ = ["input_digest"]

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

#: A larger value has no digest: it would take longer than most steps.
MAXIMUM_PARTS = 100_000

_PLAIN = (str, int, bytes, bool, type(None), float, complex)


class _NoDigest(Exception):
    """The value holds something that only the process knows apart, or too much."""


def input_digest(value: Any) -> str | None:
    """The SHA-256 of a value: equal for values of the same types and parts, to the last trailing zero.

    None for a value with parts that have no text of their own (an open file, a generator), or with too many.
    """
    digest = hashlib.sha256()
    try:
        for _, part in zip(range(MAXIMUM_PARTS), _parts(value), strict=False):
            digest.update(f"{len(part)}:".encode())
            digest.update(part)
        else:
            if _ == MAXIMUM_PARTS - 1:
                return None
    except (_NoDigest, RecursionError):
        return None
    return digest.hexdigest()


def _parts(value: Any) -> Any:
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}".encode()
    if isinstance(value, str):
        yield value.encode(errors="surrogatepass")
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, _PLAIN) or kind.__module__ in {"decimal", "fractions", "datetime", "uuid", "enum"}:
        yield repr(value).encode()
    elif isinstance(value, Mapping):
        yield str(len(value)).encode()
        for name, item in value.items():
            yield from _parts(name)
            yield from _parts(item)
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for item in value:
            yield from _parts(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for each in dataclasses.fields(value):
            yield from _parts(getattr(value, each.name))
    elif hasattr(kind, "__struct_fields__"):
        for name in kind.__struct_fields__:
            yield from _parts(getattr(value, name))
    else:
        raise _NoDigest
