"""A store of each kind that needs no server: what is kept is the same in every one of them."""

import pytest
from store_fixtures import run, sqlite_url  # noqa: F401  fixtures of this folder's tests


@pytest.fixture(params=["memory", "sqlite"])
def url(request):
    return "memory:" if request.param == "memory" else request.getfixturevalue("sqlite_url")
