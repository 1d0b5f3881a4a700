"""Tables of tenants in memory: for each table and tenant, rows by their keys."""

from __future__ import annotations

__all__ = ["MemoryRows"]

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace

from greenlang.stores.guarded import GuardedRows
from greenlang.stores.rows import (
    AtLeast,
    Delete,
    Insert,
    Replace,
    Row,
    RowChange,
    Scope,
    Selection,
    Tell,
)
from greenlang.stores.tables import QUOTAS, TABLES, TENANTS

R = TypeVar("R", bound=Row)

#: Rows of one tenant in one table; a row that is gone is None while changes are made.
Kept: TypeAlias = dict[tuple[Any, ...], Any]


class MemoryRows(GuardedRows):
    """Makes changes one by one, and takes those that were made back where one does not fit.

    Parameters
    ----------
    tell : callable
        Appends to the log of events: tenant, type and id of the aggregate, event, time.
    stored_bytes : callable
        How much a tenant has otherwise.
    """

    def __init__(self, tell: Callable[..., None], stored_bytes: Callable[[str], int]) -> None:
        self._tell = tell
        self._stored_bytes = stored_bytes
        self._numbers = itertools.count(1)
        self._tables: dict[str, dict[str, Kept]] = {table.name: {} for table in TABLES}

    async def _write(self, scope: Scope, changes: Sequence[RowChange]) -> bool:  # noqa: ARG002  nothing here is closed to anybody
        made: list[tuple[Kept, tuple[Any, ...], Any]] = []
        for change in changes:
            if isinstance(change, Tell):
                continue
            of, key = self._place(change)
            before = of.get(key)
            after = _after(change, key, before)
            if after is before or not self._refers(change, after):
                for kept, place, was in reversed(made):
                    _put(kept, place, was)
                return False
            _put(of, key, after)
            made.append((of, key, before))
        for change in changes:
            if isinstance(change, Tell):
                told = (change.aggregate_type, change.aggregate_id, change.event, change.at)
                self._tell(change.tenant, *told)
        return True

    async def _read(self, scope: Scope, wanted: Selection[R], entry: Insert | None) -> tuple[R, ...]:
        if entry is not None:
            await self._write(scope, [entry])
        after, backwards = wanted.after, wanted.newest_first
        tenants = self._tables[wanted.table.name]
        seen = [scope] if isinstance(scope, str) else tenants
        names = sorted(
            ((tenant, *key) for tenant in seen for key in tenants.get(tenant, ())), reverse=backwards
        )
        if after is not None:
            names = [name for name in names if (name < after if backwards else name > after)]
        found = (tenants[name[0]][name[1:]] for name in names)
        return tuple(itertools.islice((row for row in found if _meets(row, wanted.where)), wanted.limit))

    async def stored_bytes(self, tenant: str) -> int:
        return self._stored_bytes(tenant)

    def concurrent_executions(self, tenant: str, *, otherwise: int) -> int:
        """How many executions of a tenant may run at once; none of one that is suspended."""
        made = self._tables[TENANTS.name].get(tenant, {}).get(())
        if made is not None and made.status == "suspended":
            return 0
        quotas = self._tables[QUOTAS.name].get(tenant, {}).get(())
        return otherwise if quotas is None else int(quotas.concurrent_executions)

    def _place(self, change: Any) -> tuple[Kept, tuple[Any, ...]]:
        """Among which rows a change is, and at which key."""
        table = change.table
        if isinstance(change, Delete):
            tenant, key = change.tenant, change.key
        else:
            tenant = change.row.tenant
            numbered = (next(self._numbers),) if table.numbered else None
            key = numbered or tuple(getattr(change.row, name) for name in table.key)
        return self._tables[table.name].setdefault(tenant, {}), key

    def _refers(self, change: Any, after: Any) -> bool:
        """Whether what a row names is there, and whether nobody names one that goes."""
        if after is None:
            return not any(
                getattr(row, column) == change.key[0]
                for table in TABLES
                for column, name in table.references
                if name == change.table.name
                for row in self._tables[table.name].get(change.tenant, {}).values()
            )
        return all(
            getattr(after, column) is None
            or (getattr(after, column),) in self._tables[name].get(after.tenant, {})
            for column, name in change.table.references
        )


def _after(change: Any, key: tuple[Any, ...], before: Any) -> Any:
    """The row after a change, None if it is gone; `before` itself where the change does not fit."""
    if isinstance(change, Delete):
        return None
    if isinstance(change, Insert) and before is None:
        return replace(change.row, sequence=key[0]) if change.table.numbered else change.row
    if isinstance(change, Insert):
        return before
    if isinstance(change, Replace):
        fits = before is not None and before.revision == change.row.revision - 1
        return change.row if fits else before
    if before is None:
        return change.row
    sums = {name: getattr(before, name) + getattr(change.row, name) for name in change.sums}
    return replace(before, **sums)


def _put(of: Kept, key: tuple[Any, ...], row: Any) -> None:
    if row is None:
        of.pop(key, None)
    else:
        of[key] = row


def _meets(row: Any, where: Mapping[str, str | int | AtLeast]) -> bool:
    return all(
        getattr(row, name) >= value.value if isinstance(value, AtLeast) else getattr(row, name) == value
        for name, value in where.items()
    )
