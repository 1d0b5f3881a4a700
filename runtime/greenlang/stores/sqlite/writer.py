"""Group commit: one thread writes, and whatever was asked for during one commit goes into the next.

Durability costs one `fsync` a commit, however many requests it answers.  If a group fails, each of its
operations is tried by itself, so that only the one at fault is told so; but not where the file is locked by
another process, for which each would wait as long again.
"""

from __future__ import annotations

__all__ = ["Group", "GroupWriter"]

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from greenlang.errors import StoreError
from greenlang.stores.protocol import NewRecord, Seal
from greenlang.stores.sqlite.database import REFUSALS

T = TypeVar("T")

#: Operations in one transaction; more wait for the next, so that no answer waits for ever.
_GROUP_SIZE = 1024

#: Rows that one statement inserts.
_LARGEST_INSERT = 64


class Group:
    """One transaction being written, and the records that its link will cover.

    What is inserted waits for the next statement, and goes in many rows at once: at each row of a statement
    by itself another thread may take the interpreter, and the event loop, which has much to do, does.
    """

    __slots__ = ("_execute", "_rows", "records")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self.records: list[NewRecord] = []

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Execute a statement, after all that was inserted before it."""
        self.flush()
        return self._execute(statement, parameters)

    def insert(self, target: str, row: tuple[Any, ...]) -> None:
        """Insert a row; the target is a table, with the columns in brackets where they are not all."""
        self._rows.setdefault(target, []).append(row)

    def flush(self) -> None:
        """Write what was inserted, each table's rows in their order."""
        for target, rows in self._rows.items():
            while rows:
                # Few lengths, so that the statements are found prepared.
                count = min(_LARGEST_INSERT, 1 << len(rows).bit_length() - 1)
                self._execute(_insert_text(target, len(rows[0]), count), list(chain(*rows[:count])))
                del rows[:count]
        self._rows.clear()


@cache
def _insert_text(target: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {target} VALUES {', '.join([row] * count)}"  # noqa: S608  our tables


Operation = Callable[[Group], Any]


class GroupWriter:
    """Runs operations on a connection of its own, in groups.

    Parameters
    ----------
    seal : callable
        Links the records of a group to the chain.
    """

    def __init__(self, connection: sqlite3.Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal
        self._waiting: deque[tuple[Operation, asyncio.Future[Any]]] = deque()
        self._closed = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="greenlang-store", daemon=True)
        self._thread.start()

    def run(self, operation: Callable[[Group], T]) -> asyncio.Future[T]:
        """Have `operation` run in the next group; the future is done when that is committed.

        An operation may be run twice, if its group failed: it must do nothing but use the group.
        """
        if self._closed:
            raise StoreError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((operation, future))
        # At the end of this turn, so that all that is asked for in it is one group.
        loop.call_soon(self._wake.set)
        return future

    async def close(self) -> None:
        """Commit what waits, and close the connection."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = self._next_group()
                outcomes = self._commit(group)
                loop = group[0][1].get_loop()
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_settle, group, outcomes)
            if self._closed:
                self._connection.close()
                return

    def _next_group(self) -> list[tuple[Operation, asyncio.Future[Any]]]:
        count = min(len(self._waiting), _GROUP_SIZE)
        return [self._waiting.popleft() for _ in range(count)]

    def _commit(self, group: list[tuple[Operation, asyncio.Future[Any]]]) -> list[Any]:
        """What each operation gave, or the exception that stands for it."""
        operations = [operation for operation, _ in group]
        try:
            return self._transact(operations)
        except Exception as error:
            if len(operations) == 1 or _is_locked(error):
                return [_told(error) for _ in operations]
        outcomes: list[Any] = []
        for operation in operations:
            try:
                outcomes += self._transact([operation])
            except Exception as error:
                outcomes.append(_told(error))
        return outcomes

    def _transact(self, operations: list[Operation]) -> list[Any]:
        connection = self._connection
        group = Group(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = [operation(group) for operation in operations]
            if group.records:
                _link(group, self._seal)
            group.flush()
            connection.execute("COMMIT")
        except BaseException:
            # A failed COMMIT (a full disk) may have rolled back by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return results


def _link(group: Group, seal: Seal) -> None:
    """Add the group's link to the chain, and its records under it."""
    last = group.execute("SELECT number, chain_hash FROM commits ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = (1, None) if last is None else (last[0] + 1, last[1])
    sealed = seal([record.leaf for record in group.records], previous)
    group.insert("commits", (number, sealed.chain_hash, sealed.head))
    for position, record in enumerate(group.records):
        group.insert(
            "calculations",
            (
                *(record.calculation_id, record.tenant, record.created_at, number, position),
                *(record.leaf, record.record, record.evidence),
            ),
        )


def _settle(group: list[tuple[Operation, asyncio.Future[Any]]], outcomes: list[Any]) -> None:
    for (_, future), outcome in zip(group, outcomes, strict=True):
        if future.done():  # nobody waits any more
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _is_locked(error: Exception) -> bool:
    """Whether another process holds the file, which is no operation's fault."""
    return (
        isinstance(error, sqlite3.Error)
        and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


def _told(error: Exception) -> Exception:
    """What an operation is told: an exception of its own, for each has another reader."""
    if isinstance(error, REFUSALS):
        told = StoreError(f"the store could not be written: {error}")
        told.__cause__ = error
        return told
    return error
