"""Tenants over HTTP: made, limited, suspended, with their people, agents, programs and secrets."""

import asyncio
import base64

import pytest
from stored import seal

from greenlang.service.identity import new_api_key
from greenlang.service.roles import Role
from greenlang.stores import open_store

ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": "1500",
    "unit": "MMBtu",
    "region": "US",
}
CSV = f"{','.join(ACTIVITY)}\n{','.join(ACTIVITY.values())}\n".encode()
SUM = {"program": "sum", "input": [1, 2.25]}
KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A store with a key of each role for three tenants, one of which looks after the others."""
    folder = tmp_path_factory.mktemp("tenants")
    made = {
        (tenant, role): new_api_key(tenant, frozenset({role}), name="k", at=1, expires_at=None)
        for tenant in ("operations", "acme", "other", "small")
        for role in Role
    }

    async def keep():
        store = open_store(str(folder / "runtime.db"), seal)
        for one in made.values():
            await store.add_api_key(one.kept)
        await store.close()

    asyncio.run(keep())
    return folder, {who: one.text for who, one in made.items()}


@pytest.fixture(scope="module")
def served(serve, keys):
    folder, _ = keys
    (folder / "serve.toml").write_text(
        f'[authentication]\noperating_tenant = "operations"\n[key_store]\nkeys = ["{KEY}"]\n'
    )
    server = serve(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def ask(served, keys):
    def ask(tenant, method, path, body=None, *, role=Role.ADMIN, content_type="application/json"):
        shown = {"Authorization": f"Bearer {keys[1][tenant, role]}", "Content_Type": content_type}
        response, told = served.call(method, path, body, **shown)
        return response, told

    return ask


@pytest.fixture(scope="module", autouse=True)
def made(ask):
    for tenant in ("acme", "other"):
        response, told = ask(
            "operations",
            "POST",
            "/v1/tenants",
            {"tenant": tenant, "name": tenant.title(), "tier": "enterprise"},
        )
        assert response.status == 201, told


class TestAdministrators:
    def test_only_admins_of_the_operating_tenant_look_after_tenants(self, ask):
        for tenant, role in [("acme", Role.ADMIN), *(("operations", one) for one in Role if one != "admin")]:
            for method, path, body in [
                ("GET", "/v1/tenants", None),
                ("POST", "/v1/tenants", {"tenant": "x", "name": "x"}),
                ("PATCH", "/v1/tenants/acme", {"tier": "enterprise"}),
                ("PUT", "/v1/tenants/acme/quotas", {"agents": 9}),
            ]:
                response, told = ask(tenant, method, path, body, role=role)
                assert (response.status, told["errors"][0]["code"]) == (403, "forbidden"), (tenant, role)

    def test_tenants_are_listed_and_told_with_their_quotas(self, ask):
        _, told = ask("operations", "GET", "/v1/tenants?limit=1")
        assert [one["tenant"] for one in told["data"]["tenants"]] == ["acme"]
        response, told = ask("operations", "GET", f"/v1/tenants?cursor={told['data']['next_cursor']}")
        assert [one["tenant"] for one in told["data"]["tenants"]] == ["other"]
        _, told = ask("operations", "GET", "/v1/tenants/acme")
        assert told["data"]["quotas"]["requests_a_minute"] == 6000
        assert ask("operations", "GET", "/v1/tenants/nobody")[0].status == 404
        response, _ = ask("operations", "POST", "/v1/tenants", {"tenant": "acme", "name": "Twin"})
        assert response.status == 409

    def test_whoever_looked_is_written_down(self, ask):
        ask("operations", "GET", "/v1/tenants")
        _, told = ask("operations", "GET", "/v1/tenant/audit?limit=500")
        looked = [one for one in told["data"]["entries"] if one["action"] == "admin.read"]
        assert looked[0]["subject"] == "tenants"
        assert looked[0]["actor"].startswith("key:")

    def test_a_suspended_tenant_is_refused_everything_until_it_is_resumed(self, ask):
        ask("operations", "PATCH", "/v1/tenants/other", {"status": "suspended"})
        for method, path, body in [("GET", "/v1/executions", None), ("POST", "/v1/workflows/execute", SUM)]:
            response, told = ask("other", method, path, body)
            assert (response.status, told["errors"][0]["code"]) == (403, "suspended")
        assert ask("acme", "GET", "/v1/executions")[0].status == 200
        ask("operations", "PATCH", "/v1/tenants/other", {"status": "active"})
        assert ask("other", "GET", "/v1/executions")[0].status == 200


class TestQuotas:
    def test_requests_are_limited_as_agreed(self, ask):
        ask("operations", "POST", "/v1/tenants", {"tenant": "small", "name": "Small"})
        ask("operations", "PUT", "/v1/tenants/small/quotas", {"requests_a_minute": 12})
        answers = [ask("small", "GET", "/v1/agents")[0] for _ in range(3)]
        assert [one.status for one in answers] == [200, 429, 429]  # twelve a minute, five times as fast
        assert answers[0].getheader("X-RateLimit-Limit") == "12"
        assert int(answers[1].getheader("Retry-After")) == 1

    def test_executions_are_counted_and_refused_past_the_quota(self, ask):
        ask("operations", "PUT", "/v1/tenants/other/quotas", {"daily_executions": 5})
        statuses = [ask("other", "POST", "/v1/workflows/execute", SUM)[0].status for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        response, told = ask("other", "POST", "/v1/workflows/execute", SUM)
        assert told["errors"][0]["code"] == "quota"
        assert "has used 5 of 5 daily executions" in told["errors"][0]["message"]
        assert 0 < int(response.getheader("Retry-After")) <= 86_400
        ask("operations", "PUT", "/v1/tenants/other/quotas", {"daily_executions": 1000})
        assert ask("other", "POST", "/v1/workflows/execute", SUM)[0].status == 200
        _, told = ask("other", "GET", "/v1/tenant")
        assert told["data"]["usage"]["daily_executions"] == 6
        assert told["data"]["usage"]["storage_bytes"] > 0


class TestAgents:
    def test_a_paused_agent_is_refused_to_its_tenant_alone(self, ask):
        program = {"program": "ghg.intake >> fuels.stationary >> ghg.inventory", "input": [ACTIVITY]}
        _, told = ask("acme", "POST", "/v1/workflows/execute", program)
        _, told = ask("acme", "GET", f"/v1/executions/{told['data']['execution_id']}")
        (version,) = [one.partition("@")[2] for one in told["data"]["agents"] if one.startswith("fuels.")]
        agent = "fuels.stationary"
        asked = {"agent": agent, "version": version}
        response, told = ask("acme", "POST", "/v1/registrations", asked)
        assert (response.status, told["data"]["may_become"]) == (201, ["active", "failed", "retired"])
        assert ask("acme", "POST", "/v1/registrations", asked)[0].status == 409
        for other in ({"version": "1"}, {"version": "9.9.9"}, {"agent": "fuels.stationery"}):
            response, told = ask("acme", "POST", "/v1/registrations", {**asked, **other})
            assert (response.status, bool(told["errors"][0]["hint"])) == (400, True)
        move = f"/v1/registrations/{agent}/{version}/move"
        response, told = ask("acme", "POST", move, {"to": "paused"})
        assert response.status == 400
        assert "it may become active or failed or retired" in told["errors"][0]["hint"]
        for state in ("active", "paused"):
            assert ask("acme", "POST", move, {"to": state, "reason": "review"})[0].status == 200
        response, told = ask("acme", "POST", "/v1/workflows/execute", program)
        assert response.status == 400
        assert f"'{agent}@{version}' is paused for tenant 'acme' (review)" in told["errors"][0]["message"]
        response, told = ask("acme", "POST", "/v1/calculations/emissions", ACTIVITY)
        assert response.status == 400
        assert "is paused for tenant 'acme'" in told["errors"][0]["message"]
        response, told = ask("acme", "POST", "/v1/batches", CSV, content_type="text/csv")
        assert response.status == 400, told
        assert "is paused for tenant 'acme'" in told["errors"][0]["message"]
        assert ask("other", "POST", "/v1/workflows/execute", program)[0].status == 200
        assert ask("other", "POST", "/v1/calculations/emissions", ACTIVITY)[0].status == 200
        assert ask("other", "POST", "/v1/batches", CSV, content_type="text/csv")[0].status == 202
        assert ask("other", "POST", move, {"to": "active"})[0].status == 404
        assert ask("acme", "POST", move, {"to": "active"})[0].status == 200
        assert ask("acme", "POST", "/v1/workflows/execute", program)[0].status == 200
        _, told = ask("acme", "GET", "/v1/tenant/audit")
        actions = [one["action"] for one in told["data"]["entries"]]
        assert actions[:4] == ["agent.resumed", "agent.paused", "agent.deployed", "agent.registered"]
        _, told = ask("acme", "GET", f"/v1/agents/{agent}@{version}/history")
        events = told["data"]["events"]
        assert [event["event_type"] for event in events] == [
            "agent.registered",
            "agent.deployed",
            "agent.paused",
            "agent.resumed",
        ]
        assert {event["tenant_id"] for event in events} == {"acme"}
        assert all(event["metadata"]["user_id"].startswith("key:") for event in events)
        assert told["data"]["state"]["state"] == "active"
        paused = f"/v1/agents/{agent}@{version}/history?at={events[2]['timestamp']}"
        state = ask("acme", "GET", paused)[1]["data"]["state"]
        assert (state["state"], state["attributes"]["reason"]) == ("paused", "review")
        assert ask("other", "GET", f"/v1/agents/{agent}@{version}/history")[0].status == 404


class TestFactors:
    TEXT = "activity,gas,value,unit,scope,category\nnatural gas,CO2,50,kg/MMBtu,1,stationary combustion\n"

    def test_a_file_is_kept_and_named_in_calculations(self, ask):
        path = "/v1/tenant/factors/own.csv"
        assert ask("acme", "PUT", path, {"text": self.TEXT})[0].status == 200
        order = {"activities": [{**ACTIVITY, "region": ""}], "own_factors": ["own.csv"]}
        response, told = ask("acme", "POST", "/v1/calculations/emissions", order)
        assert response.status == 200
        assert told["data"]["totals"][0]["co2e_kg"] == "75000"
        text = [{"name": "own.csv", "text": self.TEXT}]
        _, sent = ask(
            "acme", "POST", "/v1/calculations/emissions", {"activities": order["activities"], "factors": text}
        )
        # Kept or sent, it is the same calculation.
        assert sent["data"]["result_hash"] == told["data"]["result_hash"]
        response, told = ask("other", "POST", "/v1/calculations/emissions", order)
        assert (response.status, told["errors"][0]["field"]) == (400, "own_factors")
        assert ask("other", "GET", path)[0].status == 404
        assert ask("acme", "GET", "/v1/tenant/factors")[1]["data"]["files"][0]["revision"] == 1
        assert ask("acme", "DELETE", path)[0].status == 200
        assert ask("acme", "DELETE", path)[0].status == 404

    def test_what_is_wrong_with_a_file_is_told_by_its_rows(self, ask):
        wrong = self.TEXT.replace("50", "5O")
        response, told = ask("acme", "PUT", "/v1/tenant/factors/own.csv", {"text": wrong})
        assert (response.status, told["errors"][0]["field"]) == (422, "row 2")
        assert ask("acme", "GET", "/v1/tenant/factors/own.csv")[0].status == 404


class TestWorkflows:
    def test_a_saved_program_is_run_by_its_name_and_version(self, ask):
        for program in ("sum", "last"):
            response, told = ask("acme", "POST", "/v1/workflows", {"name": "monthly", "program": program})
            assert response.status == 201
        assert response.getheader("Location") == "/v1/workflows/monthly/versions/2"
        assert told["data"]["workflow"] == "monthly@2"
        for reference, result in (("monthly", "2.25"), ("monthly@1", "3.25"), ("monthly@2", "2.25")):
            order = {"workflow": reference, "input": [1, 2.25]}
            response, told = ask("acme", "POST", "/v1/workflows/execute", order, role=Role.DEVELOPER)
            assert (response.status, told["data"]["result"]) == (200, result)
        for tenant, reference in (("acme", "monthly@3"), ("other", "monthly"), ("acme", "nothing")):
            assert ask(tenant, "POST", "/v1/workflows/execute", {"workflow": reference})[0].status == 404
        assert ask("acme", "POST", "/v1/workflows/execute", {"input": []})[0].status == 400
        assert ask("acme", "GET", "/v1/workflows/monthly")[1]["data"]["version"] == 2
        assert ask("acme", "GET", "/v1/workflows/monthly/versions/1")[1]["data"]["program"] == "sum"
        assert ask("other", "GET", "/v1/workflows/monthly/versions/1")[0].status == 404
        _, told = ask("acme", "GET", "/v1/workflows?limit=1")
        _, rest = ask("acme", "GET", f"/v1/workflows?cursor={told['data']['next_cursor']}")
        listed = [*told["data"]["workflows"], *rest["data"]["workflows"]]
        assert [one["workflow"] for one in listed] == ["monthly@1", "monthly@2"]

    def test_what_does_not_compile_is_not_saved(self, ask):
        response, _ = ask("acme", "POST", "/v1/workflows", {"name": "bad", "program": "sum >>"})
        assert response.status == 422
        assert ask("acme", "GET", "/v1/workflows/bad")[0].status == 404


class TestPeople:
    def test_organisations_and_users_come_and_go(self, ask):
        made = [
            ask("acme", "POST", "/v1/organisations", {"id": "hq", "name": "HQ"}),
            ask("acme", "POST", "/v1/organisations", {"id": "plant", "name": "Plant", "parent": "hq"}),
            ask("acme", "POST", "/v1/organisations", {"id": "x", "name": "X", "parent": "nowhere"}),
            ask("acme", "POST", "/v1/organisations", {"id": "hq", "name": "Twin"}),
        ]
        assert [response.status for response, _ in made] == [201, 201, 409, 409]
        mia = {"name": "Mia", "roles": ["viewer", "operator"], "organisation": "plant"}
        response, told = ask("acme", "PUT", "/v1/users/mia@acme.example", mia)
        assert (response.status, told["data"]["roles"]) == (200, ["operator", "viewer"])
        assert ask("acme", "PUT", "/v1/users/x", {**mia, "organisation": "nowhere"})[0].status == 409
        assert ask("acme", "DELETE", "/v1/organisations/plant")[0].status == 409
        assert ask("other", "DELETE", "/v1/organisations/plant")[0].status == 404
        assert ask("other", "GET", "/v1/users")[1]["data"]["users"] == []
        assert ask("acme", "DELETE", "/v1/users/mia@acme.example")[0].status == 200
        assert ask("acme", "DELETE", "/v1/users/mia@acme.example")[0].status == 404
        assert ask("acme", "DELETE", "/v1/organisations/plant")[0].status == 200


class TestOwn:
    def test_settings_are_kept_as_they_are(self, ask):
        assert ask("acme", "GET", "/v1/tenant/configuration")[1]["data"]["configuration"] == {}
        settings = {"features": {"beta": True}, "branding": {"colour": "#123456"}}
        response, told = ask("acme", "PUT", "/v1/tenant/configuration", {"configuration": settings})
        assert (told["data"]["configuration"], told["data"]["revision"]) == (settings, 1)
        assert ask("other", "GET", "/v1/tenant/configuration")[1]["data"]["configuration"] == {}
        assert ask("acme", "PUT", "/v1/tenant/configuration", {"configuration": [1]})[0].status == 400
        response, _ = ask(
            "acme", "PUT", "/v1/tenant/configuration", {"configuration": {}}, role=Role.DEVELOPER
        )
        assert response.status == 403

    def test_secrets_are_kept_and_never_told(self, ask, keys):
        response, told = ask("acme", "PUT", "/v1/secrets/erp", {"value": "hunter2"})
        assert (response.status, told["data"]) == (200, {"secrets": ["erp"]})
        assert ask("other", "GET", "/v1/secrets")[1]["data"] == {"secrets": []}
        assert "hunter2" not in str(ask("acme", "GET", "/v1/tenant/audit")[1])
        folder, _ = keys
        assert all(b"hunter2" not in path.read_bytes() for path in folder.glob("runtime.db*"))
        assert ask("acme", "DELETE", "/v1/secrets/erp")[0].status == 200
        assert ask("acme", "DELETE", "/v1/secrets/erp")[0].status == 404

    def test_keys_that_are_made_and_revoked_are_written_down(self, ask):
        _, told = ask("acme", "POST", "/v1/keys", {"name": "k", "roles": ["viewer"]})
        key_id = told["data"]["made"]["key_id"]
        ask("acme", "DELETE", f"/v1/keys/{key_id}")
        _, told = ask("acme", "GET", "/v1/tenant/audit?limit=2")
        written = [(one["action"], one["subject"]) for one in told["data"]["entries"]]
        assert written == [("key.revoked", key_id), ("key.created", key_id)]

    def test_a_tenant_that_was_never_made_has_a_name_and_no_quotas(self, ask):
        assert ask("operations", "GET", "/v1/tenant")[1]["data"] == {"tenant": "operations"}
