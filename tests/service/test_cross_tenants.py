"""One tenant at what is another's: every operation of the route table, with everything that the other has.

The operations are those that the API's own document names, so one that is added later is tried too.
"""

import asyncio
import base64
import itertools
import json
import urllib.parse

import pytest
from postgresql_server import OWNER
from stored import seal

from greenlang.service.identity import new_api_key
from greenlang.service.roles import Role
from greenlang.stores import open_store

#: In everything that the victim has and nobody else is told.
MARK = "of-the-victim-alone"

ACTIVITY = {
    "id": MARK,
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": "1500",
    "unit": "MMBtu",
    "region": "US",
}

HOSTILE = [
    "'; DROP TABLE executions; --",
    "x' OR 'a'='a",
    "$$; DELETE FROM api_keys; $$",
    "1); UPDATE tenants SET tier = 'enterprise'; --",
    "\\'; SELECT pg_sleep(5); --",
    "' UNION SELECT secret_hash FROM api_keys --",
    "%",
    "acme",
]

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store_url(request, tmp_path_factory):
    if request.param == "sqlite":
        return str(tmp_path_factory.mktemp("cross") / "runtime.db")
    server = request.getfixturevalue("postgresql_server")
    return server.url(server.new_database(), OWNER)


@pytest.fixture(scope="module")
def parties(store_url):
    """Keys of the victim and of an attacker who is the admin of another tenant."""
    made = {
        tenant: new_api_key(tenant, frozenset({Role.ADMIN}), name=name, at=1, expires_at=None)
        for tenant, name in (("acme", MARK), ("mallory", "key"))
    }

    async def keep():
        store = open_store(store_url, seal)
        for one in made.values():
            await store.add_api_key(one.kept)
        await store.close()

    asyncio.run(keep())
    return {tenant: (one.text, one.kept.id) for tenant, one in made.items()}


@pytest.fixture(scope="module")
def ask(serve, store_url, parties, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    (folder / "serve.toml").write_text(
        f'[authentication]\noperating_tenant = "operations"\n[key_store]\nkeys = ["{KEY}"]\n'
    )
    served = serve(store_url, folder, "--config", str(folder / "serve.toml"))

    def ask(tenant, method, path, body=None, **headers):
        shown = {"Authorization": f"Bearer {parties[tenant][0]}", "Connection": "close", **headers}
        if body is not None:
            shown["Content_Type"] = "application/json"
        return served.call(method, path, body, **shown)

    yield ask
    assert served.stop() == 0


@pytest.fixture(scope="module")
def names(ask, parties):
    """What the victim's things are called, one of each kind; what they hold bears the mark."""
    order = {"program": 'get("x") >> first', "input": {"x": [MARK]}, "wait": 10}
    _, told = ask("acme", "POST", "/v1/workflows/execute", order)
    execution = told["data"]["execution_id"]
    _, told = ask("acme", "POST", "/v1/calculations/emissions", ACTIVITY)
    calculation = told["data"]["calculation_id"]
    done = [
        ask("acme", "POST", "/v1/workflows", {"name": "monthly", "program": "sum", "summary": MARK}),
        ask("acme", "POST", "/v1/organisations", {"id": "hq-acme", "name": MARK}),
        ask("acme", "PUT", "/v1/users/vera", {"name": MARK, "organisation": "hq-acme"}),
        ask("acme", "PUT", "/v1/secrets/erp-acme", {"value": MARK}),
        ask("acme", "PUT", "/v1/tenant/configuration", {"configuration": {"theme": MARK}}),
        ask(
            "acme",
            "POST",
            "/v1/registrations",
            {"agent": "fuels.stationary", "version": "9.9", "state": "draft", "reason": MARK},
        ),
    ]
    assert {response.status for response, _ in done} <= {200, 201}, done
    named = ["monthly", "hq-acme", "vera", "erp-acme", "fuels.stationary", "9.9", "1", "acme", "default"]
    return [execution, calculation, parties["acme"][1], *named]


@pytest.fixture(scope="module")
def document(ask):
    return ask("mallory", "GET", "/openapi.json")[1]


def held(ask):
    """Everything that the victim has, as it sees it."""
    paths = [
        "/v1/executions",
        "/v1/keys",
        "/v1/workflows",
        "/v1/organisations",
        "/v1/users",
        "/v1/secrets",
        "/v1/tenant/configuration",
        "/v1/tenant/audit?limit=500",
        "/v1/registrations",
        "/v1/batches",
    ]
    return {path: ask("acme", "GET", path)[1]["data"] for path in paths}


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                yield method.upper(), path, operation


def filled(schema, document, text):
    """A value that a schema takes, with a text in each place that takes one."""
    if "$ref" in schema:
        return filled(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, text)
    if "anyOf" in schema:
        kept = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return filled(kept[0], document, text)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    if kind == "object":
        return {
            name: filled(one, document, text)
            for name, one in schema.get("properties", {}).items()
            if name not in ("webhook", "wait")
        }
    if kind == "array":
        return [filled(schema.get("items") or schema.get("prefixItems", [{}])[0], document, text)]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1)
    return {"boolean": True, "string": text}.get(kind)


def choices(texts, places):
    """Each text for one name; for two of them each with the one that follows it."""
    if places == 2:
        return zip(texts, texts[1:] + texts[:1], strict=True)
    return itertools.product(texts, repeat=places)


def attacks(document, texts):
    """Every operation, with each of the texts for each name of its path and in each place of its body."""
    for method, path, operation in operations(document):
        places = [part for part in path.split("/") if part.startswith("{")]
        content = operation.get("requestBody", {}).get("content", {})
        for chosen in (
            itertools.product(texts, repeat=len(places))
            if len(places) < 2
            else zip(texts, texts[1:] + texts[:1], strict=True)
        ):
            found = path
            for place, text in zip(places, chosen, strict=True):
                found = found.replace(place, urllib.parse.quote(text, safe=""), 1)
            bodies = [None]
            if "application/json" in content:
                schema = content["application/json"]["schema"]
                bodies = [filled(schema, document, text) for text in (chosen or texts)]
            for body in bodies:
                yield method, found, body


def test_no_operation_tells_or_changes_what_is_of_another_tenant(ask, names, document):
    before = held(ask)
    assert MARK in json.dumps(before)
    tried = 0
    for method, path, body in attacks(document, names):
        response, told = ask("mallory", method, path, body)
        assert response.status < 500, (method, path, body, told)
        shown = told.decode("utf-8", "replace") if isinstance(told, bytes) else json.dumps(told)
        # What the attacker made by itself is its own, and bears no mark.
        assert MARK not in shown, (method, path, body)
        tried += 1
    assert tried > 400
    assert held(ask) == before


def test_what_the_victim_may_do_it_may_do_with_the_same_requests(ask, names, document):
    """The attacks above fail for want of the tenant, and not because nothing of them works."""
    told = [
        ask("acme", method, path)[1]
        for method, path, body in attacks(document, names)
        if method == "GET" and body is None
    ]
    assert sum(MARK in json.dumps(one) for one in told if isinstance(one, dict)) >= 10


def test_sql_in_every_text_changes_nothing_and_breaks_nothing(ask, names, document):
    before = held(ask)
    for method, path, body in attacks(document, HOSTILE):
        response, told = ask("mallory", method, path, body)
        assert response.status < 500, (method, path, body, told)
    for name, text in itertools.product(("cursor", "agent", "state", "limit", "row"), HOSTILE):
        for path in ("/v1/executions", "/v1/users", "/v1/workflows", "/v1/tenant/audit", "/v1/factors"):
            query = urllib.parse.urlencode({name: text})
            response, told = ask("mallory", "GET", f"{path}?{query}")
            assert response.status < 500, (path, query, told)
    assert held(ask) == before
