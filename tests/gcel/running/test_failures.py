"""What is told of a failure: one note that points at the step, and a traceback of the user's own frames."""

import asyncio
import dataclasses
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from decimal import Decimal

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.gcel import Trace


@agent(name="fail.same", version="1.0.0", effects=["pure"])
def same(x):
    return x


@agent(name="fail.later", version="1.0.0", effects=["io"])
async def later(x):
    await asyncio.sleep(0)
    return x


def deeper(x):
    raise OSError(f"no {x}")


@agent(name="fail.fetch", version="1.0.0", effects=["io"])
def fetch(x):
    return deeper(x)


@agent(name="fail.fetch_later", version="1.0.0", effects=["io"])
async def fetch_later(x):
    await asyncio.sleep(0)
    return deeper(x)


@agent(name="fail.fetch_with_a_task", version="1.0.0", effects=["io"], needs_task=True)
async def fetch_with_a_task(x):
    async with asyncio.timeout(5):
        await asyncio.sleep(0)
        return deeper(x)


@agent(name="fail.fetch_on_a_thread", version="1.0.0", effects=["io"], blocking=True)
def fetch_on_a_thread(x):
    return deeper(x)


REGISTRY = gl.Registry([same, later, fetch, fetch_later, fetch_with_a_task, fetch_on_a_thread])
FETCHES = ["fail.fetch", "fail.fetch_later", "fail.fetch_with_a_task", "fail.fetch_on_a_thread"]


def compiled(program):
    return gl.compile(program, registry=REGISTRY, file="program.gcel")


def failure(start):
    with pytest.raises(OSError, match="no ") as caught:
        start()
    return caught.value


def note_of(start):
    (note,) = failure(start).__notes__
    return note


# The note


@pytest.mark.parametrize("name", FETCHES)
def test_the_note_has_expression_caret_path_item_attempt_time_and_input(name):
    program = f'records = get("rows")\nmain = records * (fail.same >> {name} >> retry(2, base=0)) & count'
    note = note_of(lambda: compiled(program).run({"rows": ["a", "b"]}))
    expression, caret = program.splitlines()[1], " " * program.splitlines()[1].index(name) + "^" * len(name)
    column = expression.index(name) + 1
    assert re.fullmatch(
        re.escape(
            f"in step '{name}' (map[0] > {name}) at program.gcel:2:{column}\n    {expression}\n    {caret}\n"
        )
        + r"attempt 3, (within 10 ms|after \d+\.\d\d s), input sha256:[0-9a-f]{16}",
        note,
    )


def test_the_item_is_the_one_that_failed():
    @agent(name="fail.at", version="1.0.0", effects=["io"])
    def at(x):
        return deeper(x) if x == 37 else x

    @agent(name="fail.at_later", version="1.0.0", effects=["io"])
    async def at_later(x):
        await asyncio.sleep(0 if x == 37 else 0.01)
        return at(x)

    for step in (at, at_later):
        note = note_of(lambda step=step: gl.compile(gl.identity * step).run(range(100)))
        assert note.startswith(f"in step '{step.spec.name}' (map[37] > {step.spec.name}) at ")


def test_python_is_pointed_at_where_the_step_was_composed():
    plan = gl.compile(gl.identity * (same >> fetch))
    note = note_of(lambda: plan.run([1]))
    place, line, caret, _ = note.splitlines()
    assert re.search(r"test_failures\.py:\d+:\d+$", place)
    assert line.strip() == "plan = gl.compile(gl.identity * (same >> fetch))"
    assert line[caret.index("^") : caret.rindex("^") + 1] == "fetch"


def test_elapsed_time_is_told_on_the_clock_of_the_run():
    step = fetch_later >> gl.retry(2, backoff="constant", base=5, jitter=False)
    note = note_of(lambda: gl.compile(step).run(1, clock=gl.VirtualClock()))
    assert note.splitlines()[-1].startswith("attempt 3, after 10.00 s, input sha256:")


@dataclasses.dataclass
class Half:
    """An object that was never made whole."""

    field: int

    def __init__(self):
        """Leave the field out."""


class Broken(Mapping):
    def __getitem__(self, key):
        raise RuntimeError(key)

    def __iter__(self):
        raise RuntimeError("no keys")

    def __len__(self):
        return 1


def cyclic():
    value = []
    value.append(value)
    return value


def test_equal_inputs_have_the_same_digest_and_others_another():
    @agent(name="fail.always", version="1.0.0", effects=["io"])
    def always(_):
        raise OSError("no input will do")

    def told(value):
        return note_of(lambda: gl.compile(always).run(value)).rsplit("input ", 1)[1]

    assert told({"a": [Decimal("1.50")]}) == told({"a": [Decimal("1.50")]})
    assert len({told(value) for value in (1, True, "1", Decimal(1), Decimal("1.0"), [1], (1,), {1})}) == 8
    for value in (Half(), Broken(), cyclic(), iter([]), open, [0] * 200_000):
        assert told(value) == f"of type {type(value).__name__}"


# The traceback


def run_in_a_loop(plan, value, **options):
    asyncio.run(plan.arun(value, **options))


def read_each_in_a_loop(plan, value):
    async def read():
        async for _ in plan.aeach(value):
            pass

    asyncio.run(read())


def read_stream_in_a_loop(plan, value):
    async def read():
        async for _ in plan.astream(value):
            pass

    asyncio.run(read())


WAYS = {
    "run": lambda plan, value: plan.run(value),
    "run, traced": lambda plan, value: plan.run(value, trace=Trace()),
    "run, with a deadline": lambda plan, value: plan.run(value, deadline=60),
    "run, on a clock": lambda plan, value: plan.run(value, clock=gl.VirtualClock()),
    "arun": run_in_a_loop,
    "arun, with a deadline": lambda plan, value: run_in_a_loop(plan, value, deadline=60),
    "each": lambda plan, value: list(plan.each(value)),
    "aeach": read_each_in_a_loop,
    "stream": lambda plan, value: list(plan.stream(value)),
    "astream": read_stream_in_a_loop,
}
PROGRAMS = [
    "identity * (fail.same >> {})",
    "identity * group(fail.later >> map({} >> retry(1, base=0)))",
    "identity * (true ? (fail.same | {}) : 0)",
]


@pytest.mark.parametrize("name", FETCHES)
@pytest.mark.parametrize("program", PROGRAMS, ids=["chain", "nested", "branches"])
@pytest.mark.parametrize("way", WAYS)
def test_at_most_six_lines_of_a_traceback_are_not_the_users_own(way, program, name):
    plan, value = compiled(program.format(name)), [["a"]]
    error = failure(lambda: WAYS[way](plan, value))
    formatted = traceback.format_exception(error)
    own = [
        line
        for block in formatted
        # Blocks of the user's frames, and those of asyncio between the user's own and ours.
        if not re.match(rf'  File "({re.escape(__file__)}|[^"]*/asyncio/[^/"]*)"', block)
        for line in block.splitlines()
    ]
    notes = sum(len(note.splitlines()) for note in error.__notes__)
    assert len(own) - notes <= 6, "".join(formatted)
    assert error.__cause__ is None
    assert error.__context__ is None
    # The user's own frames are all there: the innermost says where it was raised.
    assert traceback.extract_tb(error.__traceback__)[-1].name == "deeper"


@pytest.mark.parametrize("name", ["fail.fetch", "fail.fetch_later"])
def test_a_plan_that_threads_first_run_at_once_points_for_each(name):
    def run(plan, ready, notes):
        ready.wait()
        try:
            plan.run([1])
        except OSError as error:
            notes.append(error.__notes__)

    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            plan, ready, notes = compiled(f"identity * {name}"), threading.Barrier(4), []
            threads = [threading.Thread(target=run, args=(plan, ready, notes)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [len(each) for each in notes] == [1, 1, 1, 1]
            assert note_of(lambda plan=plan: plan.run([1]))
    finally:
        sys.setswitchinterval(switching)
