"""A clock that passes in no time, for tests: timeouts, back-off and interleavings, repeatable by a seed."""

from __future__ import annotations

__all__ = ["VirtualClock"]

from asyncio import SelectorEventLoop, Task
from collections.abc import Coroutine
from random import Random
from selectors import DefaultSelector, SelectorKey
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class VirtualClock:
    """Time that moves only where all wait for it, and then at once to the next moment that one waits for.

    Give one to `Plan.run(value, clock=VirtualClock(seed=1))`. The order in which tasks go on that could go on
    at the same moment is drawn from the seed: the same seed gives the same order, another may give
    another, so a search over seeds is a search over interleavings. Sockets and threads know nothing of it.
    """

    def __init__(self, seed: int | None = None) -> None:
        #: None leaves tasks in the order in which they became ready.
        self.seed = seed
        self.random = Random(seed or 0)  # noqa: S311  nothing secret hangs on it
        self._now_s = 0.0

    def now(self) -> float:
        """Seconds since the clock was made, on itself."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += max(0.0, seconds)

    def new_event_loop(self) -> SelectorEventLoop:
        """An event loop that runs on this clock."""
        return _VirtualLoop(self)

    def run(self, main: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine on this clock, as `asyncio.run` does on the machine's."""
        import asyncio

        with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
            return runner.run(main)


class _Selector(DefaultSelector):
    """Jumps over time in which nothing happens."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        events = super().select(0)
        if not events:
            self._clock.sleep(timeout)
        return events


class _VirtualLoop(SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self.clock = clock

    def time(self) -> float:
        return self.clock.now()

    def _run_once(self) -> None:
        # Callbacks keep their order, as asyncio promises; tasks do not, as nothing promises it.
        ready = self._ready  # type: ignore[attr-defined]  # of asyncio's own loop
        if self.clock.seed is not None and len(ready) > 1:
            places = [place for place, handle in enumerate(ready) if _is_task(handle)]
            handles = [ready[place] for place in places]
            self.clock.random.shuffle(handles)
            for place, handle in zip(places, handles, strict=True):
                ready[place] = handle
        super()._run_once()  # type: ignore[misc]  # the same


def _is_task(handle: Any) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), Task)
