"""Every store under the same tests."""

from pathlib import Path

import pytest
from postgresql_server import OWNER
from store_fixtures import run, sqlite_url, url  # noqa: F401  fixtures of this folder's tests
from stored import NOW, execution, record, with_store

from greenlang.stores import ApiKey, NewEvent


@pytest.fixture
def empty_postgresql_url(postgresql_server):
    """A database of the test's own in which there is nothing yet."""
    return postgresql_server.url(postgresql_server.new_database(schema=False), OWNER)


@pytest.fixture
def filled(postgresql_url):
    """A store in which two tenants have a row in every table."""

    async def fill(store):
        for tenant in ("acme", "other"):
            new = execution(tenant=tenant, idempotency_key="k", webhook="https://example.org/")
            await store.submit_finished(new, result=b"1", record=record(tenant))
            await store.append_event(tenant, "a.b", NewEvent("built"), at=NOW, aggregate_type="agent")
            await store.add_api_key(
                ApiKey(
                    id=f"key-{tenant}",
                    tenant=tenant,
                    name="nightly",
                    roles=("viewer",),
                    secret_hash=bytes(32),
                    created_at=new.created_at,
                    expires_at=None,
                    revoked_at=None,
                )
            )

    with_store(postgresql_url, fill)
    return postgresql_url


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "runtime.db"
