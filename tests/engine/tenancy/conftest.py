"""A store of each kind that needs no server: what is kept is the same in every one of them."""

import asyncio

import pytest
from stored import seal

from greenlang.stores import open_store


@pytest.fixture(params=["memory", "sqlite"])
def run(request, tmp_path):
    """Runs a test's coroutine on a fresh store."""
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'runtime.db'}"

    def run_on_a_store(use):
        async def main():
            store = open_store(url, seal)
            try:
                return await use(store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run_on_a_store
