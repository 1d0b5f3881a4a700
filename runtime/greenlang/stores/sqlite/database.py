"""Opens the database file: pragmas, and the numbered migrations in this folder.

`0001_….sql`, `0002_….sql`… are run in order, each in one transaction with the number that it brings the
file to (`PRAGMA user_version`).  A file from a newer runtime is refused.
"""

from __future__ import annotations

__all__ = ["migrations", "open_database"]

import sqlite3
from functools import cache
from pathlib import Path

from greenlang.errors import StoreError

#: How long a writer waits for another process' commit before it says that the file is locked.
_BUSY_SECONDS = 10.0


def open_database(path: str) -> sqlite3.Connection:
    """A connection with our pragmas; the schema is brought up to date.

    Raises
    ------
    StoreError
        If the file cannot be opened, is no database, or was written by a newer runtime.
    """
    try:
        # Transactions are begun and ended by hand, and the writer hands the connection to one thread.
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreError(f"the store '{path}' cannot be opened: {error}") from error
    return connection


@cache
def migrations() -> tuple[str, ...]:
    """The migrations in order; the first brings an empty file to version 1."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    newest = len(migrations())
    while True:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == newest:
            return
        if version > newest:
            raise StoreError(
                f"the store '{path}' is of version {version}, and this runtime knows {newest}",
                fix="use the runtime that wrote it, or a newer one",
            )
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have done it while this one waited for the lock.
            if connection.execute("PRAGMA user_version").fetchone()[0] == version:
                for statement in _statements(migrations()[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _statements(script: str) -> list[str]:
    """The statements of a script: `executescript` would commit before it begins."""
    statements: list[str] = []
    current = ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
