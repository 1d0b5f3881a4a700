"""The tables of tenants in SQL, as SQLite and PostgreSQL both take it but for how values are marked."""

from __future__ import annotations

__all__ = ["Mark", "changing", "selecting", "stored_bytes"]

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from greenlang.stores.rows import Add, AtLeast, Delete, Insert, Replace, Scope, Selection, encoded

# ruff: noqa: S608  names are those of our tables, and values are bound

#: What stands for the value of a number, counted from 1: `$1`, or `?` for each.
Mark: TypeAlias = Callable[[int], str]

Statement: TypeAlias = tuple[str, list[Any]]


class _Values:
    """Values of a statement, each marked where it stands."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self.bound: list[Any] = []

    def marked(self, value: object) -> str:
        self.bound.append(value)
        return self._mark(len(self.bound))

    def equal(self, names: Iterable[str], values: Iterable[object], between: str) -> str:
        """`name = value`, for each."""
        return between.join(
            f"{name} = {self.marked(value)}" for name, value in zip(names, values, strict=True)
        )


def changing(change: Insert | Replace | Delete | Add, mark: Mark) -> Statement:
    """The statement that makes a change, and its values; where the change does not fit, it changes no row."""
    table, values = change.table, _Values(mark)
    if isinstance(change, Delete):
        named = values.equal(table.names, (change.tenant, *change.key), " AND ")
        return f"DELETE FROM {table.name} WHERE {named}", values.bound
    row = encoded(change.row)
    if isinstance(change, Replace):
        changed = [name for name in table.columns if name not in table.names]
        sets = values.equal(changed, (row[name] for name in changed), ", ")
        named = values.equal(table.names, (row[name] for name in table.names), " AND ")
        before = values.marked(row["revision"] - 1)
        return f"UPDATE {table.name} SET {sets} WHERE {named} AND revision = {before}", values.bound
    columns = [name for name in table.columns if not (table.numbered and name in table.key)]
    marks = ", ".join(values.marked(row[name]) for name in columns)
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT"
    if isinstance(change, Insert):
        return f"{statement} DO NOTHING", values.bound
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in change.sums)
    return f"{statement} ({', '.join(table.names)}) DO UPDATE SET {sums}", values.bound


def selecting(scope: Scope, wanted: Selection[Any], mark: Mark) -> Statement:
    """The statement that reads rows, and its values."""
    table, values = wanted.table, _Values(mark)
    conditions = ["true"]
    if isinstance(scope, str):
        conditions.append(f"tenant = {values.marked(scope)}")
    for name, value in wanted.where.items():
        at_least = isinstance(value, AtLeast)
        marked = values.marked(value.value if isinstance(value, AtLeast) else value)
        conditions.append(f"{name} {'>=' if at_least else '='} {marked}")
    if wanted.after is not None:
        marks = ", ".join(map(values.marked, wanted.after))
        conditions.append(f"({', '.join(table.names)}) {'<' if wanted.newest_first else '>'} ({marks})")
    order = ", ".join(f"{name} {'DESC' if wanted.newest_first else 'ASC'}" for name in table.names)
    statement = (
        f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {' AND '.join(conditions)}"
        f" ORDER BY {order} LIMIT {values.marked(wanted.limit)}"
    )
    return statement, values.bound


def stored_bytes(tenant: str, mark: Mark) -> Statement:
    """The statement that adds up what is kept of a tenant, and its values."""
    statement = f"""
        SELECT (SELECT coalesce(sum(length(request) + coalesce(length(result), 0)), 0)
                FROM executions WHERE tenant = {mark(1)})
             + (SELECT coalesce(sum(length(record) + length(evidence)), 0)
                FROM calculations WHERE tenant = {mark(2)})
    """
    return statement, [tenant, tenant]
