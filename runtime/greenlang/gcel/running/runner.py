"""Runs one compiled program: made once for it, asked for every run."""

from __future__ import annotations

__all__ = ["Runner"]

import functools
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from greenlang.gcel.running.blocking import current_run
from greenlang.gcel.running.prepared import Prepared
from greenlang_core import executions
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from greenlang.gcel.running.runs import Pull
    from greenlang_core.scheduler import Trail


class Runner(Prepared):
    """Runs a plan: once, or item by item. What needs an event loop is imported when it is asked for."""

    @functools.cached_property
    def _pull(self) -> Pull:
        from greenlang.gcel.running.runs import pull_of

        return pull_of(self)

    def run(self, value: Any, run: Run) -> Any:
        """Run with what most runs do without: an event loop, a clock, a deadline, a report."""
        if self.program.is_async:
            from greenlang.gcel.running.runs import run_in_new_loop

            return run_in_new_loop(self.arun(value, run), run)
        trail: Trail = []
        previous = current_run.set(run)
        try:
            return self.program.run(value, trail, run)
        except BaseException as error:
            self.annotate(error, trail, value, run)
            raise
        finally:
            current_run.reset(previous)

    def arun(self, value: Any, run: Run) -> Coroutine[Any, Any, Any]:
        """Run inside an event loop."""
        if self.program.is_async and not run.is_special:
            # Ten thousand runs that wait are held in twice the memory of bare tasks by this one object a run.
            return executions.arun(self.program, value, [], run, self)
        return self._arun(value, run)

    async def _arun(self, value: Any, run: Run) -> Any:
        if run.clock is not None:
            from greenlang.gcel.running.runs import check_clock

            check_clock(run.clock)
        program = self.program
        trail: Trail = []
        # What only agents of such runs can ask for.
        previous = current_run.set(run) if run.is_special else None
        try:
            if program.is_async or hasattr(type(value), "__aiter__"):
                return await executions.arun(program, value, trail, run)
            return program.run(value, trail, run)
        except StopIteration as error:
            # No coroutine raises it; Python's own words for that would have no note.
            stopped = RuntimeError("a step raised StopIteration")
            self.annotate(stopped, trail, value, run)
            raise stopped from error
        except BaseException as error:
            self.annotate(error, trail, value, run)
            raise
        finally:
            if previous is not None:
                current_run.reset(previous)

    def each(self, value: Any, window: int, run: Run) -> Iterator[Any]:
        """The items of a result one at a time."""
        from greenlang.gcel.running.runs import check_window, each

        check_window(window)
        return each(self._pull, value, window, run)

    def aeach(self, value: Any, window: int, ordered: bool, run: Run) -> AsyncIterator[Any]:
        """The same inside an event loop."""
        from greenlang.gcel.running.runs import aeach, check_window

        check_window(window)
        return aeach(self._pull, value, window, ordered, run)
