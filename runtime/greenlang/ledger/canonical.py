"""One value, one sequence of bytes: the JSON that hashes cover.

The rules: object keys are sorted by code point (which is also the order of their UTF-8 bytes), there is no
space between tokens, text is UTF-8 and is escaped only where JSON demands it, integers are numbers, and
decimals are strings without exponent or trailing zeros (`exact.canonical_text`).  Structs and dataclasses
are objects of their fields, dates are ISO 8601 and an aware time is told in UTC.  A float has no exact text
and is refused, as is anything whose text would depend on the machine.

What most values consist of is written by `greenlang_core.canonical`, twenty times as fast; the rest, and
every error, is from here.
"""

from __future__ import annotations

__all__ = ["JSON", "canonical_bytes", "digest", "digest_of_bytes", "encode_plain", "plain"]

import hashlib
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from greenlang.errors import InputError, QuantityError
from greenlang.exact import canonical_text
from greenlang_core.canonical import encode

#: What `plain` gives: the values that JSON has, without floats.
JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"

#: Nesting past this is a cycle or an attack, and would end in a RecursionError further down.
MAX_DEPTH = 200

#: A decimal whose digits written out would be longer than this is refused before they fill the memory.
MAX_DECIMAL_DIGITS = 10_000

#: The way from the root to a value, as nested pairs (way to the parent, key): cheap to extend, rarely read.
_Way: TypeAlias = "tuple[_Way, str | int] | None"

#: What `_field_names` found, by type: asking a type costs far more than reading its fields.
_FIELD_NAMES: dict[type[Any], tuple[tuple[str, str], ...]] = {}

#: Types whose values are plain as they are; a subclass may be more, such as an enum.
_PLAIN = frozenset((str, int, bool, type(None)))

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_bytes(value: object) -> bytes:
    """The canonical JSON of `value`.

    Raises
    ------
    QuantityError
        For floats, NaN and infinities, with the place and what to give instead.
    InputError
        For values that have no canonical form: sets, bytes, keys that are no strings, lone surrogates.
    """
    written = encode(value)
    return encode_plain(plain(value)) if written is None else written


def digest(value: object) -> str:
    """`sha256:` and the hex SHA-256 of the canonical JSON of `value`."""
    return digest_of_bytes(canonical_bytes(value))


def digest_of_bytes(data: bytes) -> str:
    """`sha256:` and the hex SHA-256 of `data` itself."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encode_plain(value: object) -> bytes:
    """The canonical JSON of a value that is `plain` already."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise InputError(
            f"a text holds {error.object[error.start]!a}, which is no character",
            fix="read the file in the encoding it was written in",
        ) from error


def plain(value: object) -> JSON:
    """`value` as the JSON it is hashed as: decimals and dates are strings, structs are objects."""
    return _plain(value, None, 0)


def _plain(value: Any, way: _Way, depth: int) -> JSON:
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]  # it is of one of these types
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Decimal | float):
        return _number_text(value, way)
    if depth == MAX_DEPTH:
        raise InputError(f"values are nested deeper than {MAX_DEPTH}", place=_place(way)[:200])
    if isinstance(value, Mapping):
        return _plain_object(value, way, depth)
    if isinstance(value, list | tuple):
        return [_plain(item, (way, index), depth + 1) for index, item in enumerate(value)]
    if isinstance(value, datetime):
        return _time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    names = _field_names(type(value))
    if names is not None:
        return _plain_fields(value, names, way, depth)
    raise InputError(
        f"a value of type {type(value).__name__} has no canonical form",
        fix="give text, integers, decimals, dates, lists, objects, structs or dataclasses",
        place=_place(way),
    )


def _number_text(value: Decimal | float, way: _Way) -> str:
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > MAX_DECIMAL_DIGITS:
        fix = "give a number of a more usual size"
        raise QuantityError(f"{value} is out of range", fix=fix, place=_place(way))
    try:
        return canonical_text(value)  # type: ignore[arg-type]  # of a float it says what to write instead
    except QuantityError as error:
        raise error.at(_place(way)) from None


def _time_text(value: datetime) -> str:
    """One instant, one text; a time without zone names no instant and stays as it is."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _plain_object(value: Mapping[Any, object], way: _Way, depth: int) -> dict[str, JSON]:
    plain_object: dict[str, JSON] = {}
    for key, item in value.items():
        if isinstance(key, Enum):
            key = key.value
        if not isinstance(key, str):
            raise InputError(
                f"{key!r} is of type {type(key).__name__} and cannot be a key",
                fix="give keys that are strings",
                place=_place(way),
            )
        plain_object[str(key)] = _plain(item, (way, key), depth + 1)
    return plain_object


def _plain_fields(value: Any, names: tuple[tuple[str, str], ...], way: _Way, depth: int) -> dict[str, JSON]:
    plain_object: dict[str, JSON] = {}
    config = getattr(type(value), "__struct_config__", None)
    if config is not None and config.tag_field is not None:
        plain_object[config.tag_field] = config.tag
    for name, written_name in names:
        item = getattr(value, name)
        if item is not msgspec.UNSET:
            plain_object[written_name] = _plain(item, (way, written_name), depth + 1)
    return plain_object


def _field_names(kind: type[Any]) -> tuple[tuple[str, str], ...] | None:
    """(attribute, name in JSON) of each field of a struct or dataclass type; None for other types."""
    names = _FIELD_NAMES.get(kind)
    if names is None:
        if issubclass(kind, msgspec.Struct):
            names = tuple((field.name, field.encode_name) for field in msgspec.structs.fields(kind))
        elif is_dataclass(kind):
            names = tuple((field.name, field.name) for field in dataclass_fields(kind))
        else:
            return None
        _FIELD_NAMES[kind] = names
    return names


def _place(way: _Way) -> str:
    """`$.factors[3].value`."""
    keys: list[str] = []
    while way is not None:
        way, key = way
        keys.append(f"[{key}]" if isinstance(key, int) else f".{key}")
    return "$" + "".join(reversed(keys))
