"""Traces: whose every instant of a run is, and what each step took of it."""

import asyncio
import json
import time

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import InputError
from greenlang.gcel import Trace, seconds_text, timeline


@agent(name="tr.work", version="1.0.0")
def work(x: object) -> object:
    until = time.perf_counter() + 0.004
    while time.perf_counter() < until:
        pass
    return x


@agent(name="tr.wait", version="1.0.0")
async def wait(x: float) -> float:
    await asyncio.sleep(float(x))
    return x


@agent(name="tr.block", version="1.0.0", blocking=True)
def block(x: object) -> object:
    time.sleep(0.02)
    return x


@agent(name="tr.fail", version="1.0.0")
def fail(x: int) -> int:
    if x == 1:
        raise OSError(x)
    return x


REGISTRY = gl.Registry([work, wait, block, fail])


def compiled(program):
    return gl.compile(program, registry=REGISTRY)


def by_path(trace):
    return {step.path: step for step in trace.steps()}


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("tr.work >> tr.work | tr.work", 1),
        ("identity * (tr.work >> identity)", [1, 2, 3]),
        ("identity * (tr.wait >> tr.work)", [0, 0.01, 0.02]),
        ("tr.block | (tr.work ? tr.work : 0)", 1),
        ("identity * (tr.work >> tr.fail >> catch(0) >> retry(1))", [1, 2]),
        ("group(tr.wait >> tr.work) >> timeout(5) >> retry(2)", 0.01),
    ],
)
def test_steps_waiting_and_engine_are_the_time_that_the_run_takes(program, value):
    plan = compiled(program)
    plan.run(value)
    missing = []
    for _ in range(5):
        trace = Trace()
        started = time.perf_counter()
        plan.run(value, trace=trace)
        wall_s = time.perf_counter() - started
        assert sum(trace.split().values()) == pytest.approx(trace.wall_s, rel=1e-6)
        missing.append(abs(1 - trace.wall_s / wall_s))
    # The least, because between two looks at the clock the machine may do anything.
    assert min(missing) < 0.02


def test_time_is_told_by_whose_it_is():
    trace = Trace()
    compiled("tr.work >> tr.work").run(1, trace=trace)
    assert trace.split()["steps"] >= 0.008
    assert trace.split()["waiting"] == 0
    assert by_path(trace)["tr.work"].working_s == pytest.approx(trace.split()["steps"])
    compiled("tr.block").run(1, trace=trace)
    assert trace.split()["waiting"] >= 0.018


def test_waiting_counts_once_in_the_run_and_for_each_step_that_waits():
    trace = Trace()
    compiled("(5 >> tr.wait) | (7 >> tr.wait)").run(0, trace=trace, clock=gl.VirtualClock())
    assert trace.wall_s == pytest.approx(7, abs=1e-3)
    assert trace.split() == pytest.approx({"steps": 0, "waiting": 7, "engine": 0}, abs=1e-3)
    assert by_path(trace)["tr.wait"].waiting_s == pytest.approx(12, abs=1e-3)


def test_tries_failures_items_and_ways_are_told():
    trace = Trace()
    compiled("identity * (tr.fail >> retry(2, base=0) >> catch(0))").run([1, 2], trace=trace)
    step = by_path(trace)["map > tr.fail"]
    assert (step.tries, step.failed) == (4, 3)
    spans = trace.document()["spans"]
    assert [span["items"] for span in spans if span["kind"] == "item"] == [[0], [1]]
    assert all(0 <= span["start_s"] <= span["end_s"] <= trace.wall_s for span in spans)
    assert json.loads(json.dumps(trace.document()))["steps_s"] == trace.split()["steps"]


def test_a_run_that_fails_is_traced_to_its_end():
    trace = Trace()
    with pytest.raises(OSError, match="1"):
        compiled("tr.work >> tr.fail").run(1, trace=trace)
    assert by_path(trace)["tr.fail"].failed == 1
    assert trace.wall_s >= 0.004


def test_asynchronous_runs_are_traced_too():
    trace = Trace()
    asyncio.run(compiled("tr.wait >> tr.work").arun(0.01, trace=trace))
    assert trace.split()["waiting"] >= 0.008
    assert trace.split()["steps"] >= 0.004


def test_a_plan_explains_a_run():
    plan, trace = compiled("identity * tr.work"), Trace()
    with pytest.raises(InputError, match="the trace is of no run yet"):
        plan.explain(trace)
    plan.run([1, 2], trace=trace)
    told = plan.explain(trace)
    assert told.startswith("the run took ")
    for words in ("\n  steps ", "\n  waiting ", "\n  engine ", "map > tr.work"):
        assert words in told


def test_a_timeline_is_full_where_a_step_works_and_light_where_it_waits():
    trace = Trace()
    clock = gl.VirtualClock()

    @agent(name="tr.sleep", version="1.0.0")
    def sleep(x: float) -> float:
        clock.sleep(5)
        return x

    gl.compile(wait >> sleep, registry=REGISTRY).run(5, trace=trace, clock=clock)
    lines = {path: timeline(step, trace.wall_s, 10) for path, step in by_path(trace).items()}
    assert lines["tr.wait"].strip("█") in {"░░░░░     ", "░░░░░░    "}
    assert lines["tr.sleep"] in {"     █████", "    ██████"}


def test_seconds_for_people():
    assert [seconds_text(each) for each in (12.345, 1.5, 0.0123, 0.000_001_5, 3e-9)] == [
        "12.3 s",
        "1.50 s",
        "12.3 ms",
        "1.50 us",
        "3 ns",
    ]
