"""Records, as GCEL sees them: mappings, and structs, dataclasses and named tuples by their fields."""

from __future__ import annotations

__all__ = ["NoFieldError", "field", "field_type", "fields"]

from collections.abc import Mapping
from typing import Any, get_args, get_origin, is_typeddict

from greenlang.agents.flows import declared_fields
from greenlang.errors import StepError, nearest
from greenlang.gcel.types import RecordType, field_types


class NoFieldError(StepError):
    """A record has no such field, or a value is no record at all."""


def field(record: object, name: str) -> Any:
    """One field of a record."""
    if isinstance(record, Mapping):
        try:
            return record[name]
        except KeyError:
            raise _no_field(name, map(str, record)) from None
    names = _names_of(record)
    if names is None:
        raise NoFieldError(
            f"a value of type {type(record).__name__} has no fields, and '{name}' is asked of it",
            fix="give a record",
        )
    if name not in names:
        raise _no_field(name, names)
    return getattr(record, name)


def fields(record: object) -> Mapping[Any, Any] | None:
    """All fields of a record by name; None for what is no record."""
    if isinstance(record, Mapping):
        return record
    names = _names_of(record)
    return None if names is None else {name: getattr(record, name) for name in names}


def field_type(record_type: Any, name: str) -> Any:
    """The type of a field; `Any` where it is not known, NoFieldError where there is none of this name."""
    if isinstance(record_type, RecordType):
        types = dict(record_type.fields)
        if name not in types:
            raise _no_field(name, types)
        return types[name]
    origin = get_origin(record_type) or record_type
    if not isinstance(origin, type):
        return Any
    if issubclass(origin, Mapping) and not is_typeddict(origin):
        arguments = get_args(record_type)
        return arguments[1] if len(arguments) == 2 else Any
    kind: Any = origin
    names = declared_fields(kind)
    if names is None:
        return Any
    if name not in names:
        raise _no_field(name, names)
    return field_types(kind).get(name, Any)


def _names_of(record: object) -> frozenset[str] | None:
    # `Any`, because mypy takes the hash of a class for that of its objects.
    kind: Any = type(record)
    return declared_fields(kind)


def _no_field(name: str, names: Any) -> NoFieldError:
    known = sorted(names)
    close = nearest(name, known)
    if close:
        fix = f"did you mean {' or '.join(close)}?"
    else:
        fix = f"the fields are {', '.join(known[:20])}" if known else "the record is empty"
    return NoFieldError(f"the record has no field '{name}'", fix=fix)
