"""Tenants that PostgreSQL itself keeps apart: in every table of the catalogue, and to whoever asks."""

import asyncio

import asyncpg
import pytest
from postgresql_server import OWNER, with_connection
from stored import NOW, execution, record, seal

from greenlang.errors import StoreError
from greenlang.stores import ApiKey, open_store
from greenlang.stores.postgresql.database import migrate
from greenlang.stores.rows import EVERYBODY, Administrator, Insert
from greenlang.stores.tables import (
    AUDIT_LOG,
    CONFIGURATIONS,
    METERING,
    ORGANISATIONS,
    OWN_FACTORS,
    QUOTA_WARNINGS,
    QUOTAS,
    REGISTRATIONS,
    SECRETS,
    TENANTS,
    USAGE,
    USERS,
    WORKFLOWS,
    AgentState,
    AuditEntry,
    Configuration,
    Metered,
    Organisation,
    OwnFactors,
    Quotas,
    QuotaWarning,
    Registration,
    SavedWorkflow,
    Secret,
    Tenant,
    Usage,
    User,
)

# ruff: noqa: S608  the names of tables are ours

OPERATOR = Administrator("operations", "key:1")

#: Every table that has tenants, and every role that works for them, as the catalogue has them.
UNGUARDED = """
    SELECT c.relname AS name, r.role, c.relrowsecurity AND c.relforcerowsecurity AS forced,
        EXISTS (
            SELECT FROM pg_policies p WHERE p.tablename = c.relname
            AND p.roles = ARRAY['greenlang_tenant']::name[] AND p.cmd = 'ALL'
            AND p.qual = $1 AND p.with_check = $1
        ) AS guarded,
        EXISTS (
            SELECT FROM pg_policies p WHERE p.tablename = c.relname
            AND NOT p.roles <@ ARRAY['greenlang_tenant', 'greenlang_worker', 'greenlang_admin']::name[]
        ) AS opened,
        EXISTS (
            SELECT FROM pg_policies p WHERE p.tablename = c.relname AND 'greenlang_tenant' = ANY(p.roles)
            AND p.qual IS DISTINCT FROM $1
        ) AS widened
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        unnest(ARRAY['greenlang_tenant', 'greenlang_worker', 'greenlang_admin']) AS r(role)
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname = 'public'
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant')
        AND has_table_privilege(r.role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
    ORDER BY 1, 2
"""

GUARD = "(tenant = ( SELECT current_setting('greenlang.tenant'::text, true) AS current_setting))"


async def unguarded(connection):
    """What would let one tenant at what is another's, and the tables that were looked at."""
    rows = await connection.fetch(UNGUARDED, GUARD)
    wrong = [
        f"{row['name']} for {row['role']}"
        for row in rows
        if not row["forced"] or not row["guarded"] or row["opened"] or row["widened"]
    ]
    return wrong, sorted({row["name"] for row in rows})


def samples(tenant):
    """A row for each table, with the scope that may write it."""
    times = {"created_at": NOW, "changed_at": NOW}
    amounts = dict.fromkeys(Quotas.__struct_fields__[1:-2], 1)
    return [
        (
            OPERATOR,
            [
                Insert(TENANTS, Tenant(tenant=tenant, name="A", tier="pro", status="active", **times)),
                Insert(QUOTAS, Quotas(tenant=tenant, changed_at=NOW, **amounts)),
            ],
        ),
        (
            tenant,
            [
                Insert(CONFIGURATIONS, Configuration(tenant=tenant, document=b"{}", changed_at=NOW)),
                Insert(
                    ORGANISATIONS,
                    Organisation(tenant=tenant, id="hq", parent=None, name="HQ", created_at=NOW),
                ),
                Insert(
                    USERS,
                    User(tenant=tenant, id="mia", name="Mia", organisation="hq", roles=(), **times),
                ),
                Insert(
                    REGISTRATIONS,
                    Registration(
                        tenant=tenant, agent="a.b", version="1", state=AgentState.DRAFT, reason="", **times
                    ),
                ),
                Insert(
                    WORKFLOWS,
                    SavedWorkflow(
                        tenant=tenant,
                        name="w",
                        version=1,
                        program="sum",
                        summary="",
                        plan_hash="",
                        created_at=NOW,
                        created_by="mia",
                    ),
                ),
                Insert(
                    OWN_FACTORS,
                    OwnFactors(tenant=tenant, name="f", text="", changed_at=NOW, changed_by="mia"),
                ),
                Insert(AUDIT_LOG, AuditEntry(tenant=tenant, at=NOW, actor="mia", action="a", subject="s")),
                Insert(SECRETS, Secret(tenant=tenant, name="s", key_id="k", value=b"x", changed_at=NOW)),
            ],
        ),
        (
            EVERYBODY,
            [
                Insert(
                    METERING,
                    Metered(tenant=tenant, execution_id="e", attempt=1, at=NOW, cpu_microseconds=1, tokens=1),
                ),
                Insert(USAGE, Usage(tenant=tenant, day=1, executions=1, cpu_microseconds=1, tokens=1)),
                Insert(
                    QUOTA_WARNINGS,
                    QuotaWarning(tenant=tenant, day=1, quota="agents", at=NOW, used=8, allowed=10),
                ),
            ],
        ),
    ]


@pytest.fixture(scope="module")
def filled(postgresql_server):
    """A database in which two tenants have a row in every table."""
    url = postgresql_server.url(postgresql_server.new_database(), OWNER)

    async def fill():
        store = open_store(url, seal)
        for tenant in ("acme", "other"):
            new = execution(tenant=tenant, idempotency_key="k", webhook="https://example.org/")
            await store.submit_finished(new, result=b"1", record=record(tenant))
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
            for scope, changes in samples(tenant):
                assert await store.rows.write(scope, changes)
        await store.close()

    asyncio.run(fill())
    return url


@pytest.fixture
def of_tenants(filled):
    return with_connection(filled, unguarded)[1]


async def become(connection, role, tenant="acme"):
    await connection.execute(
        "SELECT set_config('role', $1, true), set_config('greenlang.tenant', $2, true)", role, tenant
    )


def test_the_catalogue_shows_no_table_that_is_not_guarded(filled):
    wrong, looked_at = with_connection(filled, unguarded)
    assert wrong == []
    assert len(looked_at) >= 18


def test_every_table_has_rows_of_both_tenants_to_be_looked_for(filled, of_tenants):
    async def use(connection):
        transaction = connection.transaction()
        await transaction.start()
        for table in of_tenants:
            await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        counts = {
            table: await connection.fetchval(f"SELECT count(DISTINCT tenant) FROM {table}")
            for table in of_tenants
        }
        await transaction.rollback()
        return counts

    counts = with_connection(filled, use)
    assert {table for table, count in counts.items() if count < 2} == set()


@pytest.mark.parametrize(
    "removed",
    [
        "DROP POLICY of_tenant ON {}",
        "ALTER POLICY of_tenant ON {} USING (true)",
        "ALTER POLICY of_tenant ON {} WITH CHECK (true)",
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY too_much ON {} TO greenlang_tenant USING (true)",
        "CREATE POLICY of_all ON {} USING (true)",
    ],
)
def test_a_guard_that_is_taken_away_by_hand_is_found(filled, of_tenants, removed):
    async def use(connection):
        missed = []
        for table in of_tenants:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(removed.format(table))
            wrong, _ = await unguarded(connection)
            if not any(one.startswith(f"{table} for ") for one in wrong):
                missed.append(table)
            await transaction.rollback()
        return missed

    assert with_connection(filled, use) == []


def test_a_tenant_reads_nothing_of_another_in_any_table(filled, of_tenants):
    async def use(connection):
        seen = {}
        for table in of_tenants:
            async with connection.transaction():
                await become(connection, "greenlang_tenant")
                if await connection.fetchval(f"SELECT has_table_privilege('{table}', 'SELECT')"):
                    rows = await connection.fetch(f"SELECT DISTINCT tenant FROM {table}")
                    assert await connection.fetch(f"SELECT FROM {table} WHERE tenant = 'other'") == []
                    seen[table] = [row["tenant"] for row in rows]
        return seen

    assert with_connection(filled, use) == {table: ["acme"] for table in of_tenants}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET tenant = 'acme' WHERE tenant = 'other'",
        "UPDATE {} SET tenant = 'other'",
        "DELETE FROM {} WHERE tenant = 'other'",
        "INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM copied",
        "TRUNCATE {}",
        "COPY {} FROM PROGRAM 'true'",
    ],
)
def test_a_tenant_changes_nothing_of_another_in_any_table(filled, of_tenants, statement):
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)

    async def use(connection):
        for table in of_tenants:
            transaction = connection.transaction()
            await transaction.start()
            if "copied" in statement:
                # A row of the other tenant's, told by somebody who may see it.
                await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
                await connection.execute(
                    f"CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM {table} WHERE tenant = 'other'"
                )
                await connection.execute("GRANT SELECT ON copied TO greenlang_tenant")
                await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            await become(connection, "greenlang_tenant")
            try:
                async with connection.transaction():
                    done = await connection.execute(statement.format(table))
                assert done.endswith(" 0"), f"{table}: {done}"
            except refused:
                pass
            await transaction.rollback()

    with_connection(filled, use)


@pytest.mark.parametrize("role", ["greenlang_tenant", "greenlang_worker", "greenlang_admin"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["audit_log", "workflows"])
def test_what_is_written_down_is_refused_to_every_role(filled, role, statement, table):
    async def use(connection):
        async with connection.transaction():
            await connection.execute("SELECT set_config('greenlang.admin', 'somebody', true)")
            await become(connection, role)
            column = "actor" if table == "audit_log" else "program"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(statement.format(table, column, column))

    with_connection(filled, use)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_the_owner_too_is_refused_to_rewrite_the_audit_log(filled, statement):
    async def use(connection):
        async with connection.transaction():
            await connection.execute("ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY")
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is append-only"):
                async with connection.transaction():
                    await connection.execute(statement)
            await connection.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")

    with_connection(filled, use)


class TestAdministrators:
    def test_they_see_nothing_before_they_say_who_they_are(self, filled):
        async def use(connection):
            async with connection.transaction():
                await become(connection, "greenlang_admin", "")
                nobody = await connection.fetchval("SELECT count(*) FROM tenants")
                await connection.execute("SELECT set_config('greenlang.admin', 'mia', true)")
                return nobody, await connection.fetchval("SELECT count(*) FROM tenants")

        assert with_connection(filled, use) == (0, 2)

    def test_members_of_their_role_see_no_more_for_it(self, filled):
        """The user of the store may become an administrator, and is none before it does."""

        async def use(connection):
            async with connection.transaction():
                await connection.execute("SELECT set_config('greenlang.admin', 'mia', true)")
                return await connection.fetchval("SELECT count(*) FROM tenants")

        assert with_connection(filled, use) == 0

    @pytest.mark.parametrize("table", ["secrets", "executions", "calculations", "api_keys", "own_factors"])
    def test_what_tenants_keep_is_not_theirs_to_read(self, filled, table):
        async def use(connection):
            async with connection.transaction():
                await connection.execute("SELECT set_config('greenlang.admin', 'mia', true)")
                await become(connection, "greenlang_admin", "")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.fetch(f"SELECT FROM {table}")

        with_connection(filled, use)

    def test_no_tenant_raises_its_own_quotas(self, filled):
        async def use():
            store = open_store(filled, seal)
            (kept,) = await store.rows.rows("acme", QUOTAS)
            with pytest.raises(StoreError, match="permission denied"):
                await store.rows.write("acme", [Insert(QUOTAS, kept)])
            await store.close()

        asyncio.run(use())


def test_the_tables_go_and_come_back(empty_postgresql_url):
    async def use(connection):
        await migrate(connection)
        await migrate(connection, 5)
        assert await connection.fetchval("SELECT to_regclass('audit_log')") is None
        await migrate(connection)
        return await unguarded(connection)

    wrong, looked_at = with_connection(empty_postgresql_url, use)
    assert wrong == []
    assert "audit_log" in looked_at
