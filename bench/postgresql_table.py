"""The speed table of PostgreSQL: `make bench-postgresql`, what it costs to keep tenants apart.

Moves with the policies in `greenlang/stores/postgresql/*.sql` and the statements of `reading` there. Both
sides are the same transaction, with its `set_config`, on the same rows; one of them without policies.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import uvloop

from greenlang.engine.tenancy import quotas_of
from greenlang.stores import ExecutionFilter, open_store
from greenlang.stores.postgresql import reading
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.postgresql.sessions import as_tenant
from greenlang.stores.rows import Administrator, Insert
from greenlang.stores.tables import QUOTAS, TENANTS, Tenant

from . import ROOT
from .rows import Row

sys.path.insert(0, str(ROOT / "tests" / "support"))
from postgresql_server import PostgresqlServer, postgresql
from stored import NOW, execution, record, seal

TENANTS_COUNT = 200
EXECUTIONS = 60

#: Transactions of each side in a round; many short rounds of both in turn, so that noise hits both.
TRANSACTIONS = 60
ROUNDS = 61

OPERATOR = Administrator("operations", "bench")

#: What a tenant asks, given its transaction, its name and the id of an execution of its own.
Question = Callable[[Connection, str, str], Awaitable[object]]


def names() -> list[str]:
    return [f"tenant-{number:04}" for number in range(TENANTS_COUNT)]


async def fill(url: str) -> dict[str, str]:
    """Tenants with executions of their own, and the id of one of each."""
    store = open_store(url, seal)
    ids = {}
    for name in names():
        times = {"created_at": NOW, "changed_at": NOW}
        made = Tenant(tenant=name, name=name, tier="pro", status="active", **times)
        await store.rows.write(OPERATOR, [Insert(TENANTS, made), Insert(QUOTAS, quotas_of(name, "pro", NOW))])
        new = [execution(tenant=name) for _ in range(EXECUTIONS)]
        await asyncio.gather(*(store.submit_finished(one, result=b"1", record=record(name)) for one in new))
        ids[name] = new[-1].id
    await store.close()
    return ids


async def databases(server: PostgresqlServer) -> tuple[str, str, dict[str, str]]:
    """Two databases of the same rows, the second without policies, and an execution of each tenant."""
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute("CREATE ROLE runtime LOGIN CREATEROLE")
    await connection.execute("CREATE DATABASE guarded OWNER runtime")
    guarded = server.url("guarded", "runtime")
    ids = await fill(guarded)
    await connection.execute("CREATE DATABASE bare TEMPLATE guarded OWNER runtime")
    await connection.close()
    for name in ("guarded", "bare"):
        connection = await asyncpg.connect(server.url(name))
        if name == "bare":
            tables = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
            )
            for table in tables:
                await connection.execute(f"ALTER TABLE {table['relname']} DISABLE ROW LEVEL SECURITY")
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
    return guarded, server.url("bare", "runtime"), ids


async def seconds(connection: Connection, ids: dict[str, str], question: Question) -> float:
    asked = list(ids.items())
    began = time.perf_counter()
    for number in range(TRANSACTIONS):
        tenant, execution_id = asked[number % len(asked)]
        async with connection.transaction(readonly=True):
            await as_tenant(connection, tenant)
            await question(connection, tenant, execution_id)
    return time.perf_counter() - began


async def ratio(question: Question) -> float:
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as server:
        guarded, bare, ids = await databases(server)
        sides = [await asyncpg.connect(url) for url in (guarded, bare)]
        for side in sides:
            await seconds(side, ids, question)
        found = []
        for number in range(ROUNDS):
            first, second = sides if number % 2 else sides[::-1]
            took = {id(side): await seconds(side, ids, question) for side in (first, second)}
            found.append(took[id(sides[0])] / took[id(sides[1])])
        for side in sides:
            await side.close()
    return statistics.median(found)


async def one_execution(connection: Connection, tenant: str, execution_id: str) -> object:
    found = await reading.execution(connection, tenant, execution_id)
    assert found is not None
    return found


async def a_page(connection: Connection, tenant: str, _: str) -> object:
    page = await reading.executions(connection, tenant, ExecutionFilter(), 50, None)
    assert len(page.rows) == 50
    return page


async def its_events(connection: Connection, tenant: str, execution_id: str) -> object:
    events = await reading.events(connection, tenant, "execution", execution_id, 0, 100)
    assert events
    return events


async def its_count(connection: Connection, tenant: str, _: str) -> object:
    return await connection.fetchval("SELECT count(*) FROM executions WHERE tenant = $1", tenant)


BARE = "the same transaction, without policies"

ROWS = [
    Row("one execution of a tenant", BARE, 1.2, lambda: uvloop.run(ratio(one_execution))),
    Row("a page of 50 executions", BARE, 1.2, lambda: uvloop.run(ratio(a_page))),
    Row("the events of an execution", BARE, 1.2, lambda: uvloop.run(ratio(its_events))),
    Row("a count over a tenant's executions", BARE, 1.2, lambda: uvloop.run(ratio(its_count))),
]
