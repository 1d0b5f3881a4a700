"""Opens the database file: pragmas, and the numbered migrations in this folder.

`0001_….sql`, `0002_….sql`… are run in order, those that a file has not had in one transaction, with the
number that they bring it to (`PRAGMA user_version`).  There is no way down: whoever may want one makes a
backup before, and takes that.  A file from a newer runtime is refused.
"""

from __future__ import annotations

__all__ = ["REFUSALS", "migrations", "open_database"]

import sqlite3
from functools import cache
from pathlib import Path

from greenlang.errors import StoreError

#: What statements raise: the database's errors, and Python's for what a file cannot hold (numbers beyond 64
#: bits, halves of surrogate pairs).
REFUSALS = (sqlite3.Error, OverflowError, UnicodeEncodeError)

#: How long a writer waits for another process' commit before it says that the file is locked.
_BUSY_SECONDS = 10.0


def open_database(path: str) -> sqlite3.Connection:
    """A connection with our pragmas; the schema is brought up to date.

    Raises
    ------
    StoreError
        If the file cannot be opened, is no database or one of something else, or was written by a newer
        runtime.
    """
    try:
        # Transactions are begun and ended by hand, and the writer hands the connection to one thread.
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _check_ours(connection, path)
            if not _version(connection):
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
    if _version(connection) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for the lock.
        version = _version(connection)
        if version > newest:
            raise StoreError(
                f"the store '{path}' is of version {version}, and this runtime knows {newest}",
                fix="use the runtime that wrote it, or a newer one",
            )
        for script in migrations()[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_ours(connection: sqlite3.Connection, path: str) -> None:
    """Leave alone what is somebody else's: it has tables, and no migration made them."""
    # In one statement, which sees the file as it was at one time.
    seen = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
    version, tables = connection.execute(seen).fetchone()
    if tables and not version:
        raise StoreError(f"'{path}' is a database of something else", fix="name another file for the store")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


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
