"""Fixtures of those who test what goes on above any store: a new store joins `url`."""

import pytest
from stored import quick_folder, with_store


@pytest.fixture
def sqlite_url():
    """A file that is not there yet."""
    with quick_folder() as folder:
        yield f"sqlite:{folder}/runtime.db"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request):
    """A fresh store of each kind."""
    return "memory:" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def run(url):
    """Runs a test's coroutine on a fresh store."""
    return lambda use: with_store(url, use)
