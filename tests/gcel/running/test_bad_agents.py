"""Agents that fail in every way they can: each has one outcome, and it names the step.

docs/running.md, "Agents that misbehave", is the list.
"""

import asyncio
import os
import signal
import threading
import time
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import StepError
from greenlang.gcel.running.blocking import MAXIMUM_THREADS


@agent(name="m.same", version="1.0.0", effects=["pure"])
def same(x):
    return x


@agent(name="m.double", version="1.0.0", effects=["pure"])
def double(x: int) -> int:
    return x * 2


def failing(kind, *, waits=False):
    """An agent that raises this."""

    @agent(name="m.fail", version="1.0.0")
    def in_place(x):
        raise kind("no")

    @agent(name="m.fail", version="1.0.0")
    async def in_loop(x):
        await asyncio.sleep(0)
        raise kind("no")

    return in_loop if waits else in_place


def note_of(step, value=1, error=Exception, **options):
    """The note of the error with which a plan of this step ends."""
    with pytest.raises(error) as caught:
        gl.compile(step).run(value, **options)
    (note,) = caught.value.__notes__
    return caught.value, note


both = pytest.mark.parametrize("waits", [False, True])


# Raise


class Own(BaseException):
    """Of the agent's own, and no Exception."""


@both
@pytest.mark.parametrize(
    "kind",
    [
        ValueError,
        OSError,
        RecursionError,
        StopIteration,
        StopAsyncIteration,
        TimeoutError,
        GeneratorExit,
        Own,
    ],
)
@pytest.mark.parametrize("form", ["alone", "in a map", "in a group", "beside another"])
def test_what_an_agent_raises_comes_out_and_names_the_step(kind, waits, form):
    step = failing(kind, waits=waits)
    graph, value, way = {
        "alone": (same >> step, 1, ""),
        "in a map": (same * step, [1], r" (map[0] > m.fail)"),
        "in a group": (gl.group(same >> step) >> gl.monitor(), 1, " (group > m.fail)"),
        "beside another": (same | step, 1, ""),
    }[form]
    error, note = note_of(graph, value, BaseException)
    # In a coroutine, Python itself makes a RuntimeError of these two.
    assert isinstance(error, kind) or (isinstance(error, RuntimeError) and "raised Stop" in str(error))
    assert note.startswith(f"in step 'm.fail'{way} at ")


def test_a_plan_that_computes_in_place_names_the_step_in_an_event_loop_too():
    with pytest.raises(RuntimeError, match="a step raised StopIteration") as caught:
        asyncio.run(gl.compile(failing(StopIteration)).arun(1))
    assert caught.value.__notes__[0].startswith("in step 'm.fail' at ")


def test_an_error_with_a_mind_of_its_own_is_named_all_the_same():
    class Closed(Exception):
        def add_note(self, note):
            raise RuntimeError("takes no notes")

        def __str__(self):
            raise RuntimeError("has no words")

    _, note = note_of(failing(Closed), error=Closed)
    assert note.startswith("in step 'm.fail' at ")


# Give the wrong type


@both
def test_an_output_of_the_wrong_type_fails_the_step_that_uses_it(waits):
    def give(x):
        return {"none": None, "text": "5", "number": 5}[x]

    @agent(name="m.wrong", version="1.0.0")
    def wrong_in_place(x: str) -> list[int]:
        return give(x)

    @agent(name="m.wrong", version="1.0.0")
    async def wrong_in_loop(x: str) -> list[int]:
        await asyncio.sleep(0)
        return give(x)

    wrong = wrong_in_loop if waits else wrong_in_place
    for value, shown in (("number", "5 of type int"), ("text", "'5' of type str"), ("none", "None")):
        error, note = note_of(wrong * double, value, StepError)
        assert f"a list or a table is wanted here, and {shown}" in str(error)
        assert note.startswith("in step 'map' at ")
    _, note = note_of(wrong & gl.sum, "number", StepError)
    assert note.startswith("in step 'sum' at ")
    # An agent's own check, or Python's, where what uses it is an agent.
    _, note = note_of(wrong >> gl.get("field"), "number", StepError)
    assert note.startswith("in step 'get' at ")
    # What nobody looks into goes through.
    assert gl.compile(wrong).run("text") == "5"


# Never return


def test_a_coroutine_that_never_returns_ends_with_its_timeout_or_the_deadline():
    @agent(name="m.forever", version="1.0.0")
    async def forever(x):
        await asyncio.get_running_loop().create_future()

    error, note = note_of(forever >> gl.timeout(Decimal("0.01")), error=TimeoutError)
    assert "the step took longer than its timeout of 0.01 s" in str(error)
    assert note.startswith("in step 'm.forever' at ")
    error, note = note_of(same >> forever, error=TimeoutError, deadline=0.01)
    assert "the deadline of the run passed while this step was at work" in str(error)
    assert note.startswith("in step 'm.forever' at ")


def test_a_thread_that_never_returns_is_given_up_and_named():
    release = threading.Event()

    @agent(name="m.deaf", version="1.0.0", blocking=True)
    def deaf(x):
        release.wait(10)

    before = time.perf_counter()
    _, note = note_of(deaf >> gl.timeout(Decimal("0.01")), error=TimeoutError, patience=0.02)
    assert time.perf_counter() - before < 1
    assert note.startswith("in step 'm.deaf' at ")
    assert note.endswith("still running, though cancelled: 'm.deaf'")
    release.set()


def test_an_endless_loop_ends_with_control_c_and_is_named():
    """In place nothing else can end it: an agent that may take long is to be `blocking`."""

    @agent(name="m.loop", version="1.0.0")
    def loop(x):
        while True:
            pass

    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        _, note = note_of(same * loop, [1], KeyboardInterrupt)
    finally:
        timer.join()
    assert note.startswith("in step 'm.loop' (map[0] > m.loop) at ")


# Swallow being cancelled


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
    _, note = note_of(stubborn | failing(OSError, waits=True), error=OSError, patience=0.02)
    assert note.endswith("still running, though cancelled: 'm.stubborn'")


@pytest.mark.parametrize("patience", [0.02, 0.0])
def test_an_agent_that_swallows_cancellation_when_it_is_tried_again_is_named(patience):
    """Its later tries are awaited by what covers it, which is cancelled with the run."""
    tried = asyncio.Event()

    @agent(name="m.stubborn", version="1.0.0")
    async def stubborn(x):
        if not tried.is_set():
            tried.set()
            raise OSError("once")
        for _ in range(3):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue
        await asyncio.sleep(1000)

    @agent(name="m.bad", version="1.0.0")
    async def bad(x):
        await tried.wait()
        await asyncio.sleep(0.01)
        raise ValueError("bad")

    covered = stubborn >> gl.timeout(60) >> gl.retry(3, base=0)
    _, note = note_of(covered | bad, error=ValueError, patience=patience)
    assert note.startswith("in step 'm.bad' at ")
    assert note.endswith("still running, though cancelled: 'm.stubborn'")


def test_an_agent_that_swallows_being_cancelled_once_and_returns_is_waited_for():
    @agent(name="m.slow", version="1.0.0")
    async def slow(x):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.append(x)
        return x

    ended = []
    _, note = note_of(slow | failing(OSError, waits=True), error=OSError)
    assert ended == [1]
    assert note.startswith("in step 'm.fail' at ")
    assert "still running" not in note


async def sleeps_on(x):
    """Whoever cancels it waits in vain, for a while."""
    for _ in range(20):
        try:
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            continue


def test_a_run_that_succeeds_reports_what_it_gave_up():
    stubborn = agent(name="m.stubborn", version="1.0.0")(sleeps_on)
    late = stubborn >> gl.timeout(Decimal("0.01"))
    for step in (
        late >> gl.catch(0),
        late >> gl.retry(1, base=0) >> gl.catch(0),
        gl.group(stubborn | failing(OSError, waits=True)) >> gl.catch(0),
    ):
        report = gl.Report()
        assert gl.compile(step).run(1, report=report, patience=0.01) == 0
        assert {each.step for each in report.of("abandoned")} == {"m.stubborn"}


def test_a_run_that_is_cancelled_as_a_step_is_given_up_ends_as_cancelled():
    stubborn = agent(name="m.stubborn", version="1.0.0")(sleeps_on)
    clock = gl.VirtualClock()

    async def main():
        plan = gl.compile(stubborn >> gl.catch(0) >> gl.timeout(Decimal("0.01")))
        # Given up the moment at which the other timeout ends.
        async with asyncio.timeout(0.03):
            await plan.arun(1, clock=clock, patience=0.02)

    with pytest.raises(TimeoutError) as caught:
        clock.run(main())
    cancelled = caught.value.__cause__
    assert isinstance(cancelled, asyncio.CancelledError)
    assert cancelled.__notes__[0].endswith("still running, though cancelled: 'm.stubborn'")


# Leave


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

    step = failing(kind, waits=waits) >> gl.retry(3) >> gl.catch(0)
    _, note = note_of(wait | step, error=kind)
    assert note.startswith("in step 'm.fail' at ")
    assert ended == [1]
    _, note = note_of(wait | gl.group(same >> gl.map(step)), [1], error=kind)
    assert note.startswith("in step 'm.fail' (")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_agent_that_leaves_on_a_thread_is_named_too(kind):
    @agent(name="m.leave", version="1.0.0", blocking=True)
    def leave(x):
        raise kind("no")

    _, note = note_of(same >> leave, error=kind)
    assert note.startswith("in step 'm.leave' at ")


# Agents on threads


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


def test_threads_that_never_return_take_no_room_from_others():
    release = threading.Event()

    @agent(name="m.deaf", version="1.0.0", blocking=True)
    def deaf(x):
        release.wait(30)

    @agent(name="m.there", version="1.0.0", blocking=True)
    def there(x):
        return x

    stuck = gl.compile(gl.identity * deaf >> gl.timeout(Decimal("0.01")))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            stuck.run(range(MAXIMUM_THREADS), patience=0.01)
    given = []
    thread = threading.Thread(target=lambda: given.append(gl.compile(there).run(1)), daemon=True)
    thread.start()
    thread.join(5)
    release.set()
    assert given == [1]


def test_a_call_that_waits_for_a_thread_is_cancelled_at_once():
    release = threading.Event()
    begun = []

    @agent(name="m.hold", version="1.0.0", blocking=True)
    def hold(x):
        begun.append(x)
        release.wait(30)

    async def main():
        holding = asyncio.create_task(gl.compile(gl.identity * hold).arun(range(MAXIMUM_THREADS)))
        while len(begun) < MAXIMUM_THREADS:
            await asyncio.sleep(0.001)
        before = time.perf_counter()
        with pytest.raises(TimeoutError) as caught:
            await gl.compile(gl.identity >> hold).arun("late", deadline=0.02)
        took_s = time.perf_counter() - before
        release.set()
        await holding
        return took_s, caught.value.__notes__[0]

    took_s, note = asyncio.run(main())
    assert took_s < 0.5
    assert "still running" not in note
    assert "late" not in begun


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_was_forked_has_threads_of_its_own():
    @agent(name="m.there", version="1.0.0", blocking=True)
    def there(x):
        return x

    plan = gl.compile(there)
    assert plan.run(1) == 1
    child = os.fork()
    if not child:
        signal.alarm(5)
        os._exit(plan.run(2))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
