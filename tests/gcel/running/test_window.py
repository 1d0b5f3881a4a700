"""The window of a map: random items, readers and failures, on a virtual clock whose seed orders what happens.

GREENLANG_FUZZ=20 runs twenty times as many.
"""

import asyncio
import os

from hypothesis import given, settings
from hypothesis import strategies as st

import greenlang as gl
from greenlang.agents import agent

scenarios = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1_000),
        "times": st.lists(st.integers(0, 3), max_size=12),
        "window": st.integers(1, 5),
        "ordered": st.booleans(),
        "fails_at": st.none() | st.integers(0, 12),
        "reader_s": st.sampled_from([0, 0.5, 2]),
        "reads": st.none() | st.integers(0, 12),
        "is_async_source": st.booleans(),
        "keeps": st.sampled_from(["map", "filter"]),
    }
)


class Sight:
    """Who is at work, and who ever was."""

    def __init__(self):
        self.at_work = 0
        self.most = 0
        self.started = []
        self.ended = 0


def plan_of(scenario, sight):
    @agent(name="window.work", version="1.0.0", effects=["io"])
    async def work(number: int) -> object:
        sight.started.append(number)
        sight.at_work += 1
        sight.most = max(sight.most, sight.at_work)
        try:
            await asyncio.sleep(scenario["times"][number])
            if number == scenario["fails_at"]:
                raise ValueError(number)
            return number % 2 == 0 if scenario["keeps"] == "filter" else number * 10
        finally:
            sight.at_work -= 1
            sight.ended += 1

    return gl.compile(gl.identity * work if scenario["keeps"] == "map" else gl.identity / work)


async def numbers(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def read(scenario, sight):
    """What was read, and whether the items, an error or the reader were the end of it."""
    count = len(scenario["times"])
    source = numbers(count) if scenario["is_async_source"] else range(count)
    outputs = plan_of(scenario, sight).aeach(source, window=scenario["window"], ordered=scenario["ordered"])
    given_outputs = []
    end = "items"
    try:
        async for output in outputs:
            given_outputs.append(output)
            if len(given_outputs) == scenario["reads"]:
                end = "reader"
                break
            await asyncio.sleep(scenario["reader_s"])
    except ValueError as error:
        end = f"error {error}"
    await outputs.aclose()
    return given_outputs, end, len(asyncio.all_tasks())


@settings(max_examples=200 * int(os.environ.get("GREENLANG_FUZZ", "1")), deadline=None)
@given(scenarios)
def test_a_window_keeps_its_bounds_and_leaves_nothing_behind(scenario):
    sight = Sight()
    outputs, end, tasks = gl.VirtualClock(seed=scenario["seed"]).run(read(scenario, sight))
    count = len(scenario["times"])
    kept = [
        number * 10 if scenario["keeps"] == "map" else number
        for number in range(count)
        if scenario["keeps"] == "map" or number % 2 == 0
    ]
    # Nothing is left at work, and each was started once, in the order of the input.
    assert (sight.at_work, tasks) == (0, 1)
    assert sight.started == list(range(sight.ended))
    assert sight.most <= scenario["window"]
    # What is given is right, each once, and in order where that is asked.
    assert len(set(outputs)) == len(outputs)
    assert set(outputs) <= set(kept)
    if scenario["ordered"]:
        assert outputs == kept[: len(outputs)]
    fails = scenario["fails_at"] is not None and scenario["fails_at"] < count
    if end == "items":
        assert not fails
        assert sorted(outputs) == kept
    elif end != "reader":
        assert end == f"error {scenario['fails_at']}"
