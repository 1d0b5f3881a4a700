"""Streams: every step's result as it comes, and nothing left running when the reader goes."""

import asyncio
import re
import threading
import time
from contextlib import aclosing
from contextvars import ContextVar
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError
from greenlang.gcel.running.streams import AHEAD

RAN: list[object] = []


@agent(name="st.note", version="1.0.0")
def note(x: object) -> object:
    RAN.append(x)
    return x


@agent(name="st.later", version="1.0.0")
async def later(x: object) -> object:
    await asyncio.sleep(0)
    return x


@agent(name="st.sleep", version="1.0.0")
async def sleep(x: float) -> float:
    try:
        await asyncio.sleep(float(x))
    finally:
        await asyncio.sleep(0)
        RAN.append(x)
    return x


@agent(name="st.refuse", version="1.0.0")
def refuse(x: int) -> int:
    if x == 2:
        raise ValueError("no two")
    return x


REGISTRY = gl.Registry([note, later, sleep, refuse])


@pytest.fixture(autouse=True)
def nothing_ran():
    RAN.clear()


def compiled(program):
    return gl.compile(program, registry=REGISTRY)


def asynchronously(plan, value, **options):
    async def read():
        return [result async for result in plan.astream(value, **options)]

    return asyncio.run(read())


def told(results):
    return [(result.path, result.step, result.item, result.value) for result in results]


@pytest.mark.parametrize("read", [lambda plan, value: list(plan.stream(value)), asynchronously])
@pytest.mark.parametrize("waits", [False, True])
def test_every_step_and_item_is_told_by_its_place(read, waits):
    inner = "st.later" if waits else "st.note"
    plan = compiled(f"[1, 2] * ({inner} >> st.note) & sum >> (st.note ? 1 : 2)")
    results = told(read(plan, None))
    if waits:
        # Items are at work at once: what is told of one may stand between what is told of the other.
        results[1:7] = sorted(results[1:7], key=lambda one: one[0].partition("]")[0])
    assert results == [
        ("constant", "constant", None, [1, 2]),
        (f"map[0] > {inner}", inner, None, 1),
        ("map[0] > st.note", "st.note", None, 1),
        ("map[0]", "map", 0, 1),
        (f"map[1] > {inner}", inner, None, 2),
        ("map[1] > st.note", "st.note", None, 2),
        ("map[1]", "map", 1, 2),
        ("map", "map", None, [1, 2]),
        ("sum", "sum", None, 3),
        ("st.note", "st.note", None, 3),
        ("? > constant", "constant", None, 1),
        ("?", "?", None, 1),
        ("", "plan", None, 1),
    ]


def test_a_step_is_told_once_however_often_it_was_tried():
    tries = []

    @agent(name="st.flaky", version="1.0.0")
    def flaky(x: int) -> int:
        tries.append(x)
        if len(tries) < 3:
            raise OSError
        return x

    plan = gl.compile(flaky >> gl.retry(3, base=0))
    assert told(plan.stream(1)) == [("st.flaky", "st.flaky", None, 1), ("", "plan", None, 1)]


def test_a_result_is_told_while_later_steps_still_run():
    heard = threading.Event()

    @agent(name="st.wait", version="1.0.0")
    def wait(x: object) -> object:
        assert heard.wait(10)
        return x

    results = gl.compile(note >> wait).stream(1)
    assert next(results).path == "st.note"
    heard.set()
    assert [result.path for result in results] == ["st.wait", ""]


def test_a_result_is_told_to_a_loop_while_the_plan_computes():
    heard = threading.Event()

    @agent(name="st.wait", version="1.0.0")
    def wait(x: object) -> object:
        assert heard.wait(10)
        return x

    async def read():
        paths = []
        async for result in gl.compile(note >> wait).astream(1):
            paths.append(result.path)
            heard.set()
        return paths

    assert asyncio.run(read()) == ["st.note", "st.wait", ""]


def test_a_plan_runs_only_a_little_ahead_of_its_reader():
    results = compiled("identity * st.note").stream(range(10_000))
    assert next(results).path == "map[0] > st.note"
    time.sleep(0.05)
    assert 1 <= len(RAN) <= AHEAD + 1
    results.close()


@pytest.mark.parametrize("waits", [False, True])
def test_a_stream_closed_early_leaves_nothing_running(waits):
    before = threading.active_count()
    plan = compiled("identity * (st.note >> st.later)" if waits else "identity * st.note")
    results = plan.stream(range(10_000))
    next(results)
    results.close()
    ran = len(RAN)
    time.sleep(0.02)
    assert len(RAN) == ran < 10_000
    assert threading.active_count() <= before


def test_closing_cancels_steps_that_wait_and_awaits_them():
    plan = compiled("0 >> st.later | (60 >> st.sleep) | (61 >> st.sleep)")
    results = plan.stream(0)
    assert [next(results).value for _ in range(4)][-1] == 0
    results.close()
    assert sorted(RAN) == [60, 61]

    async def read():
        async with aclosing(plan.astream(0)) as results:
            async for result in results:
                if result.step == "st.later":
                    break

    RAN.clear()
    asyncio.run(read())
    assert sorted(RAN) == [60, 61]


def test_a_reader_that_is_cancelled_cancels_the_run():
    async def read():
        async for _ in compiled("60 >> st.sleep").astream(0):
            pass

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read(), 0.05)

    asyncio.run(main())
    assert RAN == [60]


def place_and_input(error):
    """The notes of an error, but for how long it took."""
    return [re.sub(r"(within|after) [\d.]+ m?s", "", note) for note in error.__notes__]


@pytest.mark.parametrize("program", ["identity * st.refuse", "identity * (st.refuse >> st.later)"])
def test_an_error_comes_after_the_results_before_it_and_with_the_note_of_run(program):
    plan = compiled(program)
    with pytest.raises(ValueError, match="no two") as expected:
        plan.run([1, 2, 3])
    for read in (lambda: list(plan.stream([1, 2, 3])), lambda: asynchronously(plan, [1, 2, 3])):
        with pytest.raises(ValueError, match="no two") as caught:
            read()
        assert place_and_input(caught.value) == place_and_input(expected.value)
    results = plan.stream([1, 2, 3])
    assert next(results).value == 1
    with pytest.raises(ValueError, match="no two"):
        list(results)


def test_what_a_catch_handles_is_told_as_the_steps_own():
    plan = compiled('st.refuse >> catch(get("input") >> st.note)')
    paths = [result.path for result in plan.stream(2)]
    assert paths == ["st.refuse > get", "st.refuse > st.note", "st.refuse", ""]


def test_elapsed_time_is_that_of_the_runs_clock():
    plan = compiled("(5 >> st.sleep) | (7 >> st.sleep)")
    elapsed = {str(result.value): result.elapsed_s for result in plan.stream(0, clock=gl.VirtualClock())}
    assert [elapsed[value] for value in ("5", "7", "[5, 7]")] == pytest.approx([5, 7, 7], abs=1e-3)


def test_a_deadline_ends_a_stream():
    with pytest.raises(TimeoutError):
        list(compiled("5 >> st.sleep").stream(0, deadline=1, clock=gl.VirtualClock()))


def test_an_asynchronous_plan_is_read_asynchronously_where_a_loop_runs():
    async def read():
        with pytest.raises(GcelError, match=r"write `async for result in plan\.astream\(value\)`"):
            next(compiled("st.later").stream(0))

    asyncio.run(read())


def test_steps_on_the_thread_see_the_readers_context():
    variable = ContextVar("variable", default="unset")

    @agent(name="st.see", version="1.0.0")
    def see(x: object) -> str:
        return variable.get()

    variable.set("set")
    assert next(gl.compile(see).stream(0)).value == "set"


def test_arithmetic_on_the_thread_is_exact():
    plan = compiled("[0.1, 0.2] & sum")
    assert [result.value for result in plan.stream(None)][-1] == Decimal("0.3")
