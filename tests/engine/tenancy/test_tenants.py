"""Tenants, their quotas, people and workflows, and what is written down of every change."""

import asyncio

import pytest

from greenlang.engine.tenancy import TIERS, People, Tenants, Workflows, audit_page, read_reference
from greenlang.errors import InputError
from greenlang.stores.rows import Administrator

OPERATOR = Administrator("operations", "key:1")

HOSTILE = ["x'; DROP TABLE tenants; --", "' OR '1'='1", "\\", '"', "%", "$1", "?1", ":name", "🜃", "a" * 1200]


async def actions(store, tenant="acme"):
    page = await audit_page(store.rows, tenant, limit=100)
    return [f"{entry.actor} {entry.action} {entry.subject}" for entry in reversed(page.entries)]


def test_a_tenant_has_the_quotas_of_its_tier_until_something_else_is_agreed(run):
    async def use(store):
        tenants = Tenants(store.rows)
        await tenants.create(OPERATOR, "acme", name="Acme", tier="free")
        of_tiers = [await tenants.quotas("acme")]
        for tier in ("pro", "enterprise"):
            await tenants.change(OPERATOR, "acme", tier=tier)
            of_tiers.append(await tenants.quotas("acme"))
        assert [one.requests_a_minute for one in of_tiers] == [60, 600, 6000]
        assert [one.daily_executions // 1000 for one in of_tiers] == list(TIERS.values())
        agreed = await tenants.set_quotas(OPERATOR, "acme", daily_tokens=7)
        assert (await tenants.quotas("acme")) == agreed
        assert (agreed.daily_tokens, agreed.agents, agreed.revision) == (7, 10_000, 4)
        await tenants.change(OPERATOR, "acme", tier="free")
        assert (await tenants.quotas("acme")).daily_tokens == 1_000_000

    run(use)


def test_every_change_is_written_down_with_who_made_it(run):
    async def use(store):
        tenants = Tenants(store.rows)
        await tenants.create(OPERATOR, "acme", name="Acme", tier="free")
        assert await tenants.create(OPERATOR, "acme", name="Twin", tier="pro") is None
        await tenants.change(OPERATOR, "acme", status="suspended")
        await tenants.change(OPERATOR, "acme", status="active")
        await tenants.change(OPERATOR, "acme", name="Acme Ltd")
        await tenants.set_quotas(OPERATOR, "acme", agents=3)
        await tenants.configure("acme", b'{"theme":"dark"}', actor="mia")
        await tenants.configure("acme", b'{"theme":"light"}', actor="mia")
        assert await actions(store) == [
            "key:1 tenant.created acme",
            "key:1 tenant.suspended acme",
            "key:1 tenant.resumed acme",
            "key:1 tenant.changed acme",
            "key:1 quotas.changed acme",
            "mia configuration.changed acme",
            "mia configuration.changed acme",
        ]
        last = (await audit_page(store.rows, "acme")).entries[0]
        assert b"revision" in last.before
        assert (await tenants.configuration("acme")).document == b'{"theme":"light"}'

    run(use)


def test_what_is_not_there_is_not_changed(run):
    async def use(store):
        tenants = Tenants(store.rows)
        assert await tenants.change(OPERATOR, "nobody", tier="pro") is None
        assert await tenants.set_quotas(OPERATOR, "nobody", agents=3) is None
        assert await tenants.tenant("nobody") is None
        assert await tenants.configuration("nobody") is None

    run(use)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", ".a", "ä", "a" * 101, *HOSTILE])
def test_ids_of_tenants_are_plain(run, name):
    async def use(store):
        with pytest.raises(InputError, match="is no id of a tenant"):
            await Tenants(store.rows).create(OPERATOR, name, name="x", tier="free")

    run(use)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_text_looks_like_it_is_kept_and_found_as_it_is(run, text):
    async def use(store):
        tenants, people = Tenants(store.rows), People(store.rows)
        await tenants.create(OPERATOR, "acme", name=text, tier="free")
        assert (await tenants.tenant("acme")).name == text
        await people.add_organisation(text, text, name=text, parent=None, actor=text)
        await people.put_user(text, text, name=text, organisation=text, roles=(text,), actor=text)
        (user,) = await people.users(text)
        assert (user.id, user.name, user.organisation, user.roles) == (text, text, text, (text,))
        assert not await people.remove_organisation(text, text, actor=text)
        assert await people.remove_user(text, text, actor=text)
        assert await people.remove_organisation(text, text, actor=text)
        await tenants.configure("acme", text.encode(), actor=text)
        assert (await tenants.configuration("acme")).document == text.encode()
        assert [one.tenant for one in await tenants.all(OPERATOR)] == ["acme"]

    run(use)


def test_of_two_who_change_a_user_at_once_one_is_told(run):
    async def use(store):
        people = People(store.rows)
        put = {"name": "Mia", "organisation": None, "roles": ("viewer",), "actor": "x"}
        await people.put_user("acme", "mia", **put)
        done = await asyncio.gather(*(people.put_user("acme", "mia", **put) for _ in range(3)))
        assert sum(one is not None for one in done) >= 1
        (user,) = await people.users("acme")
        assert user.revision == 1 + sum(one is not None for one in done)

    run(use)


class TestWorkflows:
    def test_versions_are_counted_and_stay(self, run):
        async def use(store):
            workflows = Workflows(store.rows)
            for program in ("sum", "max", "min"):
                await workflows.save("acme", "m", program, summary="", plan_hash="", actor="mia")
            await workflows.save("acme", "other", "sum", summary="", plan_hash="", actor="mia")
            found = [await workflows.workflow("acme", "m", version) for version in (None, 1, 2, 4)]
            assert [one and one.program for one in found] == ["min", "sum", "max", None]
            assert await workflows.workflow("else", "m") is None
            listed = await workflows.workflows("acme", limit=3)
            rest = await workflows.workflows("acme", after=(listed[-1].name, listed[-1].version))
            assert [(one.name, one.version) for one in (*listed, *rest)] == [
                ("m", 1),
                ("m", 2),
                ("m", 3),
                ("other", 1),
            ]

        run(use)

    @pytest.mark.parametrize("name", ["", "A", "a b", "execute", "plan", "validate", "-a", *HOSTILE])
    def test_names_stand_in_paths(self, run, name):
        async def use(store):
            with pytest.raises(InputError, match="is no name of a workflow"):
                await Workflows(store.rows).save("acme", name, "sum", summary="", plan_hash="", actor="")

        run(use)

    def test_a_reference_names_a_version_or_the_newest(self):
        assert read_reference("monthly") == ("monthly", None)
        assert read_reference("monthly@12") == ("monthly", 12)
        for text in ("", "a@", "a@0", "a@x", "a@1@2", "A", "a@-1", "a@1.0"):
            with pytest.raises(InputError, match="names no workflow"):
                read_reference(text)
