"""The schema in PostgreSQL: up, down, by many at once, and the months that it is divided by."""

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime

import asyncpg
import pytest
from postgresql_server import with_connection
from stored import SECOND, record, seal, with_store

from greenlang.errors import StoreError
from greenlang.stores import State, open_store
from greenlang.stores.postgresql.database import migrate, migrations, newest_version
from greenlang.stores.postgresql.partitions import keep_partitions

# ruff: noqa: S608  the names of tables are ours


class OfPooler:
    """A connection as PgBouncer in transaction mode gives it: each transaction may be in another session."""

    def __init__(self, sessions):
        self._turns = itertools.cycle(sessions)
        self._held = None

    async def execute(self, *arguments):
        return await (self._held or next(self._turns)).execute(*arguments)

    async def fetchval(self, *arguments):
        return await (self._held or next(self._turns)).fetchval(*arguments)

    @contextlib.asynccontextmanager
    async def transaction(self, **options):
        self._held = next(self._turns)
        try:
            async with self._held.transaction(**options):
                yield
        finally:
            self._held = None


async def tables(connection):
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


def test_they_go_up_and_down_and_up_again(empty_postgresql_url):
    async def use(connection):
        assert await migrate(connection) == 0
        first = await tables(connection)
        assert await migrate(connection, 0) == newest_version()
        assert await tables(connection) == {"greenlang_versions"}
        assert await migrate(connection) == 0
        return first, await tables(connection)

    first, second = with_connection(empty_postgresql_url, use)
    assert first == second > {"executions", "events", "calculations", "api_keys"}


def test_each_has_its_way_back():
    assert set(migrations("up")) == set(migrations("down")) == set(range(1, newest_version() + 1))


def test_nodes_that_start_together_wait_for_one_another(empty_postgresql_url):
    async def main():
        stores = [open_store(empty_postgresql_url, seal) for _ in range(4)]
        counts = await asyncio.gather(*(store.counts() for store in stores))
        await asyncio.gather(*(store.close() for store in stores))
        return counts

    assert len(asyncio.run(main())) == 4


def test_behind_a_pooler_that_changes_sessions_no_lock_is_left(empty_postgresql_url):
    async def main():
        sessions = [await asyncpg.connect(empty_postgresql_url) for _ in range(2)]
        pooled = OfPooler(sessions)
        try:
            assert await migrate(pooled) == 0
            left = await sessions[0].fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            # A node that starts later, on either session, waits for nobody.
            later = [await asyncio.wait_for(migrate(session), 5) for session in (*sessions, pooled, pooled)]
        finally:
            await asyncio.gather(*(session.close() for session in sessions))
        return left, later

    left, later = asyncio.run(main())
    assert left == 0
    assert later == [newest_version()] * 4


def test_a_database_of_a_newer_runtime_is_refused(filled):
    with_connection(
        filled,
        lambda connection: connection.execute("INSERT INTO greenlang_versions (version) VALUES (99)"),
    )
    with pytest.raises(StoreError, match="is of version 99"):
        with_store(filled, lambda store: store.counts())


def test_months_have_partitions_of_their_own(filled):
    async def use(connection):
        await keep_partitions(connection)
        return await connection.fetch(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY relname"
        )

    names = [row["relname"] for row in with_connection(filled, use)]
    assert len(names) == 3
    assert names[-1] == "calculations_of_other_months"


def test_a_month_of_which_a_node_that_was_ahead_wrote_something_has_none_and_the_next_has(
    filled, monkeypatch
):
    ahead = datetime(2031, 5, 7, tzinfo=UTC).timestamp()
    early = record(created_at=int(ahead) * SECOND)
    with_store(filled, lambda store: store.add_calculation(early))
    monkeypatch.setattr("greenlang.stores.postgresql.partitions.time.time", lambda: ahead)
    late = record(created_at=int(ahead) * SECOND + 1)

    async def use(store):
        await store.add_calculation(late)
        return [await store.calculation("acme", one.calculation_id) for one in (early, late)]

    assert [found.record for found in with_store(filled, use)] == [early.record, late.record]
    names = with_connection(
        filled,
        lambda connection: connection.fetch("SELECT relname FROM pg_class WHERE relname LIKE '%of_2031%'"),
    )
    assert {row["relname"] for row in names if row["relname"].endswith(("05", "06"))} == {
        "calculations_of_2031_06"
    }


def test_each_goes_down_where_there_is_something_and_keeps_what_the_one_before_knew(filled):
    async def use(connection):
        for version in range(newest_version() - 1, 0, -1):
            await migrate(connection, version)
        left = {}
        for table in ("executions", "events", "calculations"):
            await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            left[table] = await connection.fetchval(f"SELECT count(*) FROM {table}")
            await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        return left

    assert with_connection(filled, use) == {"executions": 2, "events": 8, "calculations": 2}
    assert with_store(filled, lambda store: store.counts())[State.COMPLETED] == 2
