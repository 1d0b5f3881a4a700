"""What steps gave, as bytes and back: identical in type and in every digit, or refused.

JSON, in which what JSON has no form for is an object with one member, its kind: `{"Decimal": "1.50"}`. A
class is named with its module, which a reader does not import: whoever runs the plan has it loaded, or has no
use for the value. Nothing of a file is ever executed.
"""

from __future__ import annotations

__all__ = ["UnstorableError", "read_value", "write_value"]

import base64
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from greenlang.gcel.running.digests import fields_of, input_digest

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


class UnstorableError(Exception):
    """A value that would not come back as it was; the message says which, in a few words."""


def write_value(value: object) -> bytes:
    """A value as JSON on one line.

    Raises
    ------
    UnstorableError
        If `read_value` would not give it back identical.
    """
    try:
        made = _plain(value)
        content = _ENCODER.encode(made)
    except RecursionError:
        raise UnstorableError("it is nested too deep, or holds itself") from None
    except UnicodeEncodeError:
        raise UnstorableError("it holds text that is no UTF-8") from None
    if _has_objects(value) and input_digest(read_value(content)) != input_digest(value):
        raise UnstorableError(f"a {type(value).__name__} does not come back from its fields as it was")
    return content


def read_value(content: bytes | msgspec.Raw) -> Any:
    """The value that `write_value` wrote.

    Raises
    ------
    UnstorableError
        If a class that it names is not loaded here, or is another by now.
    """
    try:
        return _value(_DECODER.decode(content))
    except UnstorableError:
        raise
    except Exception as error:
        # A class may refuse, with whatever it likes, what an earlier version of it was made of.
        raise UnstorableError(f"it cannot be made again: {type(error).__name__}: {error}") from error


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in {bool, str}:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else {"int": str(value)}
    if kind is float:
        return value if isfinite(value) else {"float": repr(value)}
    if kind is list:
        return [_plain(item) for item in value]
    if kind is dict:
        return {"dict": [[_plain(name), _plain(item)] for name, item in value.items()]}
    if kind in _COLLECTIONS:
        return {kind.__name__: [_plain(item) for item in value]}
    if kind in _TEXTS:
        return {kind.__name__: _text(value)}
    if isinstance(value, Enum):
        return {"enum": [*_name_of(kind), value.name]}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return {"named_tuple": [*_name_of(kind), [_plain(item) for item in value]]}
    names = fields_of(kind)
    if names is None or getattr(value, "__dict__", {}).keys() - set(names):
        raise UnstorableError(f"a {kind.__name__} has no form that can be read back")
    return {"object": [*_name_of(kind), [_plain(getattr(value, name)) for name in names]]}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return f"{value.days} {value.seconds} {value.microseconds}"
    if not isinstance(value, date | time):
        return str(value)
    text = value.isoformat()
    if repr(_TEXTS[type(value)](text)) != repr(value):
        raise UnstorableError("its text leaves out its fold, or the name of its time zone")
    return text


_COLLECTIONS: Mapping[type, Callable[[Any], Any]] = {tuple: tuple, set: set, frozenset: frozenset}

_TEXTS: Mapping[type, Callable[[str], Any]] = {
    Decimal: Decimal,
    Fraction: Fraction,
    UUID: UUID,
    bytes: base64.b64decode,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda text: timedelta(*map(int, text.split())),
}

_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    **{kind.__name__: make for kind, make in _TEXTS.items()},
    "int": int,
    "float": float,
}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind in _MAKERS:
        return _MAKERS[kind](content)
    if kind == "dict":
        return {_value(name): _value(item) for name, item in content}
    for collection, make in _COLLECTIONS.items():
        if kind == collection.__name__:
            return make(_value(item) for item in content)
    module, name, parts = content
    found = _class_of(module, name)
    if kind == "enum":
        return found[parts]
    values = [_value(part) for part in parts]
    if kind == "named_tuple":
        return found._make(values)
    return _object(found, values)


def _object(kind: Any, values: list[Any]) -> Any:
    names = fields_of(kind) or ()
    if hasattr(kind, "__struct_fields__"):
        return kind(**dict(zip(names, values, strict=True)))
    made = object.__new__(kind)
    for name, value in zip(names, values, strict=True):
        # Past what a frozen class refuses and an `__init__` would change.
        object.__setattr__(made, name, value)
    return made


def _has_objects(value: Any) -> bool:
    """Whether a value holds what a class makes, and so may make otherwise."""
    if isinstance(value, dict):
        return any(_has_objects(name) or _has_objects(item) for name, item in value.items())
    if type(value) in {list, tuple, set, frozenset}:
        return any(_has_objects(item) for item in value)
    return not (value is None or type(value) in {bool, int, float, str} or type(value) in _TEXTS)


def _name_of(kind: type) -> tuple[str, str]:
    if _found(kind.__module__, kind.__qualname__) is not kind:
        raise UnstorableError(f"the class {kind.__qualname__} does not stand at the top of its module")
    return kind.__module__, kind.__qualname__


def _class_of(module: str, name: str) -> Any:
    found = _found(module, name)
    if not isinstance(found, type):
        raise UnstorableError(f"the class {module}.{name} is not here any more")
    return found


def _found(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
