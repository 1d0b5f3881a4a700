"""Rows of the tables that tenants have, in every store alike: what one commit changes, and how they are read.

A table is declared once (`tables`); a store implements `Rows` for all of them, guarded as `guarded` says.
What is kept of tenants, and the rules of it, stand above the stores, in `greenlang.engine.tenancy`.
"""

from __future__ import annotations

__all__ = [
    "EVERYBODY",
    "Add",
    "Administrator",
    "AtLeast",
    "Delete",
    "Everybody",
    "Insert",
    "Replace",
    "Row",
    "RowChange",
    "Rows",
    "Scope",
    "Selection",
    "Table",
    "Tell",
    "decoded",
    "encoded",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from greenlang.errors import InternalError
from greenlang.stores.protocol import NewEvent


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a table; its fields are named as the columns."""

    #: Whose it is.
    tenant: str


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """One table: its columns are named as the fields of its rows."""

    name: str
    row: type[R]
    #: The columns that name one row, after the tenant.
    key: tuple[str, ...] = ()
    #: Whether rows are only ever added; where they are evidence, the database itself refuses all else.
    appended: bool = False
    #: Whether the store numbers the rows, in the only column of the key.
    numbered: bool = False
    #: Columns that name a row of a table of the same tenant, or are None, and the names of those tables.
    references: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that name one row among those of all tenants, in the order of lists."""
        return ("tenant", *self.key)

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, in order."""
        return self.row.__struct_fields__


class Everybody(Enum):
    """The scope of those who work for every tenant, of which there is one."""

    EVERYBODY = "everybody"


#: Workers, who meter what they run and look at what changed: they see every tenant and change no tenant's.
EVERYBODY: Final = Everybody.EVERYBODY


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who looks after all tenants; every access is written down under the tenant of their own."""

    tenant: str
    name: str


#: Whose rows are seen: those of a tenant, or all of them.
Scope: TypeAlias = str | Administrator | Everybody


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A condition on a column: not less than this."""

    value: int


@dataclass(frozen=True, slots=True)
class Insert:
    """A row that must not be there yet."""

    table: Table[Any]
    row: Row


@dataclass(frozen=True, slots=True)
class Replace:
    """A row in place of the one whose `revision` is one lower."""

    table: Table[Any]
    row: Any

    def __post_init__(self) -> None:
        _must_change(self.table)


@dataclass(frozen=True, slots=True)
class Delete:
    """The row of a tenant that a key names; it must be there."""

    table: Table[Any]
    tenant: str
    key: tuple[str | int, ...]

    def __post_init__(self) -> None:
        _must_change(self.table)


@dataclass(frozen=True, slots=True)
class Add:
    """Numbers that are added to those of the row of the same key, which is made if it is not there."""

    table: Table[Any]
    row: Row

    def __post_init__(self) -> None:
        _must_change(self.table)

    @property
    def sums(self) -> tuple[str, ...]:
        """The columns that grow."""
        return tuple(name for name in self.table.columns if name not in self.table.names)


@dataclass(frozen=True, slots=True)
class Tell:
    """An event of the log that comes with the change it tells of."""

    tenant: str
    aggregate_type: str
    aggregate_id: str
    event: NewEvent
    at: int


RowChange: TypeAlias = Insert | Replace | Delete | Add | Tell


def _must_change(table: Table[Any]) -> None:
    if table.appended:
        raise InternalError(f"rows of {table.name} are only ever added")


@dataclass(frozen=True, slots=True)
class Selection(Generic[R]):
    """Which rows of a table are read, and in what order: see `Rows.rows`."""

    table: Table[R]
    where: Mapping[str, str | int | AtLeast]
    after: tuple[str | int, ...] | None
    limit: int
    newest_first: bool


class Rows(Protocol):
    """The tables of tenants in one store."""

    async def write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
        """Make all of the changes in one commit, or none: False if one of them did not fit what was there."""
        ...

    async def rows(
        self,
        scope: Scope,
        table: Table[R],
        *,
        where: Mapping[str, str | int | AtLeast] = {},
        after: tuple[str | int, ...] | None = None,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> tuple[R, ...]:
        """Rows in the order of their `names`, or the other way round, behind the one that `after` names."""
        ...

    async def stored_bytes(self, tenant: str) -> int:
        """How many bytes the requests, results and records of a tenant have."""
        ...


def encoded(row: Row) -> dict[str, Any]:
    """The values of a row as columns hold them: lists as JSON."""
    values = msgspec.to_builtins(row, builtin_types=(bytes,))
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, list | tuple) else value
        for name, value in values.items()
    }


def decoded(table: Table[R], values: Mapping[str, Any]) -> R:
    """The row that columns hold."""
    lists = {name: msgspec.json.decode(values[name]) for name in _lists(table.row)}
    return msgspec.convert({**values, **lists}, table.row, builtin_types=(bytes,))


@cache
def _lists(row: type[Row]) -> tuple[str, ...]:
    """The fields of a row that are lists of any length."""
    fields = msgspec.structs.fields(row)
    inspected = ((field.name, msgspec.inspect.type_info(field.type)) for field in fields)
    return tuple(name for name, kind in inspected if isinstance(kind, msgspec.inspect.VarTupleType))
