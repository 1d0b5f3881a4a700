"""What a plan costs beside the calls that it makes.

Agents here do nothing (`x -> x`), so all that is measured is the runtime. Moves with
`core_ext/greenlang_core/scheduler.pyx` and, for building, with `runtime/greenlang/gcel`.
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import asyncio
from typing import Any

import greenlang as gl

from .ratios import cost_ratio


# Not pure: equal pure steps are shared, and a fan-out of them would be one call.
@gl.agent(name="bench.same", version="1.0.0")
def same(x: Any) -> Any:
    return x


@gl.agent(name="bench.later", version="1.0.0", effects=["io"])
async def later(x: Any) -> Any:
    return x


REGISTRY = gl.Registry([same, later])


def plan(text: str) -> gl.Plan:
    return gl.compile(text, registry=REGISTRY)


class Chain:
    """Steps one after another, against the same calls in a Python loop."""

    params = [10, 1_000]
    param_names = ["n_steps"]

    def setup(self, n_steps: int) -> None:
        self.plan = plan(" >> ".join(["bench.same"] * n_steps))
        self.functions = [same.spec.function] * n_steps
        self.calls = 20_000 // n_steps
        assert self.plan.run(1) == self.reference() == 1

    def reference(self) -> object:
        value: object = 1
        for function in self.functions:
            value = function(value)
        return value

    def time_run(self, n_steps: int) -> None:
        self.plan.run(1)

    def track_ratio(self, n_steps: int) -> float:
        return cost_ratio(lambda: self.plan.run(1), self.reference, calls=self.calls)


class FanOut:
    """Branches of one input and the list of their outputs, against a list of the same calls."""

    params = [100]
    param_names = ["n_branches"]

    def setup(self, n_branches: int) -> None:
        self.plan = plan(" | ".join(["bench.same"] * n_branches))
        self.functions = [same.spec.function] * n_branches
        assert self.plan.run(1) == self.reference()

    def reference(self) -> list[object]:
        return [function(1) for function in self.functions]

    def time_run(self, n_branches: int) -> None:
        self.plan.run(1)

    def track_ratio(self, n_branches: int) -> float:
        return cost_ratio(lambda: self.plan.run(1), self.reference, calls=200)


class Map:
    """One step on each item of a list, against a list comprehension."""

    params = [1_000, 10_000, 100_000]
    param_names = ["n_items"]

    def setup(self, n_items: int) -> None:
        self.plan = plan("identity * bench.same")
        self.items = list(range(n_items))
        self.calls = max(1, 20_000 // n_items)
        assert self.plan.run(self.items) == self.items

    def reference(self) -> list[object]:
        function = same.spec.function
        return [function(item) for item in self.items]

    def time_run(self, n_items: int) -> None:
        self.plan.run(self.items)

    def track_ratio(self, n_items: int) -> float:
        return cost_ratio(lambda: self.plan.run(self.items), self.reference, calls=self.calls)


class AsyncFanOut:
    """Coroutines that return at once, against `asyncio.gather`."""

    params = [100]
    param_names = ["n_branches"]

    def setup(self, n_branches: int) -> None:
        self.plan = plan(" | ".join(["bench.later"] * n_branches))
        self.loop = asyncio.new_event_loop()
        assert self.run() == self.reference()

    def teardown(self, n_branches: int) -> None:
        self.loop.close()

    def run(self) -> object:
        return self.loop.run_until_complete(self.plan.arun(1))

    def reference(self) -> object:
        async def gathered() -> object:
            return await asyncio.gather(*[later.spec.function(1) for _ in range(100)])

        return self.loop.run_until_complete(gathered())

    def time_run(self, n_branches: int) -> None:
        self.run()

    def track_ratio(self, n_branches: int) -> float:
        return cost_ratio(self.run, self.reference, calls=50)


class Building:
    """Reading, checking and compiling a chain, from text and from operators."""

    params = [10, 1_000, 10_000]
    param_names = ["n_steps"]

    def setup(self, n_steps: int) -> None:
        self.text = " >> ".join(["bench.same"] * n_steps)

    def time_compile_text(self, n_steps: int) -> None:
        plan(self.text)

    def time_compile_operators(self, n_steps: int) -> None:
        graph = same >> same
        for _ in range(n_steps - 2):
            graph = graph >> same
        gl.compile(graph, registry=REGISTRY)
