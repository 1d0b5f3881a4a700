"""The little that edges ask of types: does this fit there, what is in this list, how is it written.

Types are those of annotations. `Any` is a hole: what is not known fits everywhere, and only what plainly
cannot fit is refused; values are never converted on their way.
"""

from __future__ import annotations

__all__ = [
    "MAXIMUM_TYPE_DEPTH",
    "MAXIMUM_TYPE_SIZE",
    "NOT_LISTS",
    "RecordType",
    "field_types",
    "fits",
    "is_collection",
    "is_list",
    "item_type",
    "list_of",
    "record_of",
    "type_text",
    "union_of",
    "words_of",
]

import functools
import operator
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from greenlang_core import DecimalColumn

#: Iterable, and yet one value.
_NOT_COLLECTIONS = (str, bytes, bytearray, Mapping)

#: Those, and what has its items in no order.
NOT_LISTS = (*_NOT_COLLECTIONS, set, frozenset)

#: Exact numbers that stand in for a wider kind in arithmetic, though they are no subclass of it.
_WIDER_NUMBERS: dict[type, tuple[type, ...]] = {int: (Decimal, Fraction, float), bool: ()}


#: A type that nests deeper, or is made of more types, is followed no further: a program of a few lines can
#: make one of any size, since each of its steps may hold what came before twice.
MAXIMUM_TYPE_DEPTH = 40
MAXIMUM_TYPE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class RecordType:
    """The type of the record that `branch` gives: its names are known, and what stands under each."""

    fields: tuple[tuple[str, Any], ...]
    #: How deep it nests, and of how many types it is made.
    depth: int
    size: int

    def __hash__(self) -> int:
        # Not that of the types inside, each of which would be hashed once for every place where it stands.
        return hash((self.size, *[name for name, _ in self.fields]))

    @property
    def plain(self) -> Any:
        """The same as annotations say it: `dict[str, ...]`."""
        values = union_of([kind for _, kind in self.fields])
        return dict if values is Any else types.GenericAlias(dict, (str, values))


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of type `given` may be of type `wanted`; True where that is not known."""
    try:
        return _fits(given, wanted)
    except TypeError:
        # Not a type that can be compared: a hole.
        return True


@functools.lru_cache(maxsize=4096)
def _fits(given: Any, wanted: Any) -> bool:
    given, wanted = _plain(given), _plain(wanted)
    if given is Any or wanted is Any or given == wanted:
        return True
    if _is_union(given):
        return any(_fits(member, wanted) for member in get_args(given))
    if _is_union(wanted):
        return any(_fits(given, member) for member in get_args(wanted))
    if isinstance(given, RecordType):
        return _record_fits(given, wanted)
    if get_origin(given) is Literal:
        return any(_literal_fits(value, wanted) for value in get_args(given))
    if get_origin(wanted) is Literal:
        return any(_fits(given, kind) for kind in _kinds(wanted))
    given_class, wanted_class = _class(given), _class(wanted)
    if given_class is None or wanted_class is None:
        return True
    if not _classes_fit(given_class, wanted_class):
        return False
    given_arguments, wanted_arguments = _items(given), _items(wanted)
    if len(given_arguments) != len(wanted_arguments):
        return True
    return all(_fits(a, b) for a, b in zip(given_arguments, wanted_arguments, strict=True))


def _record_fits(given: RecordType, wanted: Any) -> bool:
    if isinstance(wanted, RecordType):
        return True
    if not is_typeddict(wanted):
        return _fits(given.plain, wanted)
    names, declared = dict(given.fields), field_types(wanted)
    if not names.keys() <= declared.keys() or not wanted.__required_keys__ <= names.keys():
        return False
    return all(_fits(kind, declared[name]) for name, kind in given.fields)


@functools.cache
def field_types(record: Any) -> dict[str, Any]:
    """The types of a record type's fields; empty for annotations that only a type checker can read."""
    return {name: _required(kind) for name, kind in _hints(record).items()}


@functools.cache
def _hints(annotated: Any) -> dict[str, Any]:
    """The annotations of a class or a function."""
    try:
        return get_type_hints(annotated, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def _required(kind: Any) -> Any:
    """The type inside `Required[...]` and `NotRequired[...]`."""
    return get_args(kind)[0] if get_origin(kind) in {typing.Required, typing.NotRequired} else kind


def _literal_fits(value: object, wanted: Any) -> bool:
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    kind: Any = type(value)
    return _fits(kind, wanted)


def _kinds(literal: Any) -> list[Any]:
    """The types of the values that a `Literal` lists."""
    return [type(value) for value in get_args(literal)]


def _classes_fit(given: type, wanted: type) -> bool:
    if issubclass(given, wanted) or wanted in _WIDER_NUMBERS.get(given, ()):
        return True
    # An annotation names the least that is promised: what is given may turn out to be the narrower class.
    return issubclass(wanted, given) and not (given is int and wanted is bool)


def is_list(given: Any) -> bool:
    """Whether a value of this type may be a list or a table: something that is run through item by item."""
    return _has_items(given, NOT_LISTS)


def is_collection(given: Any) -> bool:
    """Whether a value of this type may have items, in whatever order."""
    return _has_items(given, _NOT_COLLECTIONS)


def _has_items(given: Any, others: tuple[type, ...]) -> bool:
    given = _plain(given)
    if given is Any:
        return True
    if _is_union(given):
        return any(_has_items(member, others) for member in get_args(given))
    given_class = _class(given)
    if given_class is None:
        return get_origin(given) is not Literal
    if given_class in {object, DecimalColumn}:
        return True
    return issubclass(given_class, Iterable) and not issubclass(given_class, others)


def item_type(given: Any) -> Any:
    """What the items of a collection are; `Any` where that is not known."""
    given = _plain(given)
    if _is_union(given):
        return union_of([item_type(member) for member in get_args(given) if is_collection(member)])
    if given is DecimalColumn:
        return Decimal
    items = _items(given) or _rows(given)
    return items[0] if len(items) == 1 and is_collection(given) else Any


def list_of(item: Any) -> Any:
    """The type of a list of such items."""
    return list if item is Any or not _is_within(_measure(item)) else list[item]


def record_of(names: Iterable[str], kinds: Iterable[Any]) -> Any:
    """The type of a record with values of these types under these names: a `RecordType`, or just `dict`."""
    fields = tuple(zip(names, kinds, strict=True))
    depth, size = _together([_measure(kind) for _, kind in fields])
    return RecordType(fields, depth, size) if _is_within((depth, size)) else dict


def _measure(kind: Any) -> tuple[int, int]:
    """How deep a type nests, and of how many types it is made."""
    if isinstance(kind, RecordType):
        return kind.depth, kind.size
    arguments = () if get_origin(kind) is Literal else get_args(kind)
    return _together([_measure(argument) for argument in arguments]) if arguments else (0, 1)


def _together(parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    depths, sizes = zip((0, 0), *parts, strict=True)
    return 1 + max(depths), 1 + sum(sizes)


def _is_within(measure: tuple[int, int]) -> bool:
    depth, size = measure
    return depth < MAXIMUM_TYPE_DEPTH and size < MAXIMUM_TYPE_SIZE


def union_of(members: Iterable[Any]) -> Any:
    """One type for values of several: `Any` if one of them is not known, or there are none."""
    distinct = list(dict.fromkeys(_annotated(member) for member in members))
    if len(distinct) == 1:
        return distinct[0]
    distinct = [member.plain if isinstance(member, RecordType) else member for member in distinct]
    if not distinct or any(member is Any for member in distinct):
        return Any
    try:
        return functools.reduce(operator.or_, distinct)
    except TypeError:
        # Annotations that are no types, such as strings: a hole.
        return Any


def type_text(given: Any) -> str:
    """A type as its annotation is written, without modules."""
    if given is Any:
        return "anything"
    if given is None or given is types.NoneType:
        return "None"
    if _is_union(given):
        return " | ".join(type_text(member) for member in get_args(given))
    origin, arguments = get_origin(given), get_args(given)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if isinstance(given, RecordType):
        return f"{{{', '.join(f'{name}: {type_text(kind)}' for name, kind in given.fields)}}}"
    name = getattr(origin or given, "__name__", None) or str(given)
    if arguments:
        return f"{name}[{', '.join('...' if part is Ellipsis else type_text(part) for part in arguments)}]"
    return str(name)


def _annotated(given: Any) -> Any:
    """A type with its annotations, but `Any` where it says nothing."""
    return given if get_origin(given) is Annotated else _plain(given)


def _plain(given: Any) -> Any:
    """Without `Annotated` and aliases; `Any` for what says nothing."""
    while True:
        origin = get_origin(given)
        if origin is Annotated:
            given = get_args(given)[0]
        elif isinstance(given, typing.NewType):
            given = given.__supertype__
        elif given is None:
            return types.NoneType
        elif isinstance(given, typing.TypeVar) or given is object:
            return Any
        else:
            return given


def _is_union(given: Any) -> bool:
    return get_origin(given) in {Union, types.UnionType}


def _class(given: Any) -> type | None:
    if isinstance(given, RecordType) or is_typeddict(given):
        return dict
    found = get_origin(given) or given
    return found if isinstance(found, type) else None


def _items(given: Any) -> tuple[Any, ...]:
    """The arguments that say what is inside: of `tuple[X, ...]` just X, of a mixed tuple nothing."""
    if isinstance(given, RecordType):
        return _items(given.plain)
    arguments = get_args(given)
    if _class(given) is tuple:
        return arguments[:1] if len(arguments) == 2 and arguments[1] is Ellipsis else ()
    return arguments


def _rows(given: Any) -> tuple[Any, ...]:
    """What a class without arguments, such as that of a table, says that it gives when it is run through."""
    return get_args(_hints(given.__iter__).get("return")) if hasattr(given, "__iter__") else ()


def words_of(wanted: Any) -> tuple[str, ...]:
    """The words that an option of this type takes: the strings of a `Literal` or an enumeration."""
    wanted = _plain(wanted)
    if _is_union(wanted):
        return tuple(word for member in get_args(wanted) for word in words_of(member))
    if get_origin(wanted) is Literal:
        return tuple(value for value in get_args(wanted) if isinstance(value, str))
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return tuple(member.value for member in wanted if isinstance(member.value, str))
    return ()
