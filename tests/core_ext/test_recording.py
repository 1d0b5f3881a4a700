"""What a run did and when, as its recorder has it."""

import asyncio
import itertools

import pytest

from greenlang_core.executions import arun
from greenlang_core.recording import Recorder
from greenlang_core.runs import Run
from greenlang_core.scheduler import Program


def call(slot, function, *, waits=False, needs_task=False):
    return "call", (slot,), function, (), (), waits, needs_task


def program(steps, result, **options):
    return Program(steps, result, as_items=list, **options)


def run(built, value, **options):
    recorder = Recorder(**options)
    given = Run(recorder=recorder)
    output = asyncio.run(arun(built, value, [], given)) if built.is_async else built.run(value, [], given)
    return output, recorder


def increased(x):
    return x + 1


async def increased_later(x):
    await asyncio.sleep(0)
    return x + 1


def check(recorder):
    """Moments are in order, every span begins and ends once, and inside the one that it is a part of."""
    history = [[] for _ in recorder.spans]
    before_ns = 0
    for ns, span, moment in recorder.events:
        assert ns >= before_ns
        before_ns = ns
        history[span].append((ns, moment))
    for (_, _, _, parent, _), moments in zip(recorder.spans, history, strict=True):
        names = [name for _, name in moments]
        assert names[0] == "start"
        assert names[-1] in {"end", "fail"}
        assert names[1:-1] == ["suspend", "resume"] * (len(names[1:-1]) // 2)
        if parent >= 0:
            assert history[parent][0][0] <= moments[0][0] <= moments[-1][0] <= history[parent][-1][0]


@pytest.mark.parametrize("waits", [False, True])
def test_every_step_and_item_has_a_span_inside_that_of_what_runs_it(waits):
    step = increased_later if waits else increased
    inner = program([call(0, step, waits=waits)], 1)
    outer = program([("map", (0,), inner), call(1, sum)], 2)
    output, recorder = run(outer, [1, 2])
    assert output == 5
    check(recorder)
    assert recorder.spans == [
        (outer, -1, -1, -1, 1),
        (outer, 0, -1, 0, 1),
        (inner, -1, 0, 1, 1),
        (inner, 0, -1, 2, 1),
        (inner, -1, 1, 1, 1),
        (inner, 0, -1, 4, 1),
        (outer, 1, -1, 0, 1),
    ]


@pytest.mark.parametrize("needs_task", [False, True])
def test_a_step_that_waits_is_not_at_work_meanwhile(needs_task):
    async def sleep(x):
        await asyncio.sleep(0.02)
        return x

    _, recorder = run(program([call(0, sleep, waits=True, needs_task=needs_task)], 1), 0)
    check(recorder)
    moments = [(ns, name) for ns, span, name in recorder.events if span == 1]
    names = ["start", "suspend", "resume", "suspend", "resume", "end"]
    assert [name for _, name in moments] == (names if needs_task else names[:1] + names[3:])
    at_work_ns = sum(
        after - before
        for (before, name), (after, _) in itertools.pairwise(moments)
        if name in {"start", "resume"}
    )
    assert moments[-1][0] - moments[0][0] - at_work_ns >= 19_000_000


@pytest.mark.parametrize("waits", [False, True])
def test_a_failure_ends_every_span_that_it_leaves(waits):
    def fail(x):
        raise ValueError(x)

    async def fail_later(x):
        await asyncio.sleep(0)
        raise ValueError(x)

    built = program([("map", (0,), program([call(0, fail_later if waits else fail, waits=waits)], 1))], 1)
    recorder = Recorder()
    given = Run(recorder=recorder)
    with pytest.raises(ValueError, match="7"):
        asyncio.run(arun(built, [7], [], given)) if waits else built.run([7], [], given)
    check(recorder)
    assert {moment for _, _, moment in recorder.events if moment != "start"} >= {"fail"}
    assert "end" not in {moment for _, _, moment in recorder.events}


class Twice:
    """A guard that tries again."""

    around, sla_s, timeout_s, waits = False, None, None, False

    def late(self, elapsed_s, run):
        raise AssertionError

    def run(self, attempt, value, run, error, now_s):
        return attempt()

    async def arun(self, attempt, value, run, error, now_s):
        return await attempt()


@pytest.mark.parametrize("waits", [False, True])
def test_every_attempt_has_a_span_of_its_own(waits):
    tries = []

    def second(x):
        tries.append(x)
        if len(tries) == 1:
            raise OSError
        return x

    async def second_later(x):
        await asyncio.sleep(0)
        return second(x)

    step = call(0, second_later if waits else second, waits=waits)
    built = program([step], 1, guards={0: Twice()})
    output, recorder = run(built, 5)
    assert output == 5
    check(recorder)
    assert recorder.spans == [
        (built, -1, -1, -1, 1),
        (built, 0, -1, 0, 1),
        (built, 0, -1, 0, 0),
        (built, 0, -1, 2, 2),
    ]
    assert [name for _, span, name in recorder.events if span == 1][-1] == "fail"


@pytest.mark.parametrize("waits", [False, True])
def test_outputs_are_told_as_they_come(waits):
    told = []
    inner = program([call(0, increased_later if waits else increased, waits=waits)], 1)
    outer = program([("map", (0,), inner), call(1, sum)], 2)
    output, recorder = run(outer, [1, 2], on_output=lambda *given: told.append(given))
    assert output == 5
    assert [(step, item, value) for built, step, item, _, value in told if built is inner and step < 0] == [
        (-1, 0, 2),
        (-1, 1, 3),
    ]
    assert told[-2:] == [(outer, 0, -1, 0, [2, 3]), (outer, 1, -1, 0, 5)]
    items = [recorder.spans[parent][:3] for built, step, _, parent, _ in told if built is inner and step == 0]
    assert items == [(inner, -1, 0), (inner, -1, 1)]


def test_a_clock_of_ones_own_is_what_moments_are_told_on():
    class Clock:
        def now(self):
            return 7.5

    _, recorder = run(program([call(0, increased)], 1), 1, clock=Clock())
    assert {ns for ns, _, _ in recorder.events} == {7_500_000_000}


def test_a_run_that_is_not_recorded_records_nothing():
    recorder = Recorder()
    program([call(0, increased)], 1).run(1, [], Run())
    assert (recorder.spans, recorder.events) == ([], [])


def test_a_recorder_grows_past_its_first_room():
    inner = program([call(0, increased)], 1)
    _, recorder = run(program([("map", (0,), inner)], 1), range(5_000))
    check(recorder)
    assert len(recorder.spans) == 2 + 2 * 5_000
    assert len(recorder.events) == 2 * len(recorder.spans)
