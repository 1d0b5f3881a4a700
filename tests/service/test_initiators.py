"""Who asks reaches queries, queue messages, events and the log, and no code in between passes it on."""

import asyncio
import logging

import msgspec
import pytest
from stored import seal

import greenlang as gl
from greenlang.agents import Registry
from greenlang.engine.calculations import Calculator, CalculatorSettings
from greenlang.engine.executions import PlanCache, Prover, Runner
from greenlang.ledger import Unsigned
from greenlang.observing.logs import TextFormatter
from greenlang.queues import InProcessQueue
from greenlang.service import Api, Call
from greenlang.service.identity import AuthenticationSettings, Authenticator, new_api_key
from greenlang.service.roles import Role
from greenlang.stores import initiator, open_store

SLOW = {"program": "t.seen", "input": 1, "wait": 5}
seen = []


@gl.agent(name="t.seen", version="1.0.0", effects={"io"})
async def seen_async(value: int) -> int:
    """Remember by whom it was run."""
    seen.append(initiator())
    logging.getLogger("test").warning("ran")
    return value


@gl.agent(name="t.blocking", version="1.0.0", effects={"io"}, blocking=True)
def seen_in_a_thread(value: int) -> int:
    """The same, in a thread."""
    seen.append(initiator())
    return value


class Heard(InProcessQueue):
    """A queue that keeps what it was told."""

    def __init__(self):
        super().__init__()
        self.signals = []

    def announce(self, signal):
        self.signals.append(signal)
        super().announce(signal)


@pytest.fixture
def served():
    """An API with a key of each of two tenants, and its parts."""

    def run(use):
        async def main():
            registry = Registry([seen_async, seen_in_a_thread])
            prover = Prover(registry, Unsigned("a test"))
            store, queue = open_store("memory:", seal), Heard()
            runner = Runner(store, PlanCache(registry), prover, queue=queue)
            calculator = Calculator(store, runner.plans, prover, CalculatorSettings(None))
            keys = {}
            for tenant in ("acme", "globex"):
                made = new_api_key(tenant, frozenset({Role.OPERATOR}), name="k", at=0, expires_at=None)
                await store.add_api_key(made.kept)
                keys[tenant] = made
            authenticator = Authenticator(AuthenticationSettings(), store)
            api = Api(runner, calculator, check_webhook=lambda _: None, authenticator=authenticator)
            await runner.start()
            try:
                return await use(api, store, queue, keys)
            finally:
                await runner.stop(1)
                await store.close()

        seen.clear()
        return asyncio.run(main())

    return run


async def ask(api, key, request_id, body):
    headers = {"authorization": f"Bearer {key.text}"}
    call = Call("POST", "/v1/workflows/execute", request_id, headers=headers, body=msgspec.json.encode(body))
    reply = await api.respond(call)
    assert reply.status == 200, reply.body
    return msgspec.json.decode(reply.body)["data"]["execution_id"]


@pytest.mark.parametrize("program", ["t.seen", "t.blocking"])
def test_an_execution_and_all_that_tells_of_it_are_of_whoever_asked(served, program):
    async def use(api, store, queue, keys):
        names = await asyncio.gather(
            *(ask(api, keys[tenant], f"req-{tenant}", {**SLOW, "program": program}) for tenant in keys)
        )
        for tenant, name in zip(keys, names, strict=True):
            events = await store.events(tenant, name)
            assert len(events) == 4
            for event in events:
                assert event.tenant_id == tenant
                assert event.metadata.user_id == f"key:{keys[tenant].kept.id}"
                assert event.metadata.correlation_id == f"req-{tenant}"
        assert {(by.tenant, by.metadata.correlation_id) for by in seen} == {
            (tenant, f"req-{tenant}") for tenant in keys
        }
        assert {(signal.tenant, signal.correlation_id) for signal in queue.signals} == {
            (tenant, f"req-{tenant}") for tenant in keys
        }

    served(use)


def test_lines_of_the_log_say_for_whom(served, capsys):
    handler = logging.StreamHandler()
    handler.setFormatter(TextFormatter())
    log = logging.getLogger("test")
    log.addHandler(handler)
    try:
        log.warning("before")
        served(lambda api, store, queue, keys: ask(api, keys["acme"], "req-1", SLOW))
    finally:
        log.removeHandler(handler)
    told = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    assert told == ["WARNING before", "WARNING ran tenant='acme' request='req-1'"]
