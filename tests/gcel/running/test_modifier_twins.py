"""Retry and timeout on steps that wait, against the same written by hand with asyncio, on a virtual clock.

GREENLANG_FUZZ=20 runs twenty times as many.
"""

import asyncio
import functools
import os
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent
from greenlang_core.limits import StepTimeout

LONGEST_CLEANUP_S = 0.0137

#: What a try does: how long it takes, whether it fails then, and how long it cleans up once cancelled.
tries = st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from([0, LONGEST_CLEANUP_S]))
branches = st.fixed_dictionaries(
    {
        "tries": st.lists(tries, min_size=1, max_size=4),
        "seconds": st.sampled_from([0.5, 1.5, 2.5, 7.5]),
        "retries": st.integers(1, 3),
        "is_timeout_inside": st.booleans(),
        "is_caught": st.booleans(),
    }
)


class Told:
    """The tries of one branch, and what became of each and when."""

    def __init__(self, planned_tries, clock):
        self._tries = planned_tries
        self._clock = clock
        self.lines = []

    async def attempt(self):
        seconds, fails, cleanup_s = self._tries[min(len(self.lines), len(self._tries) - 1)]
        line = len(self.lines)
        self.lines.append("")
        try:
            if seconds:
                await asyncio.sleep(seconds)
            self.lines[line] = f"{'failed' if fails else 'ended'} at {self._clock.now():g}"
        except asyncio.CancelledError:
            if cleanup_s:
                await asyncio.sleep(cleanup_s)
            self.lines[line] = f"cancelled by {self._clock.now():g}"
            raise
        if fails:
            raise OSError("no")
        return line


def step_of(branch, told, number):
    @agent(name=f"twin.branch{number}", version="1.0.0", effects=["io"])
    async def step(_: object) -> object:
        return await told.attempt()

    timeout = gl.timeout(Decimal(str(branch["seconds"])))
    retry = gl.retry(branch["retries"], backoff="constant", base=3, max=3, jitter=False)
    graph = step >> timeout >> retry if branch["is_timeout_inside"] else step >> retry >> timeout
    return graph >> gl.catch("caught") if branch["is_caught"] else graph


async def by_hand(branch, told):
    async def limited(work):
        async with asyncio.timeout(branch["seconds"]):
            return await work()

    async def tried(work):
        for left in reversed(range(branch["retries"] + 1)):
            try:
                return await work()
            except OSError:  # a TimeoutError is one
                if not left:
                    raise
            await asyncio.sleep(3)
        raise AssertionError

    inside, outside = (limited, tried) if branch["is_timeout_inside"] else (tried, limited)
    try:
        return await outside(functools.partial(inside, told.attempt))
    except OSError:
        if branch["is_caught"]:
            return "caught"
        raise


async def in_a_group(given_branches, told):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(by_hand(*each)) for each in zip(given_branches, told, strict=True)]
    return [task.result() for task in tasks]


def outcome(clock, main):
    """How it ends, when, and what tasks it leaves."""

    async def watched():
        try:
            return f"gave {await main}", len(asyncio.all_tasks())
        except* OSError as group:
            first = group.exceptions[0]
        kind = TimeoutError if isinstance(first, StepTimeout) else type(first)
        return f"raised {kind.__name__}", len(asyncio.all_tasks())

    return *clock.run(watched()), clock.now()


@settings(max_examples=200 * int(os.environ.get("GREENLANG_FUZZ", "1")), deadline=None)
@given(st.lists(branches, min_size=2, max_size=4))
def test_retries_and_timeouts_do_as_the_same_by_hand(given_branches):
    clock = gl.VirtualClock()
    told = [Told(branch["tries"], clock) for branch in given_branches]
    expected = outcome(clock, in_a_group(given_branches, told))

    own = gl.VirtualClock()
    own_told = [Told(branch["tries"], own) for branch in given_branches]
    steps = [
        step_of(branch, each, number)
        for number, (branch, each) in enumerate(zip(given_branches, own_told, strict=True))
    ]
    plan = gl.compile(functools.reduce(lambda left, right: left | right, steps))
    ended, left, now_s = outcome(own, plan.arun(None, clock=own))
    assert (ended, left) == expected[:2]
    assert now_s == pytest.approx(expected[2], abs=LONGEST_CLEANUP_S)
    for mine, theirs in zip(own_told, told, strict=True):
        assert len(mine.lines) == len(theirs.lines)
        # A step that is cancelled because another failed may be late meanwhile. In asyncio that cuts short
        # how it cleans up, and its line stays empty; in a plan it has the run's patience for that.
        assert [
            line for line, told_by_hand in zip(mine.lines, theirs.lines, strict=True) if told_by_hand
        ] == [line for line in theirs.lines if line]
