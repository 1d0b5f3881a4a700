"""Modifiers (GCEL.md, "Modifiers"), and what becomes of agents that fail in every way they can."""

import asyncio
import itertools
import resource
import sys
import threading
import time
import traceback
import tracemalloc
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError, StepError


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


# Blocking agents


def test_blocking_agents_run_in_threads_at_once():
    barrier = threading.Barrier(2, timeout=5)

    @agent(name="m.meet", version="1.0.0", blocking=True)
    def meet(x):
        barrier.wait()
        return threading.current_thread() is threading.main_thread()

    assert gl.compile(meet | meet).run(1) == [False, False]


def test_a_blocking_agent_that_polls_its_token_ends_and_one_that_does_not_is_named():
    ended = []
    started = threading.Event()

    @agent(name="m.bad", version="1.0.0")
    async def bad(x):
        while not started.is_set():
            await asyncio.sleep(0.001)
        raise OSError("no")

    @agent(name="m.polite", version="1.0.0", blocking=True)
    def polite(x):
        started.set()
        while not gl.cancelled():
            time.sleep(0.001)
        ended.append("polite")

    @agent(name="m.deaf", version="1.0.0", blocking=True)
    def deaf(x):
        started.set()
        time.sleep(0.5)

    _, note = note_of(polite | bad, error=OSError)
    assert ended == ["polite"]
    assert "still running" not in note
    started.clear()
    before = time.perf_counter()
    _, note = note_of(deaf | bad, error=OSError, patience=0.02)
    assert time.perf_counter() - before < 0.4
    assert note.endswith("still running, though cancelled: 'm.deaf'")


# Agents that fail in every way


def test_an_agent_that_swallows_cancellation_is_named():
    @agent(name="m.stubborn", version="1.0.0")
    async def stubborn(x):
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue

    _, note = note_of(stubborn >> gl.timeout(Decimal("0.01")), error=TimeoutError, patience=0.02)
    assert note.endswith("still running, though cancelled: 'm.stubborn'")
    _, note = note_of(stubborn | failing(9, waits=True), error=OSError, patience=0.02)
    assert note.endswith("still running, though cancelled: 'm.stubborn'")


@both
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_agent_that_leaves_ends_the_others_and_is_named(waits, kind):
    ended = []

    @agent(name="m.wait", version="1.0.0")
    async def wait(x):
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(x)

    step = failing(9, kind, waits=waits) >> gl.retry(3) >> gl.catch(0)
    _, note = note_of(wait | step, error=kind)
    assert note.startswith("in step 'm.fail' at ")
    assert ended == [1]


def test_an_agent_that_gives_the_wrong_type_fails_where_it_is_used():
    @agent(name="m.wrong", version="1.0.0")
    def wrong(x) -> list[int]:
        return 5

    _, note = note_of(wrong * same, error=StepError)
    assert note.startswith("in step 'map' at ")


@both
def test_a_traceback_has_few_lines_besides_the_users_own(waits):
    with pytest.raises(OSError, match="no") as caught:
        gl.compile(same >> failing(9, waits=waits)).run(1)
    error = caught.value
    frames = traceback.extract_tb(error.__traceback__)
    assert len([frame for frame in frames if "greenlang" in frame.filename.replace("\\", "/")]) <= 1
    assert error.__context__ is None


def test_a_note_tells_the_attempt_the_time_and_the_input():
    _, note = note_of(failing(9) >> gl.retry(2, base=0), 1)
    assert note.splitlines()[-1].startswith("attempt 3, within 10 ms, input sha256:")


# Deterministic runs


def interleaving(seed):
    order = []

    @agent(name="m.step", version="1.0.0")
    async def step(x):
        for _ in range(3):
            await asyncio.sleep(0)
            order.append(x)
        return x

    gl.compile(gl.map(step)).run([1, 2, 3], clock=gl.VirtualClock(seed=seed))
    return tuple(order)


def test_the_same_seed_gives_the_same_order_and_seeds_search_interleavings():
    assert interleaving(7) == interleaving(7)
    assert len({interleaving(seed) for seed in range(20)}) > 5


def test_a_clock_that_is_not_the_loops_own_is_refused():
    plan = gl.compile(later)
    with pytest.raises(GcelError, match=r"write clock.run\(plan.arun"):
        asyncio.run(plan.arun(1, clock=gl.VirtualClock()))
    clock = gl.VirtualClock()
    assert clock.run(plan.arun(1, clock=clock)) == 1


# Maps over whatever gives items


async def numbers(count):
    for number in range(count):
        yield number


def test_maps_pull_from_generators_and_asynchronous_ones():
    for step in (same, later):
        plan = gl.compile(gl.identity * step)
        assert plan.run(iter(range(100))) == list(range(100))
        assert asyncio.run(plan.arun(numbers(100))) == list(range(100))


def test_no_more_items_are_pulled_than_the_window_holds():
    pulled = []
    seen = []

    def source():
        for number in range(300):
            pulled.append(number)
            yield number

    @agent(name="m.look", version="1.0.0")
    async def look(x):
        await asyncio.sleep(0.001 if x % 7 else 0.003)
        seen.append(len(pulled) - len(seen))
        return x

    plan = gl.compile(gl.identity * look)
    assert list(plan.each(source(), window=8)) == list(range(300))
    assert max(seen) <= 8


def test_items_come_as_they_are_done_where_that_is_asked():
    @agent(name="m.wait", version="1.0.0")
    async def wait(x):
        await asyncio.sleep(0.02 if x == 0 else 0)
        return x

    async def main():
        return [x async for x in gl.compile(gl.identity * wait).aeach(range(5), ordered=False)]

    outputs = asyncio.run(main())
    assert sorted(outputs) == [0, 1, 2, 3, 4]
    assert outputs[-1] == 0


def test_memory_stays_flat_over_a_million_items():
    plan = gl.compile(gl.identity * same)
    assert sum(1 for _ in plan.each(iter(range(1_000)))) == 1_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in plan.each(iter(range(1_000_000)))) == 1_000_000
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS; a million kept integers are 36 MB.
    assert after - before < (8_000 if sys.platform == "linux" else 8_000_000)


def test_memory_stays_flat_where_steps_wait():
    plan = gl.compile(gl.identity * later)
    tracemalloc.start()
    try:
        assert sum(1 for _ in plan.each(iter(range(5_000)))) == 5_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_failing_item_of_each_is_named():
    @agent(name="m.refuse", version="1.0.0")
    def refuse(x):
        if x == 3:
            raise ValueError("no three")
        return x

    @agent(name="m.refuse", version="1.0.0")
    async def refuse_later(x):
        await asyncio.sleep(0)
        return refuse(x)

    for step in (refuse, refuse_later):
        with pytest.raises(ValueError, match="no three") as caught:
            list(gl.compile(same * step).each(range(9)))
        assert caught.value.__notes__[0].startswith("in step 'm.refuse' (map[3] > m.refuse) at ")
