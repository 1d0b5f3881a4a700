"""The API without a server: bytes, headers and an identity in, bytes and a status out."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest

from greenlang.agents import Registry
from greenlang.agents import Route as PluginRoute
from greenlang.engine.calculations import Calculator, CalculatorSettings
from greenlang.engine.executions import PlanCache, Prover, Runner
from greenlang.errors import StoreError
from greenlang.ledger import Unsigned
from greenlang.service import Api, Call
from greenlang.service.negotiation import Version
from greenlang.service.operations import Contributed
from greenlang.service.routing import Route, Router
from greenlang.stores import open_store

PROGRAM = json.dumps({"program": "sum", "input": [1, 2]}).encode()


def responses(*calls, change=lambda api: None):
    async def main():
        registry = Registry()
        prover = Prover(registry, Unsigned("a test"))
        plans = PlanCache(registry)
        runner = Runner(open_store("memory:", prover.seal), plans, prover)
        calculator = Calculator(runner.store, plans, prover, CalculatorSettings())
        api = Api(runner, calculator, check_webhook=lambda url: None)
        change(api)
        await runner.start()
        replies = [await api.respond(call) for call in calls]
        await runner.stop(1)
        await runner.store.close()
        return replies

    return asyncio.run(main())


def test_a_call_needs_no_server():
    (reply,) = responses(Call("POST", "/v1/workflows/execute", "r-1", body=PROGRAM))
    told = json.loads(reply.body)
    assert (reply.status, told["data"]["result"], told["meta"]["request_id"]) == (200, 3, "r-1")


def test_what_names_no_path_is_refused():
    def change(api):
        api.set_versions({"v1": Version(deprecated=datetime(2026, 1, 1, tzinfo=UTC))})

    (reply,) = responses(Call("OPTIONS", "*", "r-1"), change=change)
    assert reply.status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "LOCALHOST:8080"}, 200),
        ({"host": "127.0.0.2:8080"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "localhost:8080", "origin": "http://localhost:8080"}, 200),
        ({"host": "example.org"}, 403),
        ({"host": "localhost.example.org:8080"}, 403),
        ({"host": "192.168.1.2"}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "user@127.0.0.1@example.org"}, 403),
        ({"host": "localhost:8080", "origin": "https://example.org"}, 403),
        ({"host": "localhost:8080", "origin": "http://localhost:3000"}, 403),
        ({"host": "localhost:8080", "origin": "null"}, 403),
    ],
)
def test_without_authentication_no_page_of_another_site_is_answered(headers, status):
    (reply,) = responses(Call("POST", "/v1/workflows/execute", "r-1", headers=headers, body=PROGRAM))
    assert reply.status == status


def test_nul_is_refused_at_the_door():
    calls = [
        Call("GET", "/v1/executions/exec_\0", "r-1"),
        Call("GET", "/v1/executions", "r-2", query={"agent": "a\0"}),
    ]
    assert [reply.status for reply in responses(*calls)] == [400, 400]


def test_what_plugins_bring_has_names_of_its_own():
    async def first(call):
        return "first"

    async def second(call):
        return "second"

    class Plugins(Registry):
        def contributions(self, kind):
            routes = [
                PluginRoute(summary="One", method="GET", path="/ones/{id}", handler=first),
                PluginRoute(summary="Two", method="POST", path="/twos", handler=second),
            ]
            return {route.key: route for route in routes}

    routes = Contributed(Plugins(), lambda path: False).routes()
    assert {route.operation for route in routes} == {"get_ones_id", "post_twos"}


def test_tenants_see_their_own_alone():
    execute = Call("POST", "/v1/workflows/execute", "r-1", tenant="acme", body=PROGRAM)
    lists = [Call("GET", "/v1/executions", "r-2", tenant=tenant) for tenant in ("acme", "other")]
    _, own, others = responses(execute, *lists)
    assert len(json.loads(own.body)["data"]["executions"]) == 1
    assert json.loads(others.body)["data"]["executions"] == []


@pytest.mark.parametrize(
    ("uncertain", "message", "hint"),
    [(False, "nothing was done", "try again later"), (True, "not known", "the same Idempotency-Key")],
)
def test_a_store_that_fails_says_whether_it_was_done(uncertain, message, hint):
    async def fails(call):
        raise StoreError("the disk is full", uncertain=uncertain)

    def change(api):
        api.router = Router([Route("GET", "/v1/failing", fails, "It fails")])

    (reply,) = responses(Call("GET", "/v1/failing", "r-7"), change=change)
    (fault,) = json.loads(reply.body)["errors"]
    assert (reply.status, fault["code"]) == (503, "store")
    assert message in fault["message"]
    assert hint in fault["hint"]
    assert b"disk" not in reply.body


def test_what_breaks_here_is_told_by_its_request_alone(caplog):
    async def breaks(call):
        raise ZeroDivisionError("secret of the house")

    def change(api):
        api.router = Router([Route("GET", "/v1/broken", breaks, "It breaks")])

    with caplog.at_level(logging.ERROR):
        (reply,) = responses(Call("GET", "/v1/broken", "r-7"), change=change)
    (fault,) = json.loads(reply.body)["errors"]
    assert (reply.status, fault["code"]) == (500, "internal")
    assert "r-7" in fault["hint"]
    assert b"secret" not in reply.body
    assert "secret of the house" in caplog.text
    assert "r-7" in caplog.text
