"""Every store that there is, as a URL, for what goes on above them."""

import asyncio
import itertools

import asyncpg
import pytest
from postgresql_server import postgresql
from redis_server import redis
from stored import seal

from greenlang.stores import open_store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    with redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server):
    name = f"events_{next(_numbers)}"

    async def make():
        connection = await asyncpg.connect(postgresql_server.url("postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return postgresql_server.url(name)


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
