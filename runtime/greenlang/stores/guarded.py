"""What every store does before it writes or reads the tables of tenants; a store adds how it does that."""

from __future__ import annotations

__all__ = ["GuardedRows", "is_strange"]

import re
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from greenlang.errors import InputError, InternalError
from greenlang.stores.rows import (
    Administrator,
    AtLeast,
    Delete,
    Insert,
    Row,
    RowChange,
    Rows,
    Scope,
    Selection,
    Table,
    Tell,
)
from greenlang.stores.tables import AUDIT_LOG, AuditEntry

R = TypeVar("R", bound=Row)

#: NUL, which PostgreSQL keeps in no text, and halves of pairs, which are no characters in UTF-8.
_STRANGE = re.compile("[\0\ud800-\udfff]")

#: What fits, with what comes besides, into one entry of an index of PostgreSQL's.
_LONGEST_KEY_BYTES = 2500


class GuardedRows(Rows):
    """Refuses what no store could keep, and writes down what administrators look at."""

    async def write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
        """See `Rows.write`.

        Raises
        ------
        InputError
            If a text cannot be kept by every store, or a name is too long.
        InternalError
            If a tenant would change what is another's; a store whose database refuses it too asks this first
            all the same.
        """
        for change in changes:
            _refuse_strange(change)
            if isinstance(scope, str) and (owner := _owner(change)) != scope:
                raise InternalError(f"'{scope}' would change what is of '{owner}'")
        return await self._write(scope, changes)

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
        """See `Rows.rows`."""
        if is_strange(scope, *where.values(), *(after or ())):
            return ()
        entry = _access_entry(scope, table, where) if isinstance(scope, Administrator) else None
        return await self._read(scope, Selection(table, where, after, limit, newest_first), entry)

    @abstractmethod
    async def _write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:
        """Make all of the changes, or none."""

    @abstractmethod
    async def _read(self, scope: Scope, wanted: Selection[R], entry: Insert | None) -> tuple[R, ...]:
        """The rows wanted, and the entry of the audit log written before anybody sees them."""


def is_strange(*values: object) -> bool:
    """Whether a text among these is one that not every store keeps: nothing has such a name."""
    return any(isinstance(value, str) and _STRANGE.search(value) for value in values)


def _refuse_strange(change: RowChange) -> None:
    if isinstance(change, Tell):
        names: tuple[Any, ...] = (change.tenant, change.aggregate_id)
        texts = names
    elif isinstance(change, Delete):
        names = texts = (change.tenant, *change.key)
    else:
        names = tuple(getattr(change.row, name) for name in change.table.names)
        texts = tuple(getattr(change.row, name) for name in change.table.columns)
    if is_strange(*texts):
        raise InputError(
            "NUL and halves of surrogate pairs are no characters of a text", fix="leave them out"
        )
    key_bytes = sum(len(name.encode()) for name in names if isinstance(name, str))
    if key_bytes > _LONGEST_KEY_BYTES:
        told = max((name for name in names if isinstance(name, str)), key=len)
        raise InputError(
            f"'{told[:40]}…' is too long for a name", fix=f"a name has up to {_LONGEST_KEY_BYTES:,} bytes"
        )


def _owner(change: RowChange) -> str:
    """Whose it is that would change."""
    return change.tenant if isinstance(change, Delete | Tell) else change.row.tenant


def _access_entry(who: Administrator, table: Table[Any], where: Mapping[str, Any]) -> Insert:
    """What is written down of an administrator who looks at a table of all tenants."""
    wanted = "".join(f" {name}={value}" for name, value in where.items())
    return Insert(
        AUDIT_LOG,
        AuditEntry(
            tenant=who.tenant,
            at=time.time_ns() // 1000,
            actor=who.name,
            action="admin.read",
            subject=f"{table.name}{wanted}",
        ),
    )
