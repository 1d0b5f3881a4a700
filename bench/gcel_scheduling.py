"""Rows of the speed table that move with the scheduler (`core_ext/greenlang_core/scheduler.pyx`)."""

from __future__ import annotations

import asyncio
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import greenlang as gl

from .ratios import cost_ratio, seconds_of
from .rows import Row


@gl.agent(name="bench.same", version="1.0.0", effects=["io"])
def same(x: Any) -> Any:
    return x


@gl.agent(name="bench.add", version="1.0.0", effects=["io"])
def add(x: Any) -> Any:
    return x[0] + x[1]


@gl.agent(name="bench.later", version="1.0.0", effects=["io"])
async def later(x: Any) -> Any:
    return x


@gl.agent(name="bench.yield", version="1.0.0", effects=["io"])
async def once(x: Any) -> Any:
    await asyncio.sleep(0)
    return x


REGISTRY = gl.Registry([same, add, later, once])


def plan_of(text: str) -> gl.Plan:
    return gl.compile(text, registry=REGISTRY)


def _chain(step: str, length: int = 10) -> gl.Plan:
    return plan_of(" >> ".join([step] * length))


def _looped(functions: list[Callable[[Any], Any]]) -> Callable[[], Any]:
    def run() -> Any:
        value: Any = 1
        for function in functions:
            value = function(value)
        return value

    return run


def _ratio(candidate: Callable[[], object], reference: Callable[[], object], calls: int) -> float:
    return cost_ratio(candidate, reference, calls=calls, clock=time.process_time)


def _difference_ns(dear: Callable[[], object], cheap: Callable[[], object], calls: int, steps: int) -> float:
    """Nanoseconds a step that one takes over the other; medians of rounds in which both run in turn."""
    rounds = [
        seconds_of(dear, calls, time.process_time) - seconds_of(cheap, calls, time.process_time)
        for _ in range(25)
    ]
    return statistics.median(rounds) / calls / steps * 1e9


def _in_loop(
    dear: Callable[[], Awaitable[Any]], cheap: Callable[[], Awaitable[Any]], calls: int
) -> list[tuple[float, float]]:
    """Seconds that each takes a call, in rounds in one event loop in which both run in turn."""

    async def seconds(function: Callable[[], Awaitable[Any]]) -> float:
        start = time.process_time()
        for _ in range(calls):
            await function()
        return (time.process_time() - start) / calls

    async def main() -> list[tuple[float, float]]:
        return [(await seconds(dear), await seconds(cheap)) for _ in range(25)]

    return asyncio.run(main())


def chain_ratio() -> float:
    """On Python 3.11, which the target is of; on 3.12 and 3.13, where calls are cheaper, 2.1 to 2.4.

    A step costs what its call does, and a run what it costs to start: 90 ns for context variables of its
    own, the exact decimal context among them (160 ns on 3.12), and 120 ns for calls down to the scheduler.
    """
    plan = _chain("bench.same")
    return _ratio(lambda: plan.run(1), _looped([same.spec.function] * 10), calls=5_000)


def chain_over_ns() -> float:
    plan = _chain("bench.same")
    return _difference_ns(lambda: plan.run(1), _looped([same.spec.function] * 10), 5_000, 10)


def fan_out_ratio() -> float:
    plan = plan_of(" | ".join(["bench.same"] * 100))
    functions = [same.spec.function] * 100
    return _ratio(lambda: plan.run(1), lambda: [function(1) for function in functions], calls=500)


def dag_ratio() -> float:
    """Ten layers of a hundred steps, every one of which takes two of the layer before."""
    from greenlang.gcel.builtins import one_by_one
    from greenlang_core.scheduler import Program

    # The language shares no slots between branches, so the wiring is given to the scheduler itself.
    def both(pair: list[int]) -> int:
        return pair[0] + pair[1]

    steps: list[Any] = []
    layer = [0] * 100
    for _ in range(10):
        following = []
        for column in range(100):
            steps.append(("list", (layer[column], layer[(column + 1) % 100])))
            steps.append(("call", (len(steps),), both, (), (), False, False))
            following.append(len(steps))
        layer = following
    steps.append(("list", tuple(layer)))
    program = Program(steps, len(steps), as_items=one_by_one)

    def reference() -> list[int]:
        values = [1] * 100
        for _ in range(10):
            values = [both([values[column], values[(column + 1) % 100]]) for column in range(100)]
        return values

    assert program.run(1, []) == reference()
    return _ratio(lambda: program.run(1, []), reference, calls=30)


def async_chain_over_ns() -> float:
    plan = _chain("bench.later")
    function = later.spec.function

    async def awaited() -> Any:
        value: Any = 1
        for _ in range(10):
            value = await function(value)
        return value

    rounds = _in_loop(lambda: plan.arun(1), awaited, 1_000)
    return statistics.median(dear - cheap for dear, cheap in rounds) / 10 * 1e9


def _gather_ratio(agent: gl.Agent, name: str) -> float:
    plan = plan_of(" | ".join([name] * 100))
    function = agent.spec.function

    async def gathered() -> Any:
        return await asyncio.gather(*[function(1) for _ in range(100)])

    return statistics.median(dear / cheap for dear, cheap in _in_loop(lambda: plan.arun(1), gathered, 30))


def map_ratio() -> float:
    plan = plan_of("identity * bench.same")
    items = list(range(10_000))
    function = same.spec.function
    return _ratio(lambda: plan.run(items), lambda: [function(item) for item in items], calls=5)


def map_growth() -> float:
    plan = plan_of("identity * bench.same")
    few, many = list(range(1_000)), list(range(100_000))

    def hundred_times_few() -> None:
        for _ in range(100):
            plan.run(few)

    return _ratio(lambda: plan.run(many), hundred_times_few, calls=1)


def modifier_ns(modifier: str) -> Callable[[], float]:
    def measure() -> float:
        covered, bare = _chain(f"bench.same >> {modifier}", 100), _chain("bench.same", 100)
        return _difference_ns(lambda: covered.run(1), lambda: bare.run(1), 500, 100)

    return measure


def timeout_ns() -> float:
    covered, bare = _chain("bench.later >> timeout(5)", 100), _chain("bench.later", 100)
    rounds = _in_loop(lambda: covered.arun(1), lambda: bare.arun(1), 100)
    return statistics.median(dear - cheap for dear, cheap in rounds) / 100 * 1e9


def memory_ratio() -> float:
    """Memory of 10,000 runs at once that wait, over that of 10,000 tasks that wait for the same; medians."""

    @gl.agent(name="bench.wait", version="1.0.0")
    async def wait(gate: asyncio.Event) -> None:
        await gate.wait()

    plan = gl.compile(wait)

    async def used(start: Callable[[Any], Any]) -> int:
        gate = asyncio.Event()
        tracemalloc.start()
        tasks = [asyncio.ensure_future(start(gate)) for _ in range(10_000)]
        for _ in range(5):
            await asyncio.sleep(0)
        traced = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        gate.set()
        await asyncio.gather(*tasks)
        return traced

    async def main() -> float:
        # Every few rounds the set of all tasks, asyncio's own, grows, which is no run's memory and no task's.
        rounds = [(await used(plan.arun), await used(wait.spec.function)) for _ in range(5)]
        runs, tasks = (statistics.median(each[side] for each in rounds) for side in (0, 1))
        return runs / tasks

    return asyncio.run(main())


ROWS = [
    Row("chain of 10 steps", "the same calls in a loop", 2, chain_ratio, quick=True),
    Row("chain of 10 steps, a step", "over the same calls", 60, chain_over_ns, "ns"),
    Row("fan-out 100 and join", "the same calls in a list", 1.5, fan_out_ratio, quick=True),
    Row("DAG of 10 layers x 100", "the same calls in a loop", 1, dag_ratio, quick=True),
    Row("chain of 10 async steps, a step", "over the same awaits", 250, async_chain_over_ns, "ns"),
    Row(
        "fan-out 100 async, return at once",
        "asyncio.gather",
        0.3,
        lambda: _gather_ratio(later, "bench.later"),
        quick=True,
    ),
    Row(
        "fan-out 100 async, suspend once",
        "asyncio.gather",
        1,
        lambda: _gather_ratio(once, "bench.yield"),
        quick=True,
    ),
    Row("map over 10,000", "list comprehension", 2, map_ratio, quick=True),
    Row("map, an item at 100,000", "an item at 1,000", 1.2, map_growth, quick=True),
    Row("retry on a step", "the step without", 20, modifier_ns("retry(3)"), "ns"),
    Row("catch on a step", "the step without", 20, modifier_ns("catch(0)"), "ns"),
    Row("timeout on a step", "the step without", 20, timeout_ns, "ns"),
    Row("monitor on a step", "the step without", 80, modifier_ns("monitor(sla=1000)"), "ns"),
    Row("10,000 runs in flight, memory", "bare asyncio tasks", 2, memory_ratio, quick=True),
]
