"""The scheduler of plans, compared with the same steps called one after another."""

import asyncio
import contextvars
import gc
import sys
import weakref
from decimal import Context, Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_core.executions import arun
from greenlang_core.scheduler import Program


def call(slot, function, *, is_async=False, needs_task=False, **options):
    return "call", (slot,), function, tuple(options), tuple(options.values()), is_async, needs_task


def wait(slot, function, **options):
    return call(slot, function, is_async=True, **options)


def program(steps, result, **options):
    return Program(steps, result, as_items=list, **options)


def identity(x):
    return x


def run(built, value):
    if built.is_async:
        return asyncio.run(arun(built, value, []))
    return built.run(value, [])


class Value:
    """Something whose end can be seen."""


# Wiring


def test_steps_run_over_slots():
    steps = [
        call(0, lambda x: x + 1),
        call(0, lambda x: x * 10),
        ("list", (1, 2, 0)),
        ("record", (3, 1), ("list", "a b")),
        ("constant", (), "c"),
        ("list", (4, 5)),
    ]
    assert run(program(steps, 6), 4) == [{"list": [5, 40, 4], "a b": 5}, "c"]
    assert run(program([], 0), 4) == 4


def test_options_are_given_by_name():
    def function(x, *, a, b=0):
        return x, a, b

    many = {f"option{number}": number for number in range(100)}
    assert run(program([call(0, function, b=2, a=1)], 1), 0) == (0, 1, 2)
    assert run(program([call(0, lambda x, **given: given, **many)], 1), 0) == many


def test_maps_filters_and_choices_run_programs():
    double = program([call(0, lambda x: x * 2)], 1)
    longer = program([call(0, lambda x: x * 2), call(1, lambda x: x + 1)], 2)
    odd = program([call(0, lambda x: x % 2)], 1)
    assert run(program([("map", (0,), double)], 1), (1, 2)) == [2, 4]
    assert run(program([("map", (0,), longer)], 1), range(3)) == [1, 3, 5]
    assert run(program([("filter", (0,), odd)], 1), [1, 2, 3]) == [1, 3]
    choice = program([call(0, lambda x: x > 3), ("choose", (1, 0), (double, longer), None)], 2)
    assert [run(choice, x) for x in (5, 1)] == [10, 3]
    route = program([("choose", (0, 0), (double, longer), lambda key: key % 2)], 1)
    assert [run(route, x) for x in (4, 5)] == [8, 11]


@pytest.mark.parametrize(
    ("steps", "result"),
    [([call(1, identity)], 1), ([call(-1, identity)], 1), ([], 1), ([], -1), ([("list", (0, 2))], 1)],
)
def test_a_slot_that_is_not_there_is_refused(steps, result):
    with pytest.raises(ValueError, match="slot"):
        program(steps, result)


def test_a_choice_of_a_program_that_is_not_there_is_an_error():
    broken = program([("choose", (0, 0), (program([], 0),), lambda _: 3)], 1)
    with pytest.raises(IndexError):
        run(broken, 1)


@st.composite
def wirings(draw):
    """Steps of a random graph, each reading one slot or several below its own."""
    steps = []
    for index in range(draw(st.integers(0, 40))):
        slots = st.integers(0, index)
        kind = draw(st.sampled_from(["call", "wait", "list", "record"]))
        if kind in {"call", "wait"}:
            steps.append((kind, (draw(slots),)))
        else:
            steps.append((kind, tuple(draw(st.lists(slots, max_size=4)))))
    return steps, draw(st.integers(0, len(steps)))


@given(wirings(), st.booleans())
def test_any_graph_gives_what_plain_calls_give(wiring, suspends):
    steps, result = wiring

    async def waiting(x):
        if suspends:
            await asyncio.sleep(0)
        return ("wait", x)

    slots = ["input"]
    built = []
    for kind, inputs in steps:
        if kind == "call":
            built.append(call(inputs[0], lambda x: ("call", x)))
            slots.append(("call", slots[inputs[0]]))
        elif kind == "wait":
            built.append(wait(inputs[0], waiting))
            slots.append(("wait", slots[inputs[0]]))
        elif kind == "list":
            built.append(("list", inputs))
            slots.append([slots[slot] for slot in inputs])
        else:
            names = tuple(map(str, range(len(inputs))))
            built.append(("record", inputs, names))
            slots.append({name: slots[slot] for name, slot in zip(names, inputs, strict=True)})
    assert run(program(built, result), "input") == slots[result]


# Values


def test_a_value_is_let_go_after_its_last_reader():
    alive = []

    def make(_):
        value = Value()
        alive.append(weakref.ref(value))
        return value

    def look(_):
        return [one() is not None for one in alive]

    steps = [call(0, make), call(1, lambda _: "read"), call(2, look), call(0, make), call(0, look)]
    assert run(program([*steps, ("list", (3, 5))], 6), 0) == [[False], [False, False]]

    async def wait_a_little(_):
        await asyncio.sleep(0)

    steps[1] = wait(1, wait_a_little)
    steps[4] = call(3, look)
    assert run(program([*steps, ("list", (3, 5))], 6), 0)[0][0] is False


@pytest.mark.parametrize("size", [3, 100])
def test_no_reference_is_kept_or_lost(size):
    value = Value()
    functions = [call(slot, identity) for slot in range(size)]
    chain = program(functions, size)

    def fail(_):
        raise ValueError("fails")

    failing = program([*functions, call(size, fail)], size + 1)
    before = sys.getrefcount(value)
    for _ in range(10):
        assert chain.run(value, []) is value
        with pytest.raises(ValueError, match="fails"):
            failing.run(value, [])
        assert asyncio.run(arun(program([*functions], size), value, [])) is value
    gc.collect()
    assert sys.getrefcount(value) == before


def test_a_list_that_a_step_changes_is_mapped_as_a_loop_would():
    items = [1, 2, 3]

    def function(item):
        if item == 1:
            items.append(4)
        return item

    assert run(program([("map", (0,), program([call(0, function)], 1))], 1), items) == [1, 2, 3, 4]


def test_programs_run_inside_their_own_steps():
    def inner(x):
        return x if x == 0 else built.run(x - 1, []) + 1

    built = program([call(0, inner), call(1, identity)], 2)
    assert run(built, 50) == 50


# Failures


def test_the_trail_says_where_a_step_failed_from_the_inside_out():
    def fail(x):
        if x == 2:
            raise ValueError(x)
        return x

    single = program([call(0, fail)], 1)
    longer = program([call(0, identity), call(1, fail)], 2)
    for inner, index in ((single, 0), (longer, 1)):
        middle = program([("map", (0,), inner)], 1)
        outer = program([call(0, identity), ("map", (1,), middle)], 2)
        trail = []
        with pytest.raises(ValueError, match="2"):
            outer.run([[1], [1, 1, 2]], trail)
        assert trail[:-1] == [(inner, index), 2, (middle, 0), 1, (outer, 1)]


def test_the_trail_of_a_step_that_waited_is_the_same():
    async def fail(x):
        await asyncio.sleep(0)
        if x == 2:
            raise ValueError(x)
        return x

    inner = program([wait(0, fail)], 1)
    middle = program([("map", (0,), inner)], 1)
    outer = program([call(0, identity), ("map", (1,), middle)], 2)
    trail = []
    with pytest.raises(ValueError, match="2"):
        asyncio.run(arun(outer, [[1], [1, 1, 2]], trail))
    assert trail[:-1] == [(inner, 0), 2, (middle, 0), 1, (outer, 1)]


def test_a_synchronous_run_of_an_asynchronous_program_is_refused():
    async def function(x):
        return x

    with pytest.raises(ValueError, match=r"await executions.arun\(\) instead"):
        program([wait(0, function)], 1).run(1, [])


# Waiting


def test_each_step_starts_when_its_inputs_are_ready():
    log = []

    def waiting(name, *times):
        async def function(x):
            log.append(f"{name} starts")
            for _ in range(times[0]):
                await asyncio.sleep(0)
            log.append(f"{name} ends")
            return x

        return function

    steps = [wait(0, waiting("slow", 20)), wait(0, waiting("fast", 1)), wait(2, waiting("after fast", 1))]
    run(program([*steps, ("list", (1, 3))], 4), 0)
    assert log.index("after fast ends") < log.index("slow ends")


def test_waiting_steps_leave_before_computing_ones():
    log = []

    async def waiting(x):
        log.append("waits")
        await asyncio.sleep(0)
        return x

    def computing(x):
        log.append("computes")
        return x

    run(program([call(0, computing), wait(0, waiting), ("list", (1, 2))], 3), 0)
    assert log == ["waits", "computes"]


def test_no_task_is_made_for_a_coroutine_that_does_not_wait():
    async def function(x):
        return asyncio.current_task()

    async def main():
        return await arun(program([wait(0, function)], 1), 0, []) is asyncio.current_task()

    assert asyncio.run(main())


def test_a_coroutine_that_needs_a_task_has_one_from_its_first_line():
    async def function(x):
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return asyncio.current_task()

    async def main():
        task = await arun(program([wait(0, function, needs_task=True)], 1), 0, [])
        return task is not asyncio.current_task()

    assert asyncio.run(main())


def test_branches_do_not_see_each_others_context_variables():
    variable = contextvars.ContextVar("variable", default="outer")

    def setting(name, times):
        async def function(x):
            variable.set(name)
            for _ in range(times):
                await asyncio.sleep(0)
            return variable.get()

        return function

    async def main():
        variable.set("caller")
        steps = [
            wait(0, setting("a", 0)),
            wait(0, setting("b", 1)),
            wait(0, setting("c", 2)),
            ("list", (1, 2, 3)),
        ]
        return await arun(program(steps, 4), 0, []), variable.get()

    assert asyncio.run(main()) == (["a", "b", "c"], "caller")


def failing_pair(log, *, stubborn=0):
    async def slow(x):
        for _ in range(stubborn + 1):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                log.append("cancelled")
                if len(log) > stubborn:
                    raise
        return x

    async def bad(x):
        await asyncio.sleep(0)
        raise ValueError("bad")

    return program([wait(0, slow), wait(0, bad), ("list", (1, 2))], 3)


def test_siblings_have_ended_when_the_error_is_raised():
    log = []

    async def main():
        with pytest.raises(ValueError, match="bad"):
            await arun(failing_pair(log), 0, [])
        assert log == ["cancelled"]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_an_error_before_anything_waits_cancels_what_was_started():
    log = []

    async def slow(x):
        try:
            await asyncio.sleep(30)
        finally:
            log.append("ended")

    def fail(x):
        raise ValueError("bad")

    async def main():
        with pytest.raises(ValueError, match="bad"):
            await arun(program([wait(0, slow), call(0, fail)], 1), 0, [])
        return list(log)

    assert asyncio.run(main()) == ["ended"]


def test_cancelling_a_run_cancels_its_steps_and_waits_for_them():
    log = []

    async def slow(x):
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            log.append("ended")

    inner = program([wait(0, slow)], 1)
    outer = program([wait(0, slow), ("map", (0,), inner), ("list", (1, 2))], 3)

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(arun(outer, [1, 2, 3], []), 0.01)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert log == ["ended"] * 4


def test_a_step_that_ignores_being_cancelled_is_asked_again_when_its_run_is():
    log = []

    async def main():
        task = asyncio.create_task(arun(failing_pair(log, stubborn=1), 0, []))
        while log != ["cancelled"]:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(ValueError, match="bad"):
            await task

    asyncio.run(main())
    assert log == ["cancelled", "cancelled"]


def test_a_map_keeps_its_order_and_a_window():
    at_once = []
    running = 0

    async def function(x):
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0.001 * (x % 3))
        running -= 1
        return x

    built = program([("map", (0,), program([wait(0, function)], 1))], 1)
    assert run(built, range(300)) == list(range(300))
    assert max(at_once) == 64


def test_a_filter_that_waits_keeps_items_and_order():
    async def odd(x):
        await asyncio.sleep(0)
        return x % 2

    assert run(program([("filter", (0,), program([wait(0, odd)], 1))], 1), range(6)) == [1, 3, 5]


def test_a_failed_item_ends_the_others():
    ended = []

    async def function(x):
        try:
            await asyncio.sleep(0 if x == 3 else 30)
        finally:
            ended.append(x)
        raise ValueError(x)

    trail = []
    inner = program([wait(0, function)], 1)
    outer = program([("map", (0,), inner)], 1)
    with pytest.raises(ValueError, match="3"):
        asyncio.run(arun(outer, range(10), trail))
    assert sorted(ended) == list(range(10))
    assert trail[:-1] == [(inner, 0), 3, (outer, 0)]


def test_a_choice_may_wait():
    async def double(x):
        await asyncio.sleep(0)
        return x * 2

    sides = (program([wait(0, double)], 1), program([], 0))
    built = program([call(0, lambda x: x > 3), ("choose", (1, 0), sides, None)], 2)
    assert [run(built, x) for x in (5, 1)] == [10, 1]


# Decimals


def test_steps_run_in_the_context_given_and_leave_the_callers():
    context = Context(prec=7)
    seen = []

    def look(x):
        seen.append(getcontext().prec)
        return Decimal(1) / 3

    async def wait_and_look(x):
        await asyncio.sleep(0)
        seen.append(getcontext().prec)

    before = getcontext()
    assert program([call(0, look)], 1, context=context).run(0, []) == Decimal("0.3333333")
    assert getcontext() is before

    async def main():
        caller = getcontext()
        await arun(program([wait(0, wait_and_look)], 1, context=context), 0, [])
        assert getcontext() is caller

    asyncio.run(main())
    assert seen == [7, 7]
