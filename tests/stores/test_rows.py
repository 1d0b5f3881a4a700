"""The tables of tenants: what every store promises of them."""

import asyncio
import contextlib
import sqlite3

import msgspec
import pytest
from stored import NOW, execution, record, seal

from greenlang.errors import InputError, InternalError
from greenlang.stores import NewEvent, open_store
from greenlang.stores.rows import EVERYBODY, Add, Administrator, AtLeast, Delete, Insert, Replace, Tell
from greenlang.stores.tables import (
    AUDIT_LOG,
    CONFIGURATIONS,
    ORGANISATIONS,
    QUOTAS,
    TABLES,
    TENANTS,
    USAGE,
    USERS,
    WORKFLOWS,
    AuditEntry,
    Configuration,
    Organisation,
    Quotas,
    SavedWorkflow,
    Tenant,
    Usage,
    User,
)

OPERATOR = Administrator("operations", "key:1")


def tenant(name="acme", **changes):
    usual = {"name": name.title(), "tier": "free", "status": "active", "created_at": NOW, "changed_at": NOW}
    return Tenant(tenant=name, **{**usual, **changes})


def entry(tenant="acme", **changes):
    usual = {"at": NOW, "actor": "somebody", "action": "user.added", "subject": "u"}
    return AuditEntry(tenant=tenant, **{**usual, **changes})


def organisation(name, parent=None, tenant="acme"):
    return Organisation(tenant=tenant, id=name, parent=parent, name=name, created_at=NOW)


def user(one, organisation=None, **changes):
    usual = {"name": one, "organisation": organisation, "roles": ("viewer",)}
    times = {"created_at": NOW, "changed_at": NOW}
    return User(**{"tenant": "acme", "id": one, **usual, **times, **changes})


def configuration(tenant="acme", document=b"{}", revision=1):
    return Configuration(tenant=tenant, document=document, changed_at=NOW, revision=revision)


def test_a_row_is_read_as_it_was_written(run):
    limits = Quotas(
        tenant="acme",
        requests_a_minute=60,
        concurrent_executions=10,
        daily_executions=1000,
        daily_compute_minutes=500,
        daily_tokens=10**12,
        storage_bytes=2**40,
        agents=7,
        changed_at=NOW,
    )
    manager = user("mia", roles=("admin", "operator"), name="Mia'); DROP TABLE users; --")

    async def use(store):
        assert await store.rows.write(OPERATOR, [Insert(TENANTS, tenant()), Insert(QUOTAS, limits)])
        assert await store.rows.write("acme", [Insert(USERS, manager)])
        assert await store.rows.rows("acme", TENANTS) == (tenant(),)
        assert await store.rows.rows("acme", QUOTAS) == (limits,)
        assert await store.rows.rows("acme", USERS) == (manager,)

    run(use)


def test_no_tenant_reads_or_changes_what_is_anothers(run):
    async def use(store):
        await store.rows.write(OPERATOR, [Insert(TENANTS, tenant(name)) for name in ("acme", "other")])
        await store.rows.write("acme", [Insert(CONFIGURATIONS, configuration())])
        assert await store.rows.rows("other", CONFIGURATIONS) == ()
        assert [one.tenant for one in await store.rows.rows("other", TENANTS)] == ["other"]
        assert await store.rows.rows("other", TENANTS, where={"tenant": "acme"}) == ()
        for change in (
            Replace(CONFIGURATIONS, configuration(revision=2)),
            Insert(ORGANISATIONS, organisation("hq")),
            Delete(ORGANISATIONS, "acme", ("hq",)),
            Tell("acme", "agent", "a", NewEvent("paused"), NOW),
        ):
            with pytest.raises(InternalError):
                await store.rows.write("other", [change])

    run(use)


def test_all_changes_are_made_or_none(run):
    async def use(store):
        first = [Insert(USERS, user("a")), Insert(AUDIT_LOG, entry(subject="a"))]
        assert await store.rows.write("acme", first)
        unfit = [
            Insert(USERS, user("b")),
            Insert(AUDIT_LOG, entry(subject="b")),
            Tell("acme", "agent", "b", NewEvent("paused"), NOW),
            Insert(USERS, user("a")),
        ]
        assert not await store.rows.write("acme", unfit)
        assert [one.id for one in await store.rows.rows("acme", USERS)] == ["a"]
        assert [one.subject for one in await store.rows.rows("acme", AUDIT_LOG)] == ["a"]
        assert await store.events("acme", "b", aggregate_type="agent") == ()

    run(use)


def test_an_event_comes_with_the_change_that_it_tells_of(run):
    async def use(store):
        told = Tell("acme", "agent", "acme.double@1.0", NewEvent("paused", b'{"reason":"late"}'), NOW)
        await store.rows.write("acme", [Insert(USERS, user("a")), told])
        (event,) = await store.events("acme", "acme.double@1.0", aggregate_type="agent")
        assert (event.event_type, bytes(event.payload)) == ("agent.paused", b'{"reason":"late"}')

    run(use)


def test_of_two_who_change_a_row_one_is_told_that_it_has_changed(run):
    async def use(store):
        await store.rows.write("acme", [Insert(CONFIGURATIONS, configuration())])
        done = await asyncio.gather(
            *(
                store.rows.write("acme", [Replace(CONFIGURATIONS, configuration(document=text, revision=2))])
                for text in (b"1", b"2", b"3")
            )
        )
        assert sorted(done) == [False, False, True]
        (kept,) = await store.rows.rows("acme", CONFIGURATIONS)
        assert (kept.revision, kept.document) == (2, b"123"[done.index(True) : done.index(True) + 1])

    run(use)


def test_numbers_are_added_up_whoever_adds_them(run):
    def used(**changes):
        return Add(USAGE, Usage(tenant="acme", day=20_000, executions=1, **changes))

    async def use(store):
        adding = [used(cpu_microseconds=number, tokens=2) for number in range(1, 6)]
        await asyncio.gather(*(store.rows.write(EVERYBODY, [one]) for one in adding))
        await store.rows.write(EVERYBODY, [adding[0], adding[1]])
        (total,) = await store.rows.rows("acme", USAGE)
        assert (total.executions, total.cpu_microseconds, total.tokens) == (7, 18, 14)

    run(use)


def test_organisations_stand_under_those_that_are_there_and_stay_while_somebody_needs_them(run):
    async def use(store):
        assert not await store.rows.write("acme", [Insert(ORGANISATIONS, organisation("plant", "hq"))])
        await store.rows.write("other", [Insert(ORGANISATIONS, organisation("hq", tenant="other"))])
        assert not await store.rows.write("acme", [Insert(ORGANISATIONS, organisation("plant", "hq"))])
        both = [organisation("hq"), organisation("plant", "hq")]
        assert await store.rows.write("acme", [Insert(ORGANISATIONS, one) for one in both])
        assert not await store.rows.write("acme", [Insert(USERS, user("mia", "nowhere"))])
        assert await store.rows.write("acme", [Insert(USERS, user("mia", "plant"))])
        for name in ("hq", "plant", "nowhere"):
            assert not await store.rows.write("acme", [Delete(ORGANISATIONS, "acme", (name,))])
        away = [
            Delete(USERS, "acme", ("mia",)),
            Delete(ORGANISATIONS, "acme", ("plant",)),
            Delete(ORGANISATIONS, "acme", ("hq",)),
        ]
        assert await store.rows.write("acme", away)
        assert await store.rows.rows("acme", ORGANISATIONS) == ()

    run(use)


def test_lists_go_page_by_page_both_ways(run):
    async def use(store):
        names = [f"tenant-{number:03}" for number in range(7)]
        await store.rows.write(OPERATOR, [Insert(TENANTS, tenant(name)) for name in reversed(names)])
        seen, after = [], None
        while page := await store.rows.rows(OPERATOR, TENANTS, after=after, limit=3):
            seen += [one.tenant for one in page]
            after = (seen[-1],)
        assert seen == names
        for number in range(5):
            await store.rows.write("acme", [Insert(AUDIT_LOG, entry(subject=str(number)))])
        newest = await store.rows.rows("acme", AUDIT_LOG, limit=2, newest_first=True)
        behind = ("acme", newest[-1].sequence)
        rest = await store.rows.rows("acme", AUDIT_LOG, after=behind, newest_first=True)
        assert [one.subject for one in (*newest, *rest)] == ["4", "3", "2", "1", "0"]

    run(use)


def test_lists_are_filtered(run):
    async def use(store):
        for at, subject in ((NOW, "a"), (NOW + 1, "b"), (NOW + 2, "a")):
            await store.rows.write("acme", [Insert(AUDIT_LOG, entry(at=at, subject=subject))])
            await store.rows.write("other", [Insert(AUDIT_LOG, entry("other", at=at, subject=subject))])
        late = await store.rows.rows("acme", AUDIT_LOG, where={"at": AtLeast(NOW + 1), "subject": "a"})
        assert [one.at for one in late] == [NOW + 2]
        everybodys = await store.rows.rows(EVERYBODY, AUDIT_LOG, where={"at": AtLeast(NOW + 1)})
        assert [one.tenant for one in everybodys] == ["acme", "acme", "other", "other"]

    run(use)


def test_whoever_looks_at_all_tenants_is_written_down(run):
    async def use(store):
        await store.rows.rows(OPERATOR, TENANTS, where={"tier": "pro"})
        (told,) = await store.rows.rows("operations", AUDIT_LOG)
        assert (told.actor, told.action, told.subject) == ("key:1", "admin.read", "tenants tier=pro")

    run(use)


@pytest.mark.parametrize("table", [AUDIT_LOG, WORKFLOWS], ids=lambda table: table.name)
def test_what_is_written_down_cannot_even_be_asked_to_change(table):
    for change in (
        lambda: Replace(table, entry()),
        lambda: Delete(table, "acme", (1,)),
        lambda: Add(table, entry()),
    ):
        with pytest.raises(InternalError):
            change()


@pytest.mark.parametrize("statement", ["UPDATE {} SET tenant = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["audit_log", "workflows"])
def test_sqlite_itself_refuses_to_rewrite_what_is_written_down(tmp_path, table, statement):
    path = tmp_path / "runtime.db"

    async def fill():
        store = open_store(str(path), seal)
        program = {"program": "sum", "summary": "", "plan_hash": "", "created_at": NOW, "created_by": "mia"}
        saved = SavedWorkflow(tenant="acme", name="w", version=1, **program)
        assert await store.rows.write("acme", [Insert(AUDIT_LOG, entry()), Insert(WORKFLOWS, saved)])
        await store.close()

    asyncio.run(fill())
    refused = pytest.raises(sqlite3.IntegrityError, match="append-only")
    with contextlib.closing(sqlite3.connect(path)) as opened, refused:
        opened.execute(statement.format(table))


def test_versions_of_a_workflow_stay(run):
    def saved(version, program):
        return SavedWorkflow(
            tenant="acme",
            name="monthly",
            version=version,
            program=program,
            summary="",
            plan_hash="sha256:0",
            created_at=NOW,
            created_by="somebody",
        )

    async def use(store):
        assert await store.rows.write("acme", [Insert(WORKFLOWS, saved(1, "sum"))])
        assert not await store.rows.write("acme", [Insert(WORKFLOWS, saved(1, "max"))])
        assert await store.rows.write("acme", [Insert(WORKFLOWS, saved(10, "min"))])
        newest = await store.rows.rows(
            "acme", WORKFLOWS, where={"name": "monthly"}, newest_first=True, limit=1
        )
        assert [(one.version, one.program) for one in newest] == [(10, "min")]

    run(use)


def test_what_is_stored_is_told_by_its_size(run):
    async def use(store):
        made = record()
        await store.submit_finished(execution(), result=b"12345", record=made)
        await store.submit(execution(tenant="other"))
        assert await store.rows.stored_bytes("acme") == len(b'{"input":1}') + 5 + len(made.record)
        assert await store.rows.stored_bytes("nobody") == 0

    run(use)


def test_no_more_of_a_tenant_run_at_once_than_its_quotas_say(run):
    def quotas(name, most):
        amounts = dict.fromkeys(Quotas.__struct_fields__[1:-2], 1) | {"concurrent_executions": most}
        return Insert(QUOTAS, Quotas(tenant=name, changed_at=NOW, **amounts))

    async def use(store):
        await store.rows.write(OPERATOR, [quotas("acme", 1), quotas("other", 3)])
        for name in ("acme", "other", "plain") * 4:
            await store.submit(execution(tenant=name))
        times = {"now": NOW + 10**9, "lease": 10**9}
        claimed = [row.tenant for row in await store.claim("one", limit=99, per_tenant=2, **times)]
        assert {name: claimed.count(name) for name in set(claimed)} == {"acme": 1, "other": 3, "plain": 2}
        assert await store.claim("two", limit=99, per_tenant=2, **times) == ()
        assert len(await store.claim("three", limit=99, **times)) == 6

    run(use)


def test_what_a_suspended_tenant_has_waiting_waits_until_it_is_resumed(run):
    async def use(store):
        await store.rows.write(OPERATOR, [Insert(TENANTS, tenant(status="suspended"))])
        for name in ("acme", "other"):
            await store.submit(execution(tenant=name))
        times = {"now": NOW + 10**9, "lease": 10**9}
        (claimed,) = await store.claim("one", limit=9, per_tenant=2, **times)
        assert claimed.tenant == "other"
        await store.rows.write(OPERATOR, [Replace(TENANTS, tenant(status="active", revision=2))])
        (claimed,) = await store.claim("one", limit=9, per_tenant=2, **times)
        assert claimed.tenant == "acme"

    run(use)


def test_who_fills_the_front_of_the_queue_holds_up_the_others_for_one_claim_at_most(run):
    async def use(store):
        for _ in range(100):
            await store.submit(execution(tenant="acme"))
        await store.submit(execution(tenant="other"))
        times = {"now": NOW + 10**9, "lease": 10**9}
        first, second = [await store.claim("one", limit=2, per_tenant=1, **times) for _ in range(2)]
        assert sorted(row.tenant for row in (*first, *second)) == ["acme", "other"]

    run(use)


def test_nothing_has_a_name_with_nul(run):
    async def use(store):
        assert await store.rows.rows("acme", USERS, where={"id": "a\0"}) == ()
        assert await store.rows.rows("a\0", USERS) == ()
        with pytest.raises(InputError, match="NUL"):
            await store.rows.write("acme", [Insert(USERS, user("a\0"))])

    run(use)


@pytest.mark.parametrize("name", ["a\0", "a\ud800", "ä" * 1250], ids=["nul", "surrogate", "too long"])
def test_what_not_every_store_can_keep_none_takes(run, name):
    changes = (
        Insert(USERS, user(name)),
        Replace(USERS, user(name, revision=2)),
        Delete(USERS, "acme", (name,)),
        Tell("acme", "agent", name, NewEvent("paused"), NOW),
    )

    async def use(store):
        assert await store.rows.rows("acme", USERS, after=("acme", name)) == ()
        for change in changes:
            with pytest.raises(InputError):
                await store.rows.write("acme", [change])
        await store.rows.write("acme", [Insert(USERS, user("ä" * 1200, name="ä" * 10_000))])

    run(use)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_are_named_as_the_fields_of_rows(run, table):
    async def use(store):
        assert table.columns[0] == "tenant"
        return await store.rows.rows("acme", table)

    assert run(use) == ()
    assert issubclass(table.row, msgspec.Struct)
