"""Fixtures of those who test what goes on above any store: a new store joins `url`."""

import pytest
from stored import with_store


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request, tmp_path):
    """A fresh store of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return {"memory": "memory:", "sqlite": f"sqlite:{tmp_path / 'runtime.db'}"}[request.param]


@pytest.fixture
def run(url):
    """Runs a test's coroutine on a fresh store."""
    return lambda use: with_store(url, use)
