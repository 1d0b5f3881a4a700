"""The steps that come with the language: what each does, what options it takes, what type it gives.

They are plain functions of one value. What a value cannot be used for is a `StepError`; sums and means are
exact or refused, as everywhere.
"""

from __future__ import annotations

__all__ = [
    "AS_LIST",
    "BUILTINS",
    "COLUMN_READERS",
    "LIST_READERS",
    "Builtin",
    "MisfitError",
    "as_items",
    "one_by_one",
]

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from types import GenericAlias
from typing import Any

from greenlang.agents.contract import Option
from greenlang.errors import StepError, clipped
from greenlang.exact import divide
from greenlang.gcel.records import NoFieldError, field, field_type, fields
from greenlang.gcel.tables import RowTable
from greenlang.gcel.types import NOT_LISTS, is_list, item_type, list_of
from greenlang_core import DecimalColumn, DecimalOverflow

_Options = Mapping[str, Any]

#: Those that give the same for a column as for its items in a list, at the speed of columns.
COLUMN_READERS = frozenset({"count", "max", "mean", "min", "sum"})


#: Those that run through the items of what they take.
LIST_READERS = COLUMN_READERS | {"first", "group_by", "last", "merge", "sort"}

#: The planner's own, by a name that no program can write.
AS_LIST = "as list"


class MisfitError(Exception):
    """A built-in cannot take values of a type; says what it wants instead."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Builtin:
    """A step of the language's own."""

    name: str
    options: tuple[Option, ...]
    #: From options to the function that runs.
    make: Callable[..., Callable[[Any], Any]]
    #: From the input's type and the options to the output's type; MisfitError if it takes no such input.
    output_type: Callable[[Any, _Options], Any]


def as_items(value: Any) -> list[Any] | tuple[Any, ...]:
    """The items of a list or a table, for `*`, `/` and the aggregates.

    Raises
    ------
    StepError
        For what is one value rather than several, as texts and records are, and for a set: its order may
        be another in the next process, and so would be that of the results.
    """
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, DecimalColumn):
        return value.to_decimals()
    if isinstance(value, NOT_LISTS) or not isinstance(value, Iterable):
        raise StepError(
            f"a list or a table is wanted here, and {_shown(value)} of type {type(value).__name__} came",
            fix="give a list",
        )
    return list(value)


def one_by_one(value: Any) -> Iterable[Any]:
    """The items of what `*` and `/` run over, pulled as they are needed: an endless source is one too.

    Raises
    ------
    StepError
        As `as_items`.
    """
    if isinstance(value, Iterator):
        return value
    if isinstance(value, RowTable):
        return iter(value)
    if hasattr(type(value), "__aiter__"):
        raise StepError(
            "items that come asynchronously cannot be waited for here",
            fix="write `await plan.arun(value)`, and let an agent that gives them be asynchronous",
        )
    return as_items(value)


def _as_list(value: Any) -> Any:
    """What gives its items once, as a list; all else as it is."""
    if isinstance(value, Iterator):
        return list(value)
    if hasattr(type(value), "__anext__"):
        raise StepError(
            "items that come asynchronously come once, and here they are wanted more than once",
            fix="let an agent collect them into a list",
        )
    return value


def _sum(value: Any) -> Any:
    if _is_full_column(value):
        try:
            return value.sum()
        except DecimalOverflow:
            # A sum may have more digits than a column's.
            pass
    items = as_items(value)
    try:
        total = functools.reduce(operator.add, items) if items else 0
    except TypeError as error:
        raise StepError(f"sum cannot add these items: {error}", fix="give numbers of one kind") from None
    # One float among numbers makes their total a float, so one look at the end finds it; one item is no sum.
    if isinstance(total, float | str | bytes | list | tuple) or not hasattr(total, "__add__"):
        raise StepError(
            f"sum adds exact numbers, and these make a {type(total).__name__}",
            fix="give integers, Decimals or quantities; join lists with merge",
        )
    return total


def _is_full_column(value: Any) -> bool:
    """Whether a value is a column with items, none of them null; others are taken item by item."""
    return isinstance(value, DecimalColumn) and len(value) > 0 and not value.null_count


def _mean(value: Any, places: int) -> Any:
    items = value if _is_full_column(value) else as_items(value)
    _not_empty("mean", items)
    return divide(_sum(items), len(items), places)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, Sized) and not isinstance(value, str) else len(as_items(value))


def _extreme(name: str, choose: Callable[[Iterable[Any]], Any]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        if _is_full_column(value):
            return getattr(value, name)()
        items = as_items(value)
        _not_empty(name, items)
        try:
            return choose(items)
        except TypeError as error:
            raise StepError(
                f"{name} cannot compare these items: {error}", fix="give items of one kind"
            ) from None

    return run


def _at(name: str, index: int) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        items = as_items(value)
        _not_empty(name, items)
        return items[index]

    return run


def _sort(value: Any, key: str | None) -> list[Any]:
    items = as_items(value)
    try:
        return sorted(items, key=None if key is None else lambda item: field(item, key))
    except TypeError as error:
        raise StepError(
            f"sort cannot compare these items: {error}",
            fix='name a field they can be compared by, as in sort("id")',
        ) from None


def _group_by(value: Any, key: str) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for item in as_items(value):
        name = field(item, key)
        try:
            groups.setdefault(name, []).append(item)
        except TypeError:
            raise StepError(
                f"'{key}' is {_shown(name)}, which cannot name a group", fix="group by a plain value"
            ) from None
    return groups


def _merge(value: Any) -> Any:
    parts = list(value.values()) if isinstance(value, Mapping) else list(as_items(value))
    if all(isinstance(part, list | tuple | DecimalColumn | RowTable) for part in parts):
        first, *others = parts or [[]]
        if isinstance(first, RowTable) and all(type(part) is type(first) for part in others):
            return first.joined(others)
        return [item for part in parts for item in as_items(part)]
    merged: dict[Any, Any] = {}
    for part in parts:
        record = fields(part)
        if record is None:
            raise StepError(
                f"merge joins records with records and lists with lists, and {_shown(part)} is neither",
                fix="give it the outputs of a parallel or a branch that are all of one kind",
            )
        for name, item in record.items():
            if name in merged and merged[name] != item:
                raise StepError(
                    f"merge finds two values for '{name}': {_shown(merged[name])} and {_shown(item)}",
                    fix="give the fields different names",
                )
            merged[name] = item
    return merged


def _not_empty(name: str, items: Any) -> None:
    if not items:
        raise StepError(f"{name} of an empty list", fix="give at least one item")


def _shown(value: object) -> str:
    return clipped(repr(value), 60)


def _wants_list(given: Any) -> Any:
    if not is_list(given):
        raise MisfitError("takes a list or a table", "put a step between them that makes one")
    return item_type(given)


def _item_output(given: Any, _: _Options) -> Any:
    return _wants_list(given)


def _list_output(given: Any, _: _Options) -> Any:
    return list_of(_wants_list(given))


def _number_output(given: Any, _: _Options) -> Any:
    _wants_list(given)
    return Any


def _count_output(_: Any, __: _Options) -> Any:
    return int


def _groups_output(given: Any, options: _Options) -> Any:
    key = _field_output(_wants_list(given), {"field": options["key"]})
    return GenericAlias(dict, (key, list_of(item_type(given))))


def _field_output(given: Any, options: _Options) -> Any:
    try:
        return field_type(given, options["field"])
    except NoFieldError as error:
        raise MisfitError(f"finds no such field: {error.message}", error.fix) from None


def _merge_output(given: Any, _: _Options) -> Any:
    parts = item_type(given) if is_list(given) else Any
    if parts is Any or not is_list(parts):
        return Any
    return parts if isinstance(parts, type) and issubclass(parts, RowTable) else list_of(item_type(parts))


def _same_output(given: Any, _: _Options) -> Any:
    return given


def _identity(value: Any) -> Any:
    return value


def _getter(field: str) -> Callable[[Any], Any]:
    return functools.partial(_get, field)


def _get(name: str, record: Any) -> Any:
    return field(record, name)


def _option(name: str, kind: Any, *, required: bool = True) -> Option:
    return Option(name, kind, None, required)


def _plain(function: Callable[[Any], Any]) -> Callable[..., Callable[[Any], Any]]:
    return lambda: function


def _configured(function: Callable[..., Any]) -> Callable[..., Callable[[Any], Any]]:
    return lambda **options: functools.partial(function, **options)


BUILTINS: dict[str, Builtin] = {
    builtin.name: builtin
    for builtin in [
        Builtin("identity", (), _plain(_identity), _same_output),
        Builtin("sum", (), _plain(_sum), _item_output),
        Builtin("count", (), _plain(_count), _count_output),
        Builtin("min", (), _plain(_extreme("min", min)), _item_output),
        Builtin("max", (), _plain(_extreme("max", max)), _item_output),
        Builtin("mean", (_option("places", int),), _configured(_mean), _number_output),
        Builtin("first", (), _plain(_at("first", 0)), _item_output),
        Builtin("last", (), _plain(_at("last", -1)), _item_output),
        Builtin("sort", (_option("key", str | None, required=False),), _configured(_sort), _list_output),
        Builtin("group_by", (_option("key", str),), _configured(_group_by), _groups_output),
        Builtin("get", (_option("field", str),), _getter, _field_output),
        Builtin("merge", (), _plain(_merge), _merge_output),
        Builtin(AS_LIST, (), _plain(_as_list), _same_output),
    ]
}
