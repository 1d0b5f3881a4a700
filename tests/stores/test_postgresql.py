"""What is special about the store of many nodes: tenants that the database keeps apart, nodes, migrations."""

import asyncio
import contextlib
import multiprocessing
import signal
import time

import asyncpg
import pytest
from postgresql_server import with_connection
from stored import NOW, SECOND, execution, record, seal, with_store

from greenlang.errors import InputError, StoreError
from greenlang.stores import Change, ExecutionFilter, NewEvent, State, open_store
from greenlang.stores.postgresql import PostgresqlStore
from greenlang.stores.statements import stored_bytes

# ruff: noqa: S608  the names of tables are ours

OF_TENANTS = ("executions", "events", "idempotency_keys", "calculations", "deliveries", "api_keys")


async def as_role(connection, role, statement):
    """Run a statement as a role, of the tenant acme."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {role}")
        await connection.execute("SELECT set_config('greenlang.tenant', 'acme', true)")
        await connection.execute(statement)


async def as_owner(connection, statement):
    """Run a statement as the owner, who looks past row-level security."""
    async with connection.transaction():
        for table in OF_TENANTS:
            await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        await connection.execute(statement)


async def tables(connection):
    """Every table of ours, of the catalogue: a table that is added later is tested too."""
    rows = await connection.fetch(
        "SELECT c.relname AS name, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,"
        " EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant') AS of_tenant"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND NOT c.relispartition"
    )
    return {row["name"]: row for row in rows}


class TestTenants:
    def test_every_table_with_a_tenant_is_forced_to_guard_it(self, filled):
        found = with_connection(filled, tables)
        assert {name for name, row in found.items() if row["of_tenant"]} > set(OF_TENANTS)
        for name in OF_TENANTS:
            assert (found[name]["secured"], found[name]["forced"]) == (True, True), name

    @pytest.mark.parametrize("table", OF_TENANTS)
    def test_a_tenant_sees_and_changes_its_own_rows_alone(self, filled, table):
        async def use(connection):
            async with connection.transaction():
                await connection.execute("SET LOCAL ROLE greenlang_tenant")
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
                await connection.execute("SELECT set_config('greenlang.tenant', $1, true)", "acme")
                seen = await connection.fetch(f"SELECT DISTINCT tenant FROM {table}")
                assert [row["tenant"] for row in seen] == ["acme"]
                named = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE tenant = 'other'")
                assert named == 0
            statement = f"UPDATE {table} SET tenant = 'other'"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_role(connection, "greenlang_tenant", statement)

        with_connection(filled, use)

    @pytest.mark.parametrize("table", OF_TENANTS)
    def test_the_owner_of_the_tables_sees_nothing_without_a_role(self, filled, table):
        count = with_connection(
            filled, lambda connection: connection.fetchval(f"SELECT count(*) FROM {table}")
        )
        assert count == 0

    @pytest.mark.parametrize("table", OF_TENANTS)
    def test_without_its_policy_the_others_rows_would_be_seen(self, filled, table):
        """The tests above fail where a policy is missing: this is what they would see."""

        async def use(connection):
            async with connection.transaction():
                await connection.execute(f"DROP POLICY of_tenant ON {table}")
                await connection.execute(
                    f"CREATE POLICY of_tenant ON {table} TO greenlang_tenant USING (true)"
                )
                await connection.execute("SET LOCAL ROLE greenlang_tenant")
                await connection.execute("SELECT set_config('greenlang.tenant', $1, true)", "acme")
                return await connection.fetchval(f"SELECT count(DISTINCT tenant) FROM {table}")

        assert with_connection(filled, use) == 2

    def test_without_policies_the_statements_name_their_tenant_all_the_same(self, filled):
        async def drop(connection):
            for table in OF_TENANTS:
                await connection.execute(f"ALTER POLICY of_tenant ON {table} USING (true) WITH CHECK (true)")

        async def use(store):
            row = (await store.executions("other", ExecutionFilter(), limit=10)).rows[0]
            key = (await store.api_keys("other"))[0]
            change = Change(
                id=row.id,
                tenant="acme",
                expected=tuple(State),
                to=State.QUEUED,
                at=NOW,
                event=NewEvent("queued"),
            )
            listed = await store.executions("acme", ExecutionFilter(), limit=10)
            assert [one.tenant for one in listed.rows] == ["acme"]
            assert [one.tenant for one in await store.api_keys("acme")] == ["acme"]
            assert await store.execution("acme", row.id) is None
            assert await store.events("acme", row.id) == ()
            assert await store.deliveries("acme", row.id) == ()
            assert await store.calculation("other", row.calculation_id) is not None
            assert await store.calculation("acme", row.calculation_id) is None
            assert not await store.change(change)
            assert await store.request_cancel("acme", row.id, at=NOW) is None
            assert not await store.revoke_api_key("acme", key.id, at=NOW)
            again = await store.submit(execution(tenant="acme", idempotency_key="k"))
            assert again.id == listed.rows[0].id

        with_connection(filled, drop)
        with_store(filled, use)

    def test_a_tenant_without_a_name_is_a_tenant_and_not_the_workers(self, filled):
        async def use(store):
            await store.submit(execution(tenant="other"))
            # Both are of one transaction, which is first this tenant's and then the workers'.
            _, claimed = await asyncio.gather(
                store.submit(execution(tenant="")),
                store.claim("w", limit=9, now=NOW + 10**9, lease=SECOND),
            )
            assert [row.tenant for row in claimed] == ["other", ""]

        with_store(filled, use)

    def test_the_roles_bypass_nothing(self, filled):
        async def use(connection):
            return await connection.fetch(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
                " WHERE rolname LIKE 'greenlang%'"
            )

        rows = with_connection(filled, use)
        assert len(rows) == 3
        assert not any(row[1] or row[2] or row[3] for row in rows)

    @pytest.mark.parametrize(
        "tenant", ["' OR true --", "acme'; DROP TABLE events; --", "%", "*", "acme\\", "", "ACME", "acme "]
    )
    def test_a_tenant_is_a_parameter_whatever_it_looks_like(self, filled, tenant):
        async def use(store):
            return await store.executions(tenant, ExecutionFilter(), limit=10)

        assert with_store(filled, use).rows == ()

    def test_nothing_of_a_tenant_stays_on_a_connection(self, filled):
        """As behind PgBouncer: the next transaction on the connection is somebody else's."""

        async def use(connection):
            async with connection.transaction():
                await connection.execute(
                    "SELECT set_config('role', 'greenlang_tenant', true),"
                    " set_config('greenlang.tenant', 'acme', true)"
                )
                assert await connection.fetchval("SELECT count(*) FROM executions") == 1
            await connection.execute("SET ROLE greenlang_tenant")
            return await connection.fetchval("SELECT count(*) FROM executions")

        assert with_connection(filled, use) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO commits SELECT number + 7, 'x', head, leaves FROM commits",
        "INSERT INTO calculations SELECT 'x', 'acme', 0, 1, 7, 'x', ''",
    ],
)
def test_a_tenant_adds_nothing_to_the_ledger_by_itself(filled, statement):
    async def use(connection):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_role(connection, "greenlang_tenant", statement)
        await as_role(connection, "greenlang_worker", statement)

    with_connection(filled, use)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET type = 'other'",
        "DELETE FROM events WHERE aggregate_type = 'agent'",
        "UPDATE commits SET number = 7",
        "DELETE FROM commits",
        "TRUNCATE commits CASCADE",
        "UPDATE calculations SET position = 7",
        "DELETE FROM calculations",
        "TRUNCATE calculations",
    ],
)
def test_the_log_and_the_ledger_cannot_be_rewritten(filled, statement):
    async def use(connection):
        refused = (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)
        for role in ("greenlang_tenant", "greenlang_worker"):
            with pytest.raises(refused):
                await as_role(connection, role, statement)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is append-only"):
            await as_owner(connection, statement)

    with_connection(filled, use)


def _submit_many(url, start, results):
    async def use(store):
        for number in range(100):
            new = execution(id=f"exec_{start}_{number:04}")
            await store.submit_finished(
                new, result=b"1", record=record(calculation_id=f"calc_{start}_{number}")
            )

    with_store(url, use)
    results.put(start)


class TestNodes:
    def test_they_share_a_database_and_one_chain(self, postgresql_url):
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        nodes = [
            context.Process(target=_submit_many, args=(postgresql_url, start, results)) for start in range(3)
        ]
        for node in nodes:
            node.start()
        for node in nodes:
            node.join(60)
            assert node.exitcode == 0

        async def use(store):
            previous, count = None, 0
            async for link in store.commits():
                previous = seal(link.leaves, previous).chain_hash
                assert link.head.decode() == previous
                count += len(link.leaves)
            return count, (await store.counts())[State.COMPLETED]

        assert with_store(postgresql_url, use) == (300, 300)

    def test_no_two_claim_the_same(self, postgresql_url):
        async def main():
            stores = [open_store(postgresql_url, seal) for _ in range(3)]
            for _ in range(60):
                await stores[0].submit(execution())
            now = 2_000_000_000_000_000
            claimed = await asyncio.gather(
                *(
                    store.claim(f"w{number}", limit=5, now=now, lease=1_000_000)
                    for store in stores * 6
                    for number in range(1)
                )
            )
            await asyncio.gather(*(store.close() for store in stores))
            return [row.id for rows in claimed for row in rows]

        ids = asyncio.run(main())
        assert len(ids) == len(set(ids)) == 60

    def test_they_purge_together_and_count_each_once(self, postgresql_url):
        async def main():
            stores = [open_store(postgresql_url, seal) for _ in range(3)]
            for _ in range(90):
                await stores[0].submit_finished(execution(), result=b"1", record=None)
            await asyncio.gather(*(store.counts() for store in stores))
            counts = await asyncio.gather(*(store.purge(before=NOW * 2) for store in stores))
            left = await stores[0].counts()
            await asyncio.gather(*(store.close() for store in stores))
            return sum(counts), sum(left.values())

        assert asyncio.run(main()) == (90, 0)

    def test_they_share_a_chain_whatever_isolation_the_database_is_set_up_with(
        self, empty_postgresql_url, postgresql_server
    ):
        name = empty_postgresql_url.rpartition("/")[2]
        with_connection(
            postgresql_server.url("postgres"),
            lambda connection: connection.execute(
                f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
            ),
        )

        async def main():
            stores = [open_store(empty_postgresql_url, seal) for _ in range(4)]
            await asyncio.gather(*(store.counts() for store in stores))
            for _ in range(10):
                await asyncio.gather(*(store.add_calculation(record()) for store in stores))
            links = [link async for link in stores[0].commits()]
            await asyncio.gather(*(store.close() for store in stores))
            return links

        assert sum(len(link.leaves) for link in asyncio.run(main())) == 40


class TestClocks:
    @pytest.mark.parametrize("ahead", [-3600, -1, 1, 3600], ids="{}s".format)
    def test_a_node_whose_clock_differs_takes_nothing_early_and_holds_nothing_long(
        self, postgresql_url, monkeypatch, ahead
    ):
        rightly, lease = time.time_ns, 15_000_000

        async def claim(store, worker, *, later=0, ahead=0):
            """Claim on a node whose clock is so many seconds ahead."""
            monkeypatch.setattr("time.time_ns", lambda: rightly() + ahead * 1_000_000_000)
            now = rightly() // 1000 + later + ahead * 1_000_000
            return [row.id for row in await store.claim(worker, limit=1, now=now, lease=lease)]

        async def use(store):
            new = execution(created_at=NOW - 10_000 * SECOND)
            await store.submit(new)
            first = await claim(store, "right")
            kept = await claim(store, "wrong", later=lease - 1_000_000, ahead=ahead)
            lapsed = await claim(store, "wrong", later=lease, ahead=ahead)
            kept += await claim(store, "right", later=2 * lease - 1_000_000)
            again = await claim(store, "right", later=2 * lease + 1_000_000)
            return [first, lapsed, again], kept, new.id

        claimed, kept, one = with_store(postgresql_url, use)
        assert claimed == [[one]] * 3
        assert kept == []


class TestFailures:
    def test_a_server_that_is_not_there_is_told(self):
        with pytest.raises(StoreError, match=r"the store '127\.0\.0\.1/none' cannot be opened") as caught:
            with_store("postgresql://user:secret@127.0.0.1:1/none", lambda store: store.counts())
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("size", ["", "x", "-1", "1.5", "٣", "9999999"])
    def test_a_cache_size_that_is_none_is_refused_before_anything_is_opened(self, size):
        with pytest.raises(InputError, match="statement_cache_size"):
            open_store(f"postgresql://user:secret@127.0.0.1:1/none?statement_cache_size={size}", seal)

    def test_a_url_that_cannot_be_read_is_refused(self):
        with pytest.raises(InputError, match="cannot be read"):
            open_store("postgresql://user:secret@[::1/none", seal)

    @pytest.mark.parametrize("place", ["localhost:port", "[::1]:0", "a:1,b:65536", "u:p@h:", "h:٣"])
    def test_a_port_that_is_none_is_refused_before_anything_is_opened(self, place):
        with pytest.raises(InputError, match="is no port"):
            open_store(f"postgresql://{place}/none", seal)

    @pytest.mark.parametrize("place", ["", "h", "[::1]", "u:p@[::1]:5432,b:1", "%2Fvar%2Frun", "u:p@h"])
    def test_hosts_with_and_without_ports_are_taken(self, place):
        open_store(f"postgresql://{place}/none", seal)

    def test_a_host_that_is_none_is_refused_when_it_is_first_asked_for(self):
        with pytest.raises(InputError, match="cannot be read"):
            with_store(f"postgresql://{'a' * 70}.example.org/none", lambda store: store.counts())

    def test_who_hears_last_that_it_cannot_be_opened_takes_nothing_from_who_tries_again(
        self, postgresql_url, monkeypatch
    ):
        opened, connects = [], iter([False, True, True])
        rightly = PostgresqlStore._connect

        async def connect(store):
            await asyncio.sleep(0.01)
            if not next(connects):
                raise StoreError("not yet")
            opened.append(await rightly(store))
            return opened[-1]

        monkeypatch.setattr(PostgresqlStore, "_connect", connect)

        async def use(store):
            async def persistent():
                while True:
                    with contextlib.suppress(StoreError):
                        return await store.counts()

            await asyncio.gather(persistent(), persistent())
            return len(opened)

        assert with_store(postgresql_url, use) == 1

    def test_a_store_that_is_closed_says_so(self, postgresql_url):
        async def main():
            store = open_store(postgresql_url, seal)
            await store.counts()
            await store.close()
            for ask in (store.counts, lambda: store.submit(execution())):
                with pytest.raises(StoreError, match="clos"):
                    await ask()
            await store.close()

        asyncio.run(main())

    def test_what_a_url_says_besides_goes_to_the_server(self, postgresql_url):
        url = f"{postgresql_url}?statement_cache_size=0&application_name=node-7"
        with_store(url, lambda store: store.submit(execution()))

    def test_a_crash_of_the_server_costs_what_was_not_answered_and_nothing_else(
        self, postgresql_server, postgresql_url
    ):
        async def use(store):
            kept = execution()
            await store.submit(kept)
            # A checkpoint stands for the durable commits of a server in production.
            connection = await asyncpg.connect(postgresql_server.url("postgres"))
            await connection.execute("CHECKPOINT")
            await connection.close()
            postgresql_server.stop(signal.SIGQUIT)
            for _ in range(2):
                with pytest.raises(StoreError):
                    await store.submit(execution())
                with pytest.raises(StoreError):
                    await store.execution("acme", kept.id)
            postgresql_server.start()
            new = execution()
            for _ in range(50):
                try:
                    await store.submit(new)
                    break
                except StoreError:
                    await asyncio.sleep(0.1)
            return await store.execution("acme", kept.id), await store.execution("acme", new.id)

        kept, new = with_store(postgresql_url, use)
        assert kept.state is new.state is State.QUEUED

    def test_its_backups_are_made_by_its_own_tools(self, postgresql_url, tmp_path):
        with pytest.raises(StoreError, match="pg_dump"):
            with_store(postgresql_url, lambda store: store.backup(tmp_path / "copy"))
        assert not (tmp_path / "copy").exists()


def test_commits_wait_for_the_disk_and_locks_end_whatever_the_server_is_set_up_with(postgresql_url):
    """The servers of these tests answer before a commit is on disk, unless they are asked not to."""

    async def use(store):
        async def shown(group):
            told = []
            for become in (lambda: group.as_tenant("acme"), group.as_worker):
                connection = await become()
                for name in ("synchronous_commit", "idle_in_transaction_session_timeout"):
                    told.append(await connection.fetchval(f"SHOW {name}"))
            return told

        return await (await store._writer()).run(shown)

    assert with_store(postgresql_url, use) == ["on", "5s"] * 2


def test_what_a_tenant_has_stored_is_added_up_without_a_look_at_what_others_have(filled):
    statement, values = stored_bytes("acme", "${}".format)

    async def use(connection):
        await connection.execute("SET enable_seqscan = off")  # which a table of two rows is read by else
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))

    plan = with_connection(filled, use)
    assert "Seq Scan" not in plan
    assert plan.count("Index Cond: (tenant") >= 4  # of executions, and of each partition


def test_a_purge_goes_in_portions(postgresql_url, monkeypatch):
    monkeypatch.setattr("greenlang.stores.postgresql.store._PORTION", 3)

    async def use(store):
        for number in range(8):
            new = execution(idempotency_key=f"e{number}", webhook="https://example.org/")
            await store.submit_finished(new, result=b"1", record=None)
            await store.add_calculation(record(), idempotency_key=f"c{number}")
        assert await store.purge(before=NOW * 2) == 8
        assert await store.log(after=0, limit=99) == ()
        again = await store.add_calculation(record(), idempotency_key="c0")
        return again.fresh

    assert with_store(postgresql_url, use)


@pytest.mark.parametrize("seconds", ["0", "soon", "-1", ""])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(InputError, match="statement_seconds"):
        open_store(f"postgresql://localhost/x?statement_seconds={seconds}", seal)
