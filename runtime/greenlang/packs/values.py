"""Whether a value is what an annotation promises, and exact: asked of what agents give under the kit."""

from __future__ import annotations

__all__ = ["find_float", "holds_float", "value_fits"]

import dataclasses
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

#: Exact numbers that stand for a wider kind, as in the language.
_ALSO = {Decimal: (int,), Fraction: (int, Decimal)}

_INEXACT = (float, complex)

#: Items of a long list that are looked at.
_LOOKED_AT = 1000


def value_fits(value: object, kind: Any) -> bool:
    """Whether `value` is of the annotated type; True where the annotation cannot be asked."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or isinstance(kind, typing.TypeVar) or kind is object:
        return True
    if kind is None:
        return value is None
    if origin is Annotated:
        return value_fits(value, arguments[0])
    if origin in (Union, types.UnionType):
        return any(value_fits(value, member) for member in arguments)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if isinstance(kind, typing.NewType):
        return value_fits(value, kind.__supertype__)
    if is_typeddict(kind):
        return isinstance(value, dict) and _record_fits(value, kind)
    found = origin or kind
    if not isinstance(found, type):
        return True
    if isinstance(value, bool) and found in (int, *_ALSO):
        return False
    return isinstance(value, (found, *_ALSO.get(found, ()))) and _items_fit(value, found, arguments)


def _record_fits(value: dict[str, Any], kind: Any) -> bool:
    hints = get_type_hints(kind)
    return kind.__required_keys__ <= value.keys() <= hints.keys() and all(
        value_fits(item, hints[name]) for name, item in value.items()
    )


def _items_fit(value: object, found: type, arguments: tuple[Any, ...]) -> bool:
    if isinstance(value, Mapping) and len(arguments) == 2:
        return all(
            value_fits(key, arguments[0]) and value_fits(item, arguments[1]) for key, item in value.items()
        )
    if isinstance(value, tuple) and found is tuple and arguments and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(map(value_fits, value, arguments))
    if isinstance(value, list | tuple | set | frozenset) and arguments:
        return all(value_fits(item, arguments[0]) for item in list(value)[:_LOOKED_AT])
    return True


def find_float(value: object, place: str = "$", depth: int = 0) -> str | None:
    """Where in plain data a binary float stands, `$.total[2]`; None if nowhere."""
    if isinstance(value, _INEXACT):
        return place
    if depth > 20:
        return None
    parts: list[tuple[str, object]] = []
    if isinstance(value, Mapping):
        parts = [(f"{place}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{place}[{index}]", item) for index, item in enumerate(value[:_LOOKED_AT])]
    elif isinstance(value, msgspec.Struct):
        parts = [(f"{place}.{name}", getattr(value, name)) for name in value.__struct_fields__]
    elif dataclasses.is_dataclass(value):
        parts = [(f"{place}.{each.name}", getattr(value, each.name)) for each in dataclasses.fields(value)]
    return next((found for name, part in parts if (found := find_float(part, name, depth + 1))), None)


def holds_float(kind: Any) -> bool:
    """Whether an annotated type is a binary float or has one inside: in a list, a union, a record's field."""
    return _holds_float(kind, set())


def _holds_float(kind: Any, seen: set[Any]) -> bool:
    found = get_origin(kind) or kind
    if isinstance(found, type) and issubclass(found, _INEXACT):
        return True
    if any(_holds_float(part, seen) for part in get_args(kind) if isinstance(part, type) or get_origin(part)):
        return True
    is_record = dataclasses.is_dataclass(kind) or is_typeddict(kind)
    if not is_record and not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        return False
    if found in seen:
        return False
    seen.add(found)
    try:
        fields = get_type_hints(found)
    except (NameError, TypeError, AttributeError):
        return False
    return any(_holds_float(part, seen) for part in fields.values())
