"""Maps over whatever gives items: pulled through a window, in order or as they are done, in flat memory."""

import ast
import asyncio
import itertools
import os
import re
import subprocess
import sys
import textwrap

import pytest

import greenlang as gl
from greenlang.agents import agent
from greenlang.errors import GcelError, InputError, StepError


@agent(name="runs.same", version="1.0.0", effects=["pure"])
def same(x):
    return x


@agent(name="runs.later", version="1.0.0", effects=["io"])
async def later(x):
    await asyncio.sleep(0)
    return x


@agent(name="runs.odd", version="1.0.0", effects=["pure"])
def odd(x) -> bool:
    return x % 2 == 1


class Source:
    """Numbers, plainly or asynchronously, and how many of them were pulled; `ended` once it was let go."""

    def __init__(self, count):
        self._count = count
        self.pulled = 0
        self.ended = False

    def plain(self):
        try:
            for number in range(self._count):
                self.pulled += 1
                yield number
        finally:
            self.ended = True

    async def asynchronous(self):
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                self.pulled += 1
                yield number
        finally:
            await asyncio.sleep(0)
            self.ended = True


in_place_or_waiting = pytest.mark.parametrize("step", [same, later], ids=["computes", "waits"])


# What they pull from


@in_place_or_waiting
def test_maps_pull_from_whatever_gives_items(step):
    plan = gl.compile(gl.identity * step)
    numbers = list(range(100))
    for given in (numbers, tuple(numbers), iter(numbers), Source(100).plain()):
        assert plan.run(given) == numbers
    assert list(plan.each(Source(100).plain())) == numbers
    assert asyncio.run(plan.arun(Source(100).asynchronous())) == numbers

    async def collected(value):
        return [output async for output in plan.aeach(value)]

    for given in (numbers, Source(100).plain(), Source(100).asynchronous()):
        assert asyncio.run(collected(given)) == numbers


def test_a_source_may_give_whatever_can_be_awaited():
    class Numbers:
        def __init__(self):
            self._next = 0

        def __aiter__(self):
            return self

        def __anext__(self):
            self._next += 1
            if self._next > 3:
                raise StopAsyncIteration
            return Awaited(self._next)

    class Awaited:
        def __init__(self, number):
            self._number = number

        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return self._number

    class Futures(Numbers):
        def __anext__(self):
            coming = super().__anext__()
            return asyncio.ensure_future(asyncio.sleep(0, coming._number))

    for source in (Numbers, Futures):
        for step in (same, later):
            assert asyncio.run(gl.compile(gl.identity * step).arun(source())) == [1, 2, 3]


def test_steps_before_the_map_give_its_source():
    @agent(name="runs.count", version="1.0.0")
    def count(x):
        return Source(x).plain()

    assert list(gl.compile(count * later).each(9)) == list(range(9))
    assert list(gl.compile(count / odd).each(9)) == [1, 3, 5, 7]


def test_each_has_no_loop_of_its_own_inside_another():
    async def main():
        return list(gl.compile(gl.identity * later).each([1]))

    with pytest.raises(
        GcelError, match=r"an event loop already runs here; write `async for item in plan\.aeach"
    ):
        asyncio.run(main())


def test_a_plan_without_items_at_its_end_is_refused():
    with pytest.raises(GcelError, match="does not end in a map or a filter"):
        list(gl.compile(gl.identity * same & gl.sum).each([1]))


# The window


def test_no_more_items_are_pulled_than_the_window_holds():
    source = Source(300)
    held = []

    @agent(name="runs.look", version="1.0.0")
    async def look(x):
        await asyncio.sleep(0.001 if x % 7 else 0.003)
        held.append(source.pulled - len(held))
        return x

    plan = gl.compile(gl.identity * look)
    assert list(plan.each(source.plain(), window=8)) == list(range(300))
    assert max(held) <= 8


@pytest.mark.parametrize("ordered", [True, False])
def test_a_reader_that_is_slow_holds_its_source_back(ordered):
    async def main():
        source = Source(100)
        outputs = gl.compile(gl.identity * later).aeach(source.asynchronous(), window=4, ordered=ordered)
        given = 0
        async for _ in outputs:
            given += 1
            for _ in range(20):
                await asyncio.sleep(0)
            assert source.pulled - given <= 4
        return given

    assert asyncio.run(main()) == 100


def test_items_come_as_they_are_done_where_that_is_asked():
    @agent(name="runs.wait", version="1.0.0")
    async def wait(x):
        await asyncio.sleep(10 if x == 0 else 0)
        return x

    plan, clock = gl.compile(gl.identity * wait), gl.VirtualClock()

    async def main(ordered):
        return [x async for x in plan.aeach(range(5), ordered=ordered)]

    assert clock.run(main(ordered=True)) == [0, 1, 2, 3, 4]
    assert clock.run(main(ordered=False)) == [1, 2, 3, 4, 0]


# The end


@in_place_or_waiting
def test_a_reader_that_stops_early_lets_its_source_go(step):
    source = Source(1_000)
    outputs = gl.compile(gl.identity * step).each(source.plain(), window=8)
    assert next(outputs) == 0
    outputs.close()
    assert source.pulled <= 8

    async def main():
        source = Source(1_000)
        outputs = gl.compile(gl.identity * step).aeach(source.asynchronous(), window=8)
        assert await anext(outputs) == 0
        await outputs.aclose()
        assert len(asyncio.all_tasks()) == 1
        return source

    source = asyncio.run(main())
    assert source.ended
    assert source.pulled <= 9


def test_a_failing_item_of_each_is_named():
    @agent(name="runs.refuse", version="1.0.0")
    def refuse(x):
        if x == 3:
            raise ValueError("no three")
        return x

    @agent(name="runs.refuse", version="1.0.0")
    async def refuse_later(x):
        await asyncio.sleep(0)
        return refuse(x)

    for step in (refuse, refuse_later):
        given = []
        with pytest.raises(ValueError, match="no three") as caught:
            given.extend(gl.compile(same * step).each(range(9)))
        assert caught.value.__notes__[0].startswith("in step 'runs.refuse' (map[3] > runs.refuse) at ")


@in_place_or_waiting
def test_a_source_that_fails_fails_the_map(step):
    def source():
        yield 1
        raise OSError("the line is cut")

    for start in (lambda plan: plan.run(source()), lambda plan: list(plan.each(source()))):
        with pytest.raises(OSError, match="the line is cut") as caught:
            start(gl.compile(gl.identity * step))
        assert caught.value.__notes__[0].startswith("in step 'map' at ")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_whatever_ends_each_is_placed(kind):
    @agent(name="runs.leave", version="1.0.0")
    def leave(x):
        raise kind(x)

    for graph, value, note in (
        (gl.identity * leave, [1], r"in step 'runs.leave' \(map\[0\] > runs.leave\) at "),
        (later * leave, [1], r"in step 'runs.leave' \(map\[0\] > runs.leave\) at "),
        (leave * same, 1, "in step 'runs.leave' at "),
        (later >> leave >> gl.map(same), 1, "in step 'runs.leave' at "),
    ):
        with pytest.raises(kind) as caught:
            list(gl.compile(graph).each(value))
        (told,) = caught.value.__notes__
        assert re.match(note, told)
        assert "within 10 ms, input sha256:" in told


def test_what_has_no_items_is_told_of_the_map():
    for step in (same, later):
        with pytest.raises(StepError, match="a list or a table is wanted here") as caught:
            list(gl.compile(gl.identity * step).each("text"))
        assert caught.value.__notes__[0].startswith("in step 'map' at ")


@pytest.mark.parametrize("window", [0, -1, "64"])
def test_a_window_without_room_is_refused(window):
    plan = gl.compile(gl.identity * later)
    for start in (plan.each, plan.aeach):
        with pytest.raises(InputError, match="no window; give the number of items"):
            start([1], window=window)


@in_place_or_waiting
def test_a_step_that_says_that_there_are_no_more_items_has_failed(step):
    @agent(name="runs.stop", version="1.0.0")
    def stop(x):
        if x == 2:
            raise StopAsyncIteration
        return x

    async def collected(plan):
        return [output async for output in plan.aeach([1, 2, 3])]

    plan = gl.compile(gl.identity * (stop >> step))
    for start in (lambda: list(plan.each([1, 2, 3])), lambda: asyncio.run(collected(plan))):
        with pytest.raises((RuntimeError, StopAsyncIteration)) as caught:
            start()
        assert caught.value.__notes__[0].startswith("in step 'runs.stop' (map[1] > runs.stop) at ")


async def closes_badly():
    try:
        for number in itertools.count():
            yield number
    finally:
        raise OSError("the line is cut")


def test_a_source_that_cannot_be_closed_hides_no_error():
    @agent(name="runs.refuse", version="1.0.0")
    async def refuse(x):
        await asyncio.sleep(0)
        raise ValueError(x)

    with pytest.raises(ValueError, match="0") as caught:
        asyncio.run(gl.compile(gl.identity * refuse).arun(closes_badly()))
    told, pointed = caught.value.__notes__
    assert told == "closing the source of the items failed too: OSError('the line is cut')"
    assert pointed.startswith("in step 'runs.refuse' (map[0] > runs.refuse) at ")


def test_a_source_that_cannot_be_closed_fails_a_reader_that_stops():
    async def main():
        outputs = gl.compile(gl.identity * later).aeach(closes_badly())
        assert await anext(outputs) == 0
        await outputs.aclose()

    with pytest.raises(OSError, match="the line is cut"):
        asyncio.run(main())


def test_a_source_that_does_not_end_is_named():
    async def stubborn():
        yield 1
        for _ in range(20):
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue
        yield 2

    @agent(name="runs.refuse", version="1.0.0")
    async def refuse(x):
        await asyncio.sleep(0.01)
        raise ValueError(x)

    plan, report = gl.compile(gl.identity * refuse), gl.Report()
    with pytest.raises(ValueError, match="1") as caught:
        asyncio.run(plan.arun(stubborn(), patience=0.01, report=report))
    assert caught.value.__notes__[0].endswith("though cancelled: 'the source of the items'")
    assert [each.step for each in report.of("abandoned")] == ["the source of the items"]


# Memory

#: GREENLANG_ITEMS=10000000 for the long form.
ITEMS = int(os.environ.get("GREENLANG_ITEMS", "300_000"))

#: A program that prints by how much the most memory that it ever had grows over so many items.
GROWTH = textwrap.dedent(
    """
    import asyncio, pathlib, re, resource, sys
    import greenlang as gl

    @gl.agent(name="memory.compute", version="1.0.0", effects=["io"])
    def compute(x):
        return x

    @gl.agent(name="memory.wait", version="1.0.0", effects=["io"])
    async def wait(x):
        await asyncio.sleep(0)
        return x

    async def numbers(count):
        for number in range(count):
            yield number

    async def counted(outputs):
        count = 0
        async for _ in outputs:
            count += 1
        return count

    plan = gl.compile(gl.identity * {"compute": compute, "wait": wait}[sys.argv[1]])

    def run(count):
        if sys.argv[2] == "generator":
            given = sum(1 for _ in plan.each(iter(range(count))))
        else:
            outputs = plan.aeach(numbers(count), ordered=sys.argv[2] == "ordered")
            given = asyncio.run(counted(outputs))
        assert given == count
        return most_kb()

    def most_kb():
        if sys.platform == "linux":
            # What getrusage says there includes what the parent had when it made this process.
            status = pathlib.Path("/proc/self/status").read_text()
            return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    print((run(10_000), run(int(sys.argv[3]))))
    """
)


@pytest.mark.parametrize("step", ["compute", "wait"])
@pytest.mark.parametrize("source", ["generator", "ordered", "unordered"])
def test_memory_stays_flat_over_any_number_of_items(step, source, tmp_path):
    script = tmp_path / "growth.py"
    script.write_text(GROWTH)
    command = [sys.executable, str(script), step, source, str(ITEMS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first_kb, last_kb = ast.literal_eval(done.stdout)
    print(f"{ITEMS:,} items: at most {last_kb:,} kB, {last_kb - first_kb:,} kB of them new")
    # Kept in a list an integer takes 40 bytes, which is 12 MB for the fewest that are run.
    assert last_kb - first_kb < 1_000
