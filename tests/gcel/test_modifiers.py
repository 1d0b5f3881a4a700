"""Modifiers (GCEL.md, "Modifiers"), and deadlines."""

import asyncio
import contextvars
import itertools
import time
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError


@agent(name="m.same", version="1.0.0", effects=["pure"])
def same(x):
    return x


@agent(name="m.later", version="1.0.0", effects=["pure"])
async def later(x):
    await asyncio.sleep(0)
    return x


@agent(name="m.slow", version="1.0.0")
async def slow(x):
    await asyncio.sleep(1000)
    return x


REGISTRY = gl.Registry([same, later, slow])


def failing(times, kind=OSError, *, waits=False, log=None):
    """An agent that fails so often before it gives what it got."""
    count = itertools.count()

    def fail(x):
        if log is not None:
            log.append(x)
        if next(count) < times:
            raise kind("no")
        return x

    @agent(name="m.fail", version="1.0.0")
    def in_place(x):
        return fail(x)

    @agent(name="m.fail", version="1.0.0")
    async def in_loop(x):
        await asyncio.sleep(0)
        return fail(x)

    return in_loop if waits else in_place


def run(step, value=1, **options):
    return gl.compile(step, registry=REGISTRY).run(value, clock=gl.VirtualClock(seed=1), **options)


def note_of(step, value=1, error=Exception, **options):
    with pytest.raises(error) as caught:
        gl.compile(step, registry=REGISTRY).run(value, **options)
    (note,) = caught.value.__notes__
    return caught.value, note


both = pytest.mark.parametrize("waits", [False, True])


# "retry(n, ...): up to n tries after the first"


@both
def test_a_retry_tries_n_times_after_the_first(waits):
    log = []
    assert run(failing(3, waits=waits, log=log) >> gl.retry(3)) == 1
    assert len(log) == 4
    with pytest.raises(OSError, match="no"):
        run(failing(4, waits=waits) >> gl.retry(3))


@both
@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("exponential", [2, 4, 8, 10]), ("linear", [2, 4, 6, 8]), ("constant", [2, 2, 2, 2])],
)
def test_back_off_grows_as_it_says(waits, backoff, delays):
    report = gl.Report()
    clock = gl.VirtualClock()
    step = failing(4, waits=waits) >> gl.retry(4, backoff=backoff, base=2, max=10, jitter=False)
    gl.compile(step).run(1, clock=clock, report=report)
    assert [each.facts["delay_s"] for each in report.of("retried")] == delays
    assert clock.now() == pytest.approx(sum(delays), abs=0.01)


@both
@pytest.mark.parametrize("kind", [TypeError, NameError, AttributeError, KeyError, AssertionError])
def test_bugs_are_not_retried_unless_named(waits, kind):
    with pytest.raises(kind):
        run(failing(1, kind, waits=waits) >> gl.retry(3))
    assert run(failing(1, kind, waits=waits) >> gl.retry(3, on=[kind.__name__])) == 1
    with pytest.raises(OSError, match="no"):
        run(failing(1, waits=waits) >> gl.retry(3, on=[kind.__name__]))


def test_three_retries_of_a_minute_end_at_once_on_a_virtual_clock():
    plan = gl.compile(failing(3) >> gl.retry(3, base=60, max=60, jitter=False))
    clock = gl.VirtualClock()
    started = time.perf_counter()
    assert plan.run(1, clock=clock) == 1
    assert time.perf_counter() - started < 0.2
    assert clock.now() == 180


# "catch(handler)"


@both
def test_a_handler_takes_error_and_input_and_the_report_says_so(waits):
    report = gl.Report()
    step = failing(9, waits=waits) >> gl.catch(same)
    assert run(step, 5, report=report) == {
        "error": {"type": "OSError", "message": "no", "step": "m.fail"},
        "input": 5,
    }
    assert [each.step for each in report.of("caught")] == ["m.fail"]


@both
def test_what_was_caught_is_told_to_whoever_proves_the_result(waits):
    covered = failing(9, waits=waits) >> gl.catch(0)
    for step, value, told in (
        (covered, 1, 1),
        (gl.identity * covered, [1, 2], 2),
        (gl.group(later >> covered) >> gl.retry(1), 1, 1),
        (same, 1, 0),
    ):
        plan = gl.compile(step)
        with gl.gcel.Catching() as caught:
            plan.run(value)
        assert caught == [("m.fail", "OSError")] * told
        assert plan.catches == (told > 0)


def test_a_run_that_is_given_up_is_closed_in_whichever_context_it_is_collected():
    async def catching():
        with gl.gcel.Catching():
            await asyncio.get_running_loop().create_future()

    async def main():
        given_up = catching()
        contextvars.copy_context().run(given_up.send, None)
        with gl.gcel.Catching() as caught:
            given_up.close()
            assert gl.compile(failing(9) >> gl.catch(0)).run(1) == 0
        return caught

    assert asyncio.run(main()) == [("m.fail", "OSError")]


def test_what_is_kept_of_an_earlier_run_tells_what_was_caught_there():
    @agent(name="m.refuse", version="1.0.0", effects=["pure"])
    def refuse(x: int) -> int:
        raise ValueError(x)

    plan = gl.compile(gl.group(same >> refuse >> gl.catch(0)) >> gl.cache(ttl=60))
    for _ in range(2):
        with gl.gcel.Catching() as caught:
            assert plan.run(1) == 0
        assert caught == [("m.refuse", "ValueError")]


def test_a_handler_may_wait_and_may_fail():
    assert run(failing(9) >> gl.catch(gl.get("input") >> later), 5) == 5
    _, note = note_of(failing(9) >> gl.catch(failing(9, ValueError)), error=ValueError)
    assert note.startswith("in step 'm.fail' (m.fail > m.fail) at ")


@both
def test_modifiers_nest_in_written_order(waits):
    report = gl.Report()
    assert run(failing(1, waits=waits) >> gl.retry(1) >> gl.catch(0), report=report) == 1
    assert not report.of("caught")
    assert run(failing(1, waits=waits) >> gl.catch(0) >> gl.retry(1), report=report) == 0
    assert len(report.of("caught")) == 1


@both
def test_a_modifier_on_a_map_covers_the_map_and_not_its_list(waits):
    made = []

    @agent(name="m.make", version="1.0.0")
    def make(x):
        made.append(x)
        return [1, 2, 3]

    log = []
    assert run((make * failing(2, waits=waits, log=log)) >> gl.retry(2)) == [1, 2, 3]
    assert made == [1]
    assert len(log) >= 5


@both
def test_a_group_is_covered_whole(waits):
    log = []
    step = gl.group(failing(0, log=log) >> failing(1, waits=waits)) >> gl.retry(1)
    assert run(step) == 1
    assert log == [1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "m.same >> retry(3)",
        'm.same >> retry(3, backoff="linear", base=0.50, jitter=false, max=9, on=["OSError"])',
        'm.later >> timeout(0.5) >> catch(get("input"))',
        "m.same >> cache(ttl=60) >> monitor(sla=5)",
        "m.same * m.later >> retry(1)",
        "(m.same | m.later) >> retry(1)",
        "m.same >> group(m.later >> m.same) >> timeout(5) >> retry(2)",
    ],
)
def test_canonical_text_and_documents_keep_modifiers(text):
    graph = gl.parse(text)
    assert str(graph) == text
    plan = gl.compile(graph, registry=REGISTRY)
    assert gl.Plan.from_json(plan.to_json(), registry=REGISTRY) == plan
    assert (
        plan.hash != gl.compile(text.split(" >> ")[0].strip("("), registry=REGISTRY).hash
        if " | " not in text
        else True
    )
    for form in ("text", "json", "mermaid", "graphviz"):
        assert any(word in plan.explain(form) for word in ("retry", "timeout", "cache"))


def test_both_faces_give_the_same_plan():
    text = "m.later >> retry(3, backoff=linear) >> timeout(2)"
    assert gl.compile(text, registry=REGISTRY) == gl.compile(
        later >> gl.retry(3, backoff="linear") >> gl.timeout(2)
    )


def test_a_modifier_after_parentheses_is_warned_of():
    plan = gl.compile("(m.same >> m.later) >> retry(1)", registry=REGISTRY)
    (warning,) = plan.warnings
    assert "covers only the last step of the sequence before it, m.later" in str(warning)
    assert not gl.compile("group(m.same >> m.later) >> retry(1)", registry=REGISTRY).warnings


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("retry(3)", "'retry' covers nothing here"),
        ("m.same >> retry(1) >> retry(2)", "'retry' covers this step twice"),
        ("m.same >> timeout(1)", "'timeout' covers a step that runs in place"),
        ("m.slow >> cache(ttl=1)", "'cache' covers 'm.slow', which does not say that it is pure"),
        ("m.same >> retry(0)", "option 'n' of 'retry' is 0"),
        ("m.later >> timeout(-1)", "option 'seconds' of 'timeout' is -1 seconds"),
        ("m.same >> retry(3, backoff=quick)", "'quick' is none of its words"),
        ('m.same >> retry(3, on=["no name"])', "names 'no name', which is no class"),
        ("m.same >> catch(m.same, m.same)", "'catch' takes one step"),
    ],
)
def test_a_modifier_out_of_place_is_refused(program, message):
    with pytest.raises(GcelError) as caught:
        gl.compile(program, registry=REGISTRY)
    assert message in str(caught.value)


# "timeout(seconds)"


def test_a_timeout_ends_a_step_and_can_be_retried_or_outlast_retries():
    with pytest.raises(TimeoutError, match=r"longer than its timeout of 5 s"):
        run(slow >> gl.timeout(5))
    clock = gl.VirtualClock()
    inner = slow >> gl.timeout(5) >> gl.retry(2, base=0)
    with pytest.raises(TimeoutError):
        gl.compile(inner).run(1, clock=clock)
    assert clock.now() == pytest.approx(15, abs=0.1)
    clock = gl.VirtualClock()
    outer = failing(99, waits=True) >> gl.retry(9, base=2, jitter=False, backoff="constant") >> gl.timeout(5)
    with pytest.raises(TimeoutError):
        gl.compile(outer).run(1, clock=clock)
    assert clock.now() == pytest.approx(5, abs=0.1)


# "cache(ttl=seconds)"


def test_a_cache_keeps_successes_by_tenant_and_input_for_its_time():
    count = itertools.count()

    @agent(name="m.count", version="1.0.0", effects=["pure"])
    def counted(x):
        return next(count)

    plan = gl.compile(counted >> gl.cache(ttl=10))
    clock = gl.VirtualClock()
    assert [plan.run(x, clock=clock) for x in (1, 1, 2, Decimal(1), Decimal("1.0"))] == [0, 0, 1, 2, 3]
    assert plan.run(1, clock=clock, tenant="other") == 4
    clock.sleep(11)
    assert plan.run(1, clock=clock) == 5


def test_a_cache_has_one_flight_at_a_time():
    runs = []

    @agent(name="m.flight", version="1.0.0", effects=["pure"])
    async def flight(x):
        runs.append(x)
        await asyncio.sleep(5)
        return x

    assert run(gl.map(flight >> gl.cache(ttl=60)), [1] * 20) == [1] * 20
    assert runs == [1]


# "monitor(sla=milliseconds)"


@both
def test_a_monitor_tells_what_is_late(waits):
    report = gl.Report()

    @agent(name="m.nap", version="1.0.0")
    def nap(x):
        time.sleep(x)

    step = (nap | later if waits else nap | same) >> gl.monitor(sla=10)
    plan = gl.compile(step)
    plan.run(0, report=report)
    assert not report.of("late")
    plan.run(0.02, report=report)
    assert report.of("late")[0].facts["elapsed_s"] > 0.01


# Deadlines


def test_a_deadline_holds_for_the_whole_run_and_names_the_step():
    error, note = note_of(same >> later >> (slow | slow), error=TimeoutError, deadline=0.05)
    assert "the deadline of the run passed" in str(error)
    assert note.startswith("in step 'm.slow' at ")


@both
def test_no_try_starts_that_cannot_end_in_time(waits):
    clock = gl.VirtualClock()
    with pytest.raises(OSError, match="no") as caught:
        gl.compile(failing(9, waits=waits) >> gl.retry(5, base=60, max=60, jitter=False)).run(
            1, clock=clock, deadline=100
        )
    assert "attempt 2, the next would start after the deadline" in caught.value.__notes__[0]
    assert clock.now() == pytest.approx(60, abs=0.1)


@both
def test_an_agent_can_read_what_is_left(waits):
    @agent(name="m.left", version="1.0.0")
    def left(x):
        return gl.time_left()

    step = (later >> left) if waits else left
    assert 9 < gl.compile(step).run(1, deadline=10) <= 10
    assert gl.compile(step).run(1) is None


@pytest.mark.parametrize("before", [same, later])
def test_no_handler_goes_on_after_the_deadline(before):
    @agent(name="m.nap", version="1.0.0")
    def nap(x):
        time.sleep(0.02)
        if x:
            raise OSError("too late")

    report = gl.Report()
    for value, error, step in (
        (1, OSError, nap >> gl.catch(gl.identity)),
        (0, TimeoutError, nap >> same >> gl.catch(gl.identity)),
    ):
        with pytest.raises(error):
            gl.compile(before >> step).run(value, deadline=0.01, report=report)
    assert report.of("caught") == []
