"""Runs that need an event loop, and those that give their items one at a time."""

from __future__ import annotations

__all__ = [
    "Clock",
    "Pull",
    "aeach",
    "check_clock",
    "check_window",
    "each",
    "loop_runs_already",
    "pull_of",
    "run_in_new_loop",
]

from collections.abc import AsyncIterator, Coroutine, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from greenlang.errors import GcelError, InputError
from greenlang.gcel.builtins import one_by_one
from greenlang.gcel.running.decimal_context import EXACT_CONTEXT
from greenlang.gcel.running.prepared import Prepared
from greenlang.gcel.steps import FilterStep, MapStep, Program
from greenlang_core import executions, items, scheduler
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from greenlang_core.scheduler import Trail


class Clock(Protocol):
    """Time as a run sees it; `greenlang.VirtualClock` is one."""

    #: Where chance comes from, so that the same seed gives the same run.
    random: Random

    def now(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def new_event_loop(self) -> AbstractEventLoop:
        """An event loop on this clock."""


def check_clock(clock: Clock | None) -> None:
    """Refuse a clock that is not that of the running event loop."""
    import asyncio

    if clock is not None and getattr(asyncio.get_running_loop(), "clock", None) is not clock:
        raise GcelError(
            "the running event loop does not run on the clock that is given",
            fix="write clock.run(plan.arun(value, clock=clock))",
        )


def check_window(window: int) -> None:
    """Refuse a window through which no item goes."""
    if not isinstance(window, int) or window < 1:
        raise InputError(
            f"{window!r} is no window", fix="give the number of items that may be at work, 1 or more"
        )


def loop_runs_already(instead: str) -> GcelError:
    """What is told of a plan that waits, where it cannot have a loop of its own."""
    return GcelError(
        "the plan has asynchronous steps, and an event loop already runs here", fix=f"write {instead}"
    )


def run_in_new_loop(main: Coroutine[Any, Any, Any], run: Run) -> Any:
    """Run a coroutine in an event loop of its own, on the run's clock."""
    import asyncio

    if asyncio._get_running_loop() is not None:
        main.close()
        raise loop_runs_already("`await plan.arun(value)`")
    factory = None if run.clock is None else run.clock.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


class Pull(Struct, frozen=True):
    """A plan that ends in a map or a filter: what comes before it, and what it does with an item."""

    plan: Prepared
    #: With the part before the map as the first.
    executable: tuple[scheduler.Program, ...]
    inner: scheduler.Program
    is_map: bool
    #: The map among the steps of the first program.
    last: int


def pull_of(plan: Prepared) -> Pull:
    """Take a plan apart; GcelError if it ends in nothing that has items."""
    first = plan.wiring.programs[0]
    last = first.steps[first.result - 1] if first.result else None
    if not isinstance(last, MapStep | FilterStep) or last.modifiers:
        raise GcelError(
            "the plan does not end in a map or a filter, so its result has no items to wait for",
            fix="end it in `* step` or `/ test` without a modifier, or call run()",
        )
    executable = tuple(plan.executable(Program(first.steps[: first.result - 1], last.input)))
    return Pull(plan, executable, executable[last.program], isinstance(last, MapStep), first.result - 1)


def each(pull: Pull, value: Any, window: int, run: Run) -> Iterator[Any]:
    """The items of the result, one at a time; see `Plan.each`."""
    before = pull.executable[0]
    if before.is_async or pull.inner.is_async or hasattr(type(value), "__aiter__"):
        return _pulled(pull, value, window, run)
    return _computed(pull, value, run)


def _computed(pull: Pull, value: Any, run: Run) -> Iterator[Any]:
    """The same of steps that compute in place."""
    with _Pointing(pull, value, run) as trail:
        source = one_by_one(pull.executable[0].run(value, trail, run))
        yield from items.Computed(pull.inner, source, pull.is_map, trail, run, context=EXACT_CONTEXT)


async def aeach(pull: Pull, value: Any, window: int, ordered: bool, run: Run) -> AsyncIterator[Any]:
    """The same inside an event loop; see `Plan.aeach`."""
    with _Pointing(pull, value, run) as trail:
        outputs = await _outputs(pull, value, window, ordered, run, trail)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()


def _pulled(pull: Pull, value: Any, window: int, run: Run) -> Iterator[Any]:
    """The same in an event loop of its own, which turns while the reader waits for more."""
    import asyncio

    if asyncio._get_running_loop() is not None:
        raise loop_runs_already("`async for item in plan.aeach(value)`")
    with asyncio.Runner() as runner, _Pointing(pull, value, run) as trail:
        outputs = runner.run(_outputs(pull, value, window, True, run, trail))
        try:
            # All that is ready at once, because to start and stop the loop costs as much as a hundred items.
            while (ready := runner.run(_ready_of(outputs))) is not None:
                yield from ready
        finally:
            runner.run(outputs.aclose())


async def _outputs(
    pull: Pull, value: Any, window: int, ordered: bool, run: Run, trail: Trail
) -> items.Outputs:
    given = await executions.arun(pull.executable[0], value, trail, run)
    source = given if hasattr(type(given), "__aiter__") else one_by_one(given)
    return items.Outputs(pull.inner, source, pull.is_map, trail, run, window, ordered, context=EXACT_CONTEXT)


async def _ready_of(outputs: items.Outputs) -> list[Any] | None:
    try:
        return await outputs.ready()
    except StopAsyncIteration:
        return None


class _Pointing:
    """Points at what failed, where something does; gives the trail for the steps to tell it.

    No `contextmanager`, which puts back the traceback that the runtime's own frames were left out of.
    """

    def __init__(self, pull: Pull, value: Any, run: Run) -> None:
        self._pull = pull
        self._value = value
        self._run = run
        self._trail: Trail = []
        self._started_s = run.now()

    def __enter__(self) -> Trail:
        return self._trail

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        # A reader that stops is no failure.
        if error is None or isinstance(error, GeneratorExit):
            return
        pull, trail = self._pull, self._trail
        # A run of the steps before the map ends its trail itself; else the map failed, or its source.
        if not trail or not isinstance(trail[-1], float):
            trail += [(pull.executable[0], pull.last), self._run.now() - self._started_s]
        pull.plan.annotate_in(pull.executable, error, trail, self._value, self._run)
