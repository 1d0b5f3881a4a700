"""A store of each kind that needs no server: what is kept is the same in every one of them."""

import pytest
from store_fixtures import run  # noqa: F401  a fixture of this folder's tests


@pytest.fixture(params=["memory", "sqlite"])
def url(request, tmp_path):
    return "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'runtime.db'}"
