"""The steps of programs with effects are timed as they run, those of others when somebody looks."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

import greenlang as gl
from greenlang.agents import Registry
from greenlang.engine.executions import Order, PlanCache, Prover, Runner, Terms, steps_taken, tell_steps
from greenlang.engine.executions.timing import Traces, trace_of
from greenlang.ledger import Unsigned
from greenlang.stores import open_store

TERMS = Terms(tenant="acme", max_attempts=1)


@gl.agent(name="timed.reads", version="1.0.0", effects={"io"})
async def reads(x: Decimal) -> Decimal:
    await asyncio.sleep(0.02)
    return x


@gl.agent(name="timed.fails", version="1.0.0", effects={"io"})
async def fails(x: Decimal) -> Decimal:
    raise OSError("the meter does not answer")


@gl.agent(name="timed.doubles", version="1.0.0")
def doubles(x: Decimal) -> Decimal:
    return x * 2


@pytest.fixture
def registry():
    return Registry([reads, fails, doubles])


def run(registry, program):
    """The row of an execution that has ended, what its events tell of steps, and what is told of them."""

    async def main():
        prover = Prover(registry, Unsigned("tests"))
        runner = Runner(open_store("memory:", prover.seal), PlanCache(registry), prover)
        await runner.start()
        try:
            accepted = await runner.execute(Order(program, msgspec.Raw(b"1")), TERMS, wait_seconds=10)
            row = await runner.store.execution("acme", accepted.id)
            events = await runner.store.events("acme", accepted.id)
        finally:
            await runner.stop(1)
        taken = steps_taken(bytes(events[-1].payload))
        return row, taken, tell_steps(row, runner.plans, taken)

    return asyncio.run(main())


def test_a_program_with_effects_is_timed_as_it_runs(registry):
    row, taken, told = run(registry, "timed.reads >> timed.doubles")
    assert row.state == "completed"
    assert [(step.path, step.tries, step.failed) for step in taken] == [
        ("timed.reads", 1, 0),
        ("timed.doubles", 1, 0),
    ]
    assert taken[0].seconds >= 0.02
    assert [(step.path, step.state) for step in told.steps] == [
        ("timed.reads", "done"),
        ("timed.doubles", "done"),
    ]
    assert "has effects (io)" in told.because


def test_the_step_that_ended_it_is_told(registry):
    row, taken, told = run(registry, "timed.fails >> timed.doubles")
    assert row.state == "dead_letter"
    assert [(step.path, step.failed) for step in taken] == [("timed.fails", 1)]
    assert [step.state for step in told.steps] == ["failed", "not reached"]
    assert msgspec.json.decode(row.error)["message"] == "OSError: the meter does not answer"


def test_a_program_that_computes_is_not_timed(registry):
    plan = gl.compile("timed.doubles", registry=registry)
    traces = Traces()
    assert traces.begin("exec_1", plan) is None
    assert traces.ended("exec_1", None) == b"{}"
    assert traces.ended("exec_1", b'{"code":"agent"}') == b'{"code":"agent"}'


def test_steps_that_run_any_number_of_times_are_not_timed(registry):
    assert trace_of(gl.compile("map(timed.reads)", registry=registry)) is None
    assert trace_of(gl.compile("timed.reads", registry=registry)) is not None


def test_a_run_that_ended_before_its_first_step_took_none(registry):
    traces = Traces()
    traces.begin("exec_1", gl.compile("timed.reads", registry=registry))
    payload = traces.ended("exec_1", b'{"code":"input"}')
    assert msgspec.json.decode(payload) == {"code": "input", "steps": []}
    assert steps_taken(payload) == steps_taken(b"{}") == []
