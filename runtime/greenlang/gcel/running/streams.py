"""Runs that tell what each step gives as soon as it gives it.

A plan whose steps wait is run in the reader's event loop, or, for a reader without one, in a loop that turns
while the reader waits for the next result. One that computes in place has no point at which it could stand
still, so it runs on a thread of its own, at most `AHEAD` results ahead of the reader.
"""

from __future__ import annotations

__all__ = ["astream", "stream"]

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from greenlang.gcel.running.failures import fold
from greenlang.gcel.running.following import Follower, StepResult
from greenlang.gcel.running.runs import loop_runs_already
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from greenlang.gcel.running.runner import Runner

#: Results that a plan which computes in place may have waiting for their reader.
AHEAD = 64


class _Closed(BaseException):
    """Ends a run that nobody reads any more; no agent's `except Exception` holds it up."""


class _End:
    """After the last result: why there are no more, or None if the plan is done."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


_Tell = Callable[[StepResult | _End], object]


def stream(runner: Runner, value: Any, run: Run, follower: Follower) -> Generator[StepResult, None, None]:
    """The results of a run as they come; closing it ends the run, and returns when it has ended."""
    results = (_awaited_in_new_loop if _waits(runner, value) else _computed)(runner, value, run, follower)
    try:
        yield from results
    except BaseException as error:
        fold(error)
        raise


def _awaited_in_new_loop(
    runner: Runner, value: Any, run: Run, follower: Follower
) -> Generator[StepResult, None, None]:
    """A run in a loop of its own, which turns while the reader waits."""
    if asyncio._get_running_loop() is not None:
        raise loop_runs_already("`async for result in plan.astream(value)`")
    factory = None if run.clock is None else run.clock.new_event_loop
    with asyncio.Runner(loop_factory=factory) as loop:
        results = _awaited(runner, value, run, follower)
        try:
            while (result := loop.run(_next_of(results))) is not None:
                yield result
        finally:
            loop.run(results.aclose())


async def astream(
    runner: Runner, value: Any, run: Run, follower: Follower
) -> AsyncGenerator[StepResult, None]:
    """The same inside an event loop."""
    run_on = _awaited if _waits(runner, value) else _computed_beside
    results = run_on(runner, value, run, follower)
    try:
        async for result in results:
            yield result
    except BaseException as error:
        fold(error)
        raise
    finally:
        await results.aclose()


def _waits(runner: Runner, value: Any) -> bool:
    return runner.program.is_async or hasattr(type(value), "__aiter__")


async def _next_of(results: AsyncGenerator[StepResult, None]) -> StepResult | None:
    return await anext(results, None)


async def _awaited(
    runner: Runner, value: Any, run: Run, follower: Follower
) -> AsyncGenerator[StepResult, None]:
    """A run as a task of this loop."""
    results: deque[StepResult] = deque()
    told = asyncio.Event()

    def tell(result: StepResult) -> None:
        results.append(result)
        told.set()

    follower.tell = tell
    task = asyncio.create_task(runner.arun(value, run))
    task.add_done_callback(lambda _: told.set())
    try:
        while True:
            await told.wait()
            told.clear()
            while results:
                yield results.popleft()
            if task.done() and not results:
                yield follower.whole(task.result())
                return
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            # Looked at, so that asyncio does not say that nobody did: what comes after the end is nobody's.
            task.exception()


def _computed(runner: Runner, value: Any, run: Run, follower: Follower) -> Generator[StepResult, None, None]:
    """A run on a thread."""
    results: queue.SimpleQueue[StepResult | _End] = queue.SimpleQueue()
    thread = _Thread(runner, value, run, follower, results.put)
    thread.start()
    told: StepResult | _End | None = None
    try:
        while not isinstance(told := results.get(), _End):
            yield told
            thread.room.release()
        if told.error is not None:
            raise told.error
    finally:
        thread.stopped.set()
        while not isinstance(told, _End):
            thread.room.release()
            told = results.get()
        thread.join()


async def _computed_beside(
    runner: Runner, value: Any, run: Run, follower: Follower
) -> AsyncGenerator[StepResult, None]:
    """The same thread, its results handed to this loop."""
    loop = asyncio.get_running_loop()
    results: asyncio.Queue[StepResult | _End] = asyncio.Queue()
    thread = _Thread(
        runner, value, run, follower, lambda result: loop.call_soon_threadsafe(results.put_nowait, result)
    )
    thread.start()
    told: StepResult | _End | None = None
    try:
        while not isinstance(told := await results.get(), _End):
            yield told
            thread.room.release()
        if told.error is not None:
            raise told.error
    finally:
        thread.stopped.set()
        while not isinstance(told, _End):
            thread.room.release()
            told = await results.get()
        thread.join()


class _Thread(threading.Thread):
    """Runs a plan that computes in place; waits where its reader is too far behind."""

    def __init__(self, runner: Runner, value: Any, run: Run, follower: Follower, tell: _Tell) -> None:
        super().__init__(name="greenlang-stream", daemon=True)
        self._runner = runner
        self._value = value
        self._run = run
        self._tell = tell
        self._follower = follower
        follower.tell = self._offer
        self._context = copy_context()
        #: Set by a reader that wants no more: the run ends before its next step.
        self.stopped = threading.Event()
        #: Given back by the reader, one for each result that it took.
        self.room = threading.Semaphore(AHEAD)

    def run(self) -> None:
        """Run the plan, in the context of whoever asked for it."""
        error: BaseException | None = None
        try:
            output = self._context.run(self._runner.run, self._value, self._run)
            self._offer(self._follower.whole(output))
        except _Closed:
            pass
        except BaseException as raised:  # whatever it is, it belongs to the reader
            error = raised
        self._tell(_End(error))

    def _offer(self, result: StepResult) -> None:
        self.room.acquire()
        if self.stopped.is_set():
            raise _Closed
        self._tell(result)
