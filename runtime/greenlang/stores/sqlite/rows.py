"""Tables of tenants in the embedded store."""

from __future__ import annotations

__all__ = ["SqliteRows"]

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from greenlang.errors import StoreError
from greenlang.stores.guarded import GuardedRows
from greenlang.stores.rows import Insert, Row, RowChange, Scope, Selection, Tell, decoded
from greenlang.stores.sqlite.telling import append_event
from greenlang.stores.sqlite.writer import Group, GroupWriter
from greenlang.stores.statements import changing, selecting, stored_bytes

R = TypeVar("R", bound=Row)
Ask = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]

_mark = "?".format


class SqliteRows(GuardedRows):
    """Writes in the groups of the store's writer, each in a savepoint of its own.

    Parameters
    ----------
    ask : callable
        Runs a function on the connection that reads.
    """

    def __init__(self, writer: GroupWriter, ask: Ask) -> None:
        self._writer = writer
        self._ask = ask

    async def _write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:  # noqa: ARG002  nothing in a file is closed to anybody
        return await self._writer.run(lambda group: _write(group, changes))

    async def _read(self, scope: Scope, wanted: Selection[R], entry: Insert | None) -> tuple[R, ...]:
        if entry is not None:
            await self._write(scope, [entry])
        table, statement = wanted.table, selecting(scope, wanted, _mark)
        found = await self._ask(lambda reader: reader.execute(*statement).fetchall())
        return tuple(decoded(table, dict(zip(table.columns, row, strict=True))) for row in found)

    async def stored_bytes(self, tenant: str) -> int:
        statement = stored_bytes(tenant, _mark)
        found: int = await self._ask(lambda reader: reader.execute(*statement).fetchone()[0])
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
    return group.execute(*changing(change, _mark)).rowcount == 1
