"""Digests of values, as they stand in caches and in what is told of a failure."""

from __future__ import annotations

__all__ = ["fields_of", "input_digest"]

import dataclasses
import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import Any

#: A larger value has no digest: it would take longer than most steps.
MAXIMUM_PARTS = 100_000

#: By its name, because importing it loads NumPy, which most plans do without.
_QUANTITY = "greenlang.carbon.units.quantity.Quantity"

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
    except Exception:  # a value may be of any class, and its code may raise anything
        return None
    return digest.hexdigest()


def _parts(value: Any) -> Any:
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}".encode()
    if isinstance(value, Enum):
        yield value.name.encode()
    elif isinstance(value, str):
        yield value.encode(errors="surrogatepass")
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, _PLAIN) or kind.__module__ in {"decimal", "fractions", "datetime", "uuid"}:
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
    elif isinstance(value, set | frozenset):
        yield str(len(value)).encode()
        yield from sorted([_digest(item).digest() for item in value])
    elif (names := fields_of(kind)) is not None:
        for name in names:
            yield from _parts(getattr(value, name))
    else:
        raise _NoDigest


def _digest(value: Any) -> Any:
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest


def fields_of(kind: type[Any]) -> tuple[str, ...] | None:
    """The fields that objects of a class are made of; None for what is no struct, dataclass or quantity."""
    if dataclasses.is_dataclass(kind):
        return tuple([each.name for each in dataclasses.fields(kind)])
    if f"{kind.__module__}.{kind.__qualname__}" == _QUANTITY:
        return ("_number", "_unit")
    fields: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
    return fields
