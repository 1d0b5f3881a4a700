"""Tables of tenants in the embedded store."""

from __future__ import annotations

__all__ = ["SqliteRows"]

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from greenlang.errors import StoreError
from greenlang.stores.rows import (
    Add,
    Administrator,
    AtLeast,
    Delete,
    Replace,
    Row,
    RowChange,
    Rows,
    Scope,
    Table,
    Tell,
    decoded,
    encoded,
    holds_nul,
    refuse_strange,
)
from greenlang.stores.sqlite.writer import Group, GroupWriter
from greenlang.stores.sqlite.writing import append_event
from greenlang.stores.tables import access_entry

R = TypeVar("R", bound=Row)
Read = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]

_STORED_BYTES = """
    SELECT (SELECT coalesce(sum(length(request) + coalesce(length(result), 0)), 0)
            FROM executions WHERE tenant = ?1)
         + (SELECT coalesce(sum(length(record) + length(evidence)), 0)
            FROM calculations WHERE tenant = ?1)
"""


class SqliteRows(Rows):
    """Writes in the groups of the store's writer, each in a savepoint of its own.

    Parameters
    ----------
    read : callable
        Runs a function on the connection that reads.
    """

    def __init__(self, writer: GroupWriter, read: Read) -> None:
        self._writer = writer
        self._read = read

    async def write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
        refuse_strange(scope, changes)
        return await self._writer.run(lambda group: _write(group, changes))

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
        if holds_nul(scope, *where.values(), *(after or ())):
            return ()
        if isinstance(scope, Administrator):
            await self.write(scope, [access_entry(scope, table, where)])
        statement, values = _select(scope, table, where, after, limit, newest_first)
        found = await self._read(lambda reader: reader.execute(statement, values).fetchall())
        return tuple(decoded(table, dict(zip(table.columns, row, strict=True))) for row in found)

    async def stored_bytes(self, tenant: str) -> int:
        found: int = await self._read(lambda reader: reader.execute(_STORED_BYTES, (tenant,)).fetchone()[0])
        return found


def _write(group: Group, changes: Sequence[RowChange]) -> bool:
    group.execute("SAVEPOINT changes")
    fits = False
    try:
        fits = all(_applied(group, change) for change in changes)
    except sqlite3.IntegrityError as error:
        # A row that is named and not there, or named and to be deleted; any other rule is broken by us.
        if "FOREIGN KEY" not in str(error):
            raise StoreError(f"the store refused a row: {error}") from error
    finally:
        if not fits:
            group.execute("ROLLBACK TO changes")
        group.execute("RELEASE changes")
    return fits


def _applied(group: Group, change: RowChange) -> bool:
    """Make one change; False if it does not fit what is there."""
    if isinstance(change, Tell):
        append_event(
            group, change.aggregate_type, change.aggregate_id, change.tenant, change.event, change.at
        )
        return True
    table = change.table
    if isinstance(change, Delete):
        named = " AND ".join(f"{name} = ?" for name in table.names)
        statement, values = f"DELETE FROM {table.name} WHERE {named}", [change.tenant, *change.key]  # noqa: S608  our names
        return group.execute(statement, values).rowcount == 1
    row = encoded(change.row)
    if isinstance(change, Replace):
        changed = [name for name in table.columns if name not in table.names]
        sets = ", ".join(f"{name} = ?" for name in changed)
        named = " AND ".join(f"{name} = ?" for name in table.names)
        statement = f"UPDATE {table.name} SET {sets} WHERE {named} AND revision = ? - 1"  # noqa: S608
        replacing = tuple(row[name] for name in (*changed, *table.names, "revision"))
        return group.execute(statement, replacing).rowcount == 1
    columns = [name for name in table.columns if not (table.numbered and name in table.key)]
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)})"  # noqa: S608  our names
        f" VALUES ({', '.join('?' * len(columns))})"
    )
    if isinstance(change, Add):
        sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in change.sums)
        statement += f" ON CONFLICT ({', '.join(table.names)}) DO UPDATE SET {sums}"
    elif not table.numbered:
        statement += f" ON CONFLICT ({', '.join(table.names)}) DO NOTHING"
    return group.execute(statement, tuple(row[name] for name in columns)).rowcount == 1


def _select(
    scope: Scope,
    table: Table[Any],
    where: Mapping[str, str | int | AtLeast],
    after: tuple[str | int, ...] | None,
    limit: int,
    newest_first: bool,
) -> tuple[str, list[Any]]:
    conditions: list[str] = ["true"]
    values: list[Any] = []
    if isinstance(scope, str):
        conditions.append("tenant = ?")
        values.append(scope)
    for name, value in where.items():
        conditions.append(f"{name} >= ?" if isinstance(value, AtLeast) else f"{name} = ?")
        values.append(value.value if isinstance(value, AtLeast) else value)
    if after is not None:
        marks = ", ".join("?" * len(after))
        conditions.append(f"({', '.join(table.names)}) {'<' if newest_first else '>'} ({marks})")
        values.extend(after)
    order = ", ".join(f"{name} {'DESC' if newest_first else 'ASC'}" for name in table.names)
    statement = (
        f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {' AND '.join(conditions)}"  # noqa: S608  values are bound
        f" ORDER BY {order} LIMIT ?"
    )
    return statement, [*values, limit]
