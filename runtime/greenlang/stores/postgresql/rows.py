"""Tables of tenants in PostgreSQL, each transaction as a role that sees what it may."""

from __future__ import annotations

__all__ = ["PostgresqlRows"]

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import asyncpg

from greenlang.errors import StoreError
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.sessions import as_admin, as_tenant, as_worker
from greenlang.stores.postgresql.writing import append_event
from greenlang.stores.rows import (
    Administrator,
    AtLeast,
    Delete,
    Insert,
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
from greenlang.stores.tables import access_entry

R = TypeVar("R", bound=Row)

_STORED_BYTES = """
    SELECT (SELECT coalesce(sum(length(request) + coalesce(length(result), 0)), 0)
            FROM executions WHERE tenant = $1)
         + (SELECT coalesce(sum(length(record) + length(evidence)), 0)
            FROM calculations WHERE tenant = $1)
"""


class _Unfit(Exception):
    """A change does not fit what is there: the transaction is rolled back."""


class PostgresqlRows(Rows):
    """Writes each in a transaction of its own: it is rare that tenants change, and nothing of the ledger.

    Parameters
    ----------
    transaction : callable
        A connection of the pool for one transaction; its errors become StoreError.
    """

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[Connection]]) -> None:
        self._transaction = transaction

    async def write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
        refuse_strange(scope, changes)
        try:
            async with self._transaction() as connection:
                await _as(connection, scope)
                for change in changes:
                    if not await _applied(connection, change):
                        raise _Unfit
        except _Unfit:
            return False
        except StoreError as error:
            # A row that is named and not there, or named and to be deleted.
            if isinstance(error.__cause__, asyncpg.ForeignKeyViolationError):
                return False
            raise
        return True

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
        statement, values = _select(scope, table, where, after, limit, newest_first)
        async with self._transaction() as connection:
            await _as(connection, scope)
            if isinstance(scope, Administrator):
                await _applied(connection, access_entry(scope, table, where))
            found = await connection.fetch(statement, *values)
        return tuple(decoded(table, dict(row)) for row in found)

    async def stored_bytes(self, tenant: str) -> int:
        async with self._transaction() as connection:
            await as_tenant(connection, tenant)
            return int(await connection.fetchval(_STORED_BYTES, tenant))


async def _as(connection: Connection, scope: Scope) -> None:
    if isinstance(scope, str):
        await as_tenant(connection, scope)
    elif isinstance(scope, Administrator):
        await as_admin(connection, scope.name)
    else:
        await as_worker(connection)


async def _applied(connection: Connection, change: RowChange) -> bool:
    """Make one change; False if it does not fit what is there."""
    if isinstance(change, Tell):
        await append_event(
            connection, change.aggregate_type, change.aggregate_id, change.tenant, change.event, change.at
        )
        return True
    table = change.table
    if isinstance(change, Delete):
        named = _conditions(table.names, 1)
        done = await connection.execute(
            f"DELETE FROM {table.name} WHERE {named}",  # noqa: S608  our names
            change.tenant,
            *change.key,
        )
        return str(done).endswith(" 1")
    row = encoded(change.row)
    if isinstance(change, Replace):
        changed = [name for name in table.columns if name not in table.names]
        named = _conditions(table.names, len(changed) + 1)
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(changed, 1))
        done = await connection.execute(
            f"UPDATE {table.name} SET {sets} WHERE {named}"  # noqa: S608  our names
            f" AND revision = ${changed.index('revision') + 1} - 1",
            *(row[name] for name in (*changed, *table.names)),
        )
        return str(done).endswith(" 1")
    columns = [name for name in table.columns if not (table.numbered and name in table.key)]
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  our names
    if isinstance(change, Insert):
        statement += " ON CONFLICT DO NOTHING"
    else:
        sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in change.sums)
        statement += f" ON CONFLICT ({', '.join(table.names)}) DO UPDATE SET {sums}"
    done = await connection.execute(statement, *(row[name] for name in columns))
    return str(done).endswith(" 1")


def _conditions(names: Sequence[str], first: int) -> str:
    return " AND ".join(f"{name} = ${number}" for number, name in enumerate(names, first))


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
        values.append(scope)
        conditions.append("tenant = $1")
    for name, value in where.items():
        values.append(value.value if isinstance(value, AtLeast) else value)
        conditions.append(f"{name} {'>=' if isinstance(value, AtLeast) else '='} ${len(values)}")
    if after is not None:
        marks = ", ".join(f"${number}" for number in range(len(values) + 1, len(values) + len(after) + 1))
        conditions.append(f"({', '.join(table.names)}) {'<' if newest_first else '>'} ({marks})")
        values.extend(after)
    order = ", ".join(f"{name} {'DESC' if newest_first else 'ASC'}" for name in table.names)
    statement = (
        f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {' AND '.join(conditions)}"  # noqa: S608  values are bound
        f" ORDER BY {order} LIMIT ${len(values) + 1}"
    )
    return statement, [*values, limit]
