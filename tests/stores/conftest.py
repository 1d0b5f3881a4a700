"""Every store under the same tests: a new one joins `url`."""

import asyncio
import itertools
from pathlib import Path

import asyncpg
import pytest
from postgresql_server import postgresql
from stored import seal

from greenlang.stores import open_store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server):
    """A database of the test's own, whose owner is nobody special."""
    name = f"test_{next(_numbers)}"

    async def make():
        connection = await asyncpg.connect(postgresql_server.url("postgres"))
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = 'runtime'"):
            await connection.execute("CREATE ROLE runtime LOGIN CREATEROLE")
        await connection.execute(f"CREATE DATABASE {name} OWNER runtime")
        await connection.close()

    asyncio.run(make())
    return postgresql_server.url(name, "runtime")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'runtime.db'}"}[request.param]


@pytest.fixture
def run(url):
    """Runs a test's coroutine on a fresh store."""

    def run_on_a_store(use):
        async def main():
            store = open_store(url, seal)
            try:
                return await use(store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run_on_a_store


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "runtime.db"
