"""Tables of tenants in PostgreSQL, each transaction as a role that sees what it may."""

from __future__ import annotations

__all__ = ["PostgresqlRows"]

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import asyncpg

from greenlang.errors import StoreError
from greenlang.stores.guarded import GuardedRows
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.sessions import as_admin, as_tenant, as_worker
from greenlang.stores.postgresql.telling import append_event
from greenlang.stores.rows import (
    Administrator,
    Insert,
    Row,
    RowChange,
    Scope,
    Selection,
    Tell,
    decoded,
)
from greenlang.stores.statements import changing, selecting, stored_bytes

R = TypeVar("R", bound=Row)

_mark = "${}".format


class _Unfit(Exception):
    """A change does not fit what is there: the transaction is rolled back."""


class PostgresqlRows(GuardedRows):
    """Writes each in a transaction of its own: it is rare that tenants change, and nothing of the ledger.

    Parameters
    ----------
    transaction : callable
        A connection of the pool for one transaction; its errors become StoreError.
    """

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[Connection]]) -> None:
        self._transaction = transaction

    async def _write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
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

    async def _read(self, scope: Scope, wanted: Selection[R], entry: Insert | None) -> tuple[R, ...]:
        statement, values = selecting(scope, wanted, _mark)
        async with self._transaction() as connection:
            await _as(connection, scope)
            if entry is not None:
                await _applied(connection, entry)
            found = await connection.fetch(statement, *values)
        return tuple(decoded(wanted.table, dict(row)) for row in found)

    async def stored_bytes(self, tenant: str) -> int:
        statement, values = stored_bytes(tenant, _mark)
        async with self._transaction() as connection:
            await as_tenant(connection, tenant)
            return int(await connection.fetchval(statement, *values))


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
    statement, values = changing(change, _mark)
    return str(await connection.execute(statement, *values)).endswith(" 1")
