"""Opens the database: a pool of connections, and the numbered migrations in this folder.

`0001_….up.sql` brings a database to version 1, `0001_….down.sql` takes it back to 0, and so on, all that are
wanted in one transaction with the number that they lead to.  Nodes that start together wait for one another.
"""

from __future__ import annotations

__all__ = [
    "LEDGER_LOCK",
    "LOSSES",
    "SCHEMA_LOCK",
    "Address",
    "Connection",
    "bring_up_to_date",
    "connect",
    "lost",
    "migrate",
    "migrations",
    "newest_version",
    "read_address",
    "transaction",
]

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from greenlang.errors import InputError, StoreError

#: A connection of its own, or one that is borrowed from a pool.
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

#: Advisory locks: one node changes the schema at a time, one transaction at a time links to the chain.
SCHEMA_LOCK = 0x6772_6C67_0001
LEDGER_LOCK = 0x6772_6C67_0002

#: A connection that is gone, whoever ended it.
LOSSES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)

_OLDEST_SERVER = 15
_CONNECT_SECONDS = 5.0
_SIZE = re.compile(r"[0-9]{1,6}")
_PORT = re.compile(r"[0-9]{1,5}")
_FILE = re.compile(r"(\d{4})_\w+\.(up|down)\.sql")

_VERSIONS = """
CREATE TABLE IF NOT EXISTS greenlang_versions (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, and how it is spoken to."""

    url: str
    #: What messages say of it: never the password.
    shown: str
    statement_cache_size: int
    #: How long a statement may go unanswered before the connection counts as lost.
    statement_seconds: float


def read_address(url: str) -> Address:
    """What the URL of a store says.

    Behind PgBouncer in transaction mode, add `?statement_cache_size=0` to it: what a connection prepared may
    then be another's.  `statement_seconds` is how long a statement may go unanswered.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InputError(f"the URL of the store cannot be read: {error}") from error
    for place in parts.netloc.rpartition("@")[2].split(","):
        _, colon, port = place.rpartition("]")[2].partition(":")
        if colon and not (_PORT.fullmatch(port) and 0 < int(port) < 65_536):
            raise InputError(f"the URL of the store cannot be read: '{port[:20]}' is no port")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    size = query.pop("statement_cache_size", "256")
    if not _SIZE.fullmatch(size):
        raise InputError(
            f"statement_cache_size '{size[:20]}' is no number of statements",
            fix="write 0 behind PgBouncer, or leave it out",
        )
    seconds = query.pop("statement_seconds", "15")
    if not _SIZE.fullmatch(seconds) or not int(seconds):
        raise InputError(
            f"statement_seconds '{seconds[:20]}' is no number of seconds", fix="write 15, or leave it out"
        )
    plain = urlunsplit(parts._replace(query=urlencode(query)))
    return Address(plain, f"{parts.hostname or ''}{parts.path}", int(size), float(seconds))


async def connect(address: Address, *, connections: int) -> asyncpg.Pool:
    """A pool of connections, each of which is opened when it is first wanted.

    Raises
    ------
    StoreError
        If the server cannot be reached or is too old.
    """
    try:
        pool = await asyncpg.create_pool(
            address.url,
            # None is opened before it is wanted, also while there is no server.
            min_size=0,
            max_size=connections,
            statement_cache_size=address.statement_cache_size,
            command_timeout=address.statement_seconds,
            timeout=min(_CONNECT_SECONDS, address.statement_seconds),
        )
        async with pool.acquire() as connection:
            version = connection.get_server_version().major
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreError(f"the store '{address.shown}' cannot be opened: {error}") from error
    except ValueError as error:  # a host that is none, say: asyncpg reads the URL only now
        raise InputError(f"the URL of the store cannot be read: {error}") from error
    if version < _OLDEST_SERVER:
        await pool.close()
        raise StoreError(
            f"this is PostgreSQL {version}", fix=f"the store needs PostgreSQL {_OLDEST_SERVER} or later"
        )
    return pool


def lost(cause: BaseException | None, *, uncertain: bool) -> StoreError:
    """What is told where a connection was lost; `uncertain`: while it committed."""
    why = str(cause) or "no answer came in time"
    if uncertain:
        why = f"the store did not answer, and it is not known whether this was done: {why}"
    else:
        why = f"the store could not be written: {why}"
    return StoreError(why, uncertain=uncertain)


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool, *, readonly: bool = False) -> AsyncIterator[Connection]:
    """A transaction on a connection of its own, which ends for good where the server falls silent.

    A network that was cut without a word tells nobody.  asyncpg would then ask the server to cancel the
    statement and wait for that too; and whatever else is open is no better.
    """
    try:
        async with pool.acquire() as connection:
            try:
                # Each statement sees what was committed before it, whatever the server is set up with: who
                # waited for a lock sees what its holder did.
                work = connection.transaction(isolation="read_committed", readonly=readonly)
                await work.start()
                try:
                    yield connection
                except (asyncio.CancelledError, *LOSSES):
                    raise  # there is nobody to take it back with
                except BaseException:
                    await work.rollback()
                    raise
                await work.commit()
            except (TimeoutError, asyncio.CancelledError):
                connection.terminate()
                raise
    except LOSSES:
        await pool.expire_connections()
        raise


async def bring_up_to_date(address: Address) -> None:
    """Make the schema, or bring it to the newest version, however long that takes.

    Raises
    ------
    StoreError
        If the database was written by a newer runtime.
    """
    connection = await asyncpg.connect(
        address.url, statement_cache_size=address.statement_cache_size, timeout=_CONNECT_SECONDS
    )
    try:
        await migrate(connection)
    finally:
        await connection.close()


@cache
def migrations(direction: str) -> dict[int, str]:
    """The migrations that go `up` or `down`, by the version that each goes to or comes from."""
    found = {}
    for file in files("greenlang.stores.postgresql").iterdir():
        named = _FILE.fullmatch(file.name)
        if named and named[2] == direction:
            found[int(named[1])] = file.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def newest_version() -> int:
    """The version that this runtime knows."""
    return max(migrations("up"))


async def migrate(connection: Connection, to: int | None = None) -> int:
    """Bring the schema to a version (None: the newest), up or down, and say from which it came.

    Raises
    ------
    StoreError
        If the database was written by a newer runtime.
    """
    wanted = newest_version() if to is None else to
    async with connection.transaction(isolation="read_committed"):
        # A lock of the transaction, not of the session: behind PgBouncer in transaction mode, two statements
        # outside a transaction may reach two sessions, and the lock of the first would never be let go.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        await connection.execute(_VERSIONS)
        version: int = await connection.fetchval("SELECT coalesce(max(version), 0) FROM greenlang_versions")
        if version > newest_version():
            raise StoreError(
                f"the store is of version {version}, and this runtime knows {newest_version()}",
                fix="use the runtime that wrote it, or a newer one",
            )
        for number in range(version + 1, wanted + 1):
            await connection.execute(migrations("up")[number])
            await connection.execute("INSERT INTO greenlang_versions (version) VALUES ($1)", number)
        for number in range(version, wanted, -1):
            await connection.execute(migrations("down")[number])
            await connection.execute("DELETE FROM greenlang_versions WHERE version = $1", number)
    return version
