"""How modifiers act: the guard of a step, which the scheduler asks when the step failed.

A guard is a nest of layers, one a modifier, the first innermost. Each is written once, as a coroutine over
what runs the step (`_Doing`); where nothing waits it is stepped to its end in place. The first try of a step
is made by the scheduler, so a layer that sees no error costs nothing: the nest starts with what that try
raised.
"""

from __future__ import annotations

__all__ = ["Guard", "build_guard"]

import functools
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from greenlang.agents.syntax import LiteralValue
from greenlang.errors import InputError, InternalError
from greenlang.gcel.modifiers import MODIFIER_OPTIONS
from greenlang.gcel.running.caching import Flight, cached
from greenlang.gcel.running.reports import Catching, Caught, note_caught
from greenlang.gcel.steps import Modifier
from greenlang.gcel.text import literal_options
from greenlang_core import executions, scheduler
from greenlang_core.runs import Run

#: Trying again mends none of these: the code is wrong, or what it was given is.
BUGS = (
    AssertionError,
    AttributeError,
    ImportError,
    InputError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
)

Trail = list[Any]
_Inner = Callable[[], Awaitable[Any]]


class _Doing(Protocol):
    """What layers do with the world."""

    value: Any
    run: Run | None
    #: When the step started, on the run's clock; None once its timeout knows.
    started_s: float | None

    @property
    def trail(self) -> Trail:
        """Where the step stands that failed last, as the scheduler notes it."""

    async def attempt(self) -> Any:
        """Run the step, the first time by raising what its first try raised."""

    async def handle(self, handler: scheduler.Program, failure: dict[str, Any]) -> Any:
        """Run a `catch`'s handler."""

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries."""

    async def within(self, inner: _Inner, seconds: float) -> Any:
        """Run the inner layers for at most this long."""

    async def landing(self, flight: Flight) -> bool:
        """Wait for what somebody else computes; False where that cannot be waited for."""

    def now(self) -> float:
        """Seconds on the run's clock."""

    def tell(self, kind: str, **facts: Any) -> None:
        """Tell the run's report."""


class _Layer(Protocol):
    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        """The output of the step under this modifier."""


class _Retry:
    def __init__(self, n: int, backoff: str, base: Decimal, max: Decimal, jitter: bool, on: Sequence[str]):  # noqa: A002  the option's name
        self._tries = n
        self._backoff = backoff
        self._base_s = float(base)
        self._max_s = float(max)
        self._jitter = jitter
        self._on = frozenset(on)

    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        tried = 0
        while True:
            try:
                return await inner()
            except Exception as error:
                tried += 1
                if tried > self._tries or not self._mends(error):
                    if tried > 1:
                        doing.trail.append(f"attempt {tried}")
                    raise
                delay_s = self._delay_s(tried, doing.run)
                if doing.run is not None and doing.run.left() <= delay_s:
                    doing.trail.append(f"attempt {tried}, the next would start after the deadline")
                    raise
                doing.tell("retried", attempt=tried, error=_described(error), delay_s=delay_s)
            await doing.sleep(delay_s)

    def _mends(self, error: Exception) -> bool:
        if self._on:
            names = {name for kind in type(error).__mro__ for name in (kind.__name__, _full_name(kind))}
            return not self._on.isdisjoint(names)
        return not isinstance(error, BUGS)

    def _delay_s(self, tried: int, run: Run | None) -> float:
        # 2 to the power of a thousand tries is no float's business.
        factor: float = {"exponential": 2 ** min(tried - 1, 60), "linear": tried, "constant": 1}[
            self._backoff
        ]
        delay_s = min(self._max_s, self._base_s * factor)
        if not self._jitter:
            return delay_s
        clock = None if run is None else run.clock
        chance: float = random.random() if clock is None else clock.random.random()  # noqa: S311  spread, no secret
        return delay_s * (0.5 + chance / 2)


class _Catch:
    def __init__(self, handler: scheduler.Program, label: str) -> None:
        self._handler = handler
        self._label = label

    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        try:
            return await inner()
        except Exception as error:
            if doing.run is not None and doing.run.left() <= 0:
                # What comes after a deadline is too late to go on with.
                raise
            caught = {"type": type(error).__name__, "message": str(error), "step": self._label}
            doing.tell("caught", error=_described(error))
            note_caught([Caught(self._label, type(error).__name__)])
        doing.trail.clear()
        return await doing.handle(self._handler, {"error": caught, "input": doing.value})


class _Timeout:
    def __init__(self, seconds: Decimal) -> None:
        self.seconds = float(seconds)

    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        # The first try was started by the scheduler; one that is tried again has all of its time.
        used_s = 0.0 if doing.started_s is None else doing.now() - doing.started_s
        doing.started_s = None
        return await doing.within(inner, max(0.0, self.seconds - used_s))


class _Cache:
    def __init__(self, ttl: Decimal, step_key: str) -> None:
        self._ttl_s = float(ttl)
        self._step_key = step_key

    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        async def noting() -> tuple[Any, list[Caught]]:
            with Catching() as caught:
                return await inner(), caught

        tenant = doing.run.tenant if doing.run is not None else ""
        key = tenant, self._step_key
        output, caught = await cached(key, doing.value, self._ttl_s, doing.now, noting, doing.landing)
        # What is kept of an earlier run comes of what was caught there.
        note_caught(caught)
        return output


class _Monitor:
    def __init__(self, sla: Decimal | None) -> None:
        self.sla_s = None if sla is None else float(sla) / 1000

    async def apply(self, inner: _Inner, doing: _Doing) -> Any:
        started_s = doing.now()
        try:
            return await inner()
        finally:
            elapsed_s = doing.now() - started_s
            if self.sla_s is not None and elapsed_s > self.sla_s:
                doing.tell("late", elapsed_s=elapsed_s)


class Guard:
    """What covers one step; see `greenlang_core.scheduler.Guard` for what the scheduler asks of it."""

    def __init__(self, label: str, layers: Sequence[_Layer], handlers: Sequence[scheduler.Program]) -> None:
        self._label = label
        self._layers = layers
        self.around = any(isinstance(layer, _Cache) for layer in layers)
        self.waits = any(handler.is_async for handler in handlers)
        sla_s = next((layer.sla_s for layer in layers if isinstance(layer, _Monitor)), None)
        self.sla_s = None if self.around else sla_s
        self.timeout_s = next((layer.seconds for layer in layers if isinstance(layer, _Timeout)), None)
        #: Where the scheduler tells the time of a step itself, its layer has nothing to do.
        self._timed = [layer for layer in layers if self.around or not isinstance(layer, _Monitor)]

    def late(self, elapsed_s: float, run: Run | None) -> None:
        """Tell the report that the step took longer than its `monitor` allows."""
        _tell(run, "late", self._label, {"elapsed_s": elapsed_s})

    def run(
        self,
        attempt: Callable[[], Any],
        value: Any,
        run: Run | None,
        error: Exception | None,
        now_s: float,
    ) -> Any:
        """Give the output of a step that does not wait."""
        doing = _DoingInPlace(self._label, attempt, value, run, error, now_s)
        layered = _nested(self._layers, doing)
        try:
            layered.send(None)
        except StopIteration as stop:
            return stop.value
        raise InternalError(f"a modifier of '{self._label}' waits where nothing does")

    async def arun(self, attempt: Any, value: Any, run: Run, error: Exception | None, now_s: float) -> Any:
        """Give the output of a step that may wait."""
        return await _nested(self._timed, _DoingInLoop(self._label, attempt, value, run, error, now_s))


def build_guard(
    label: str, modifiers: Sequence[Modifier], built: Mapping[int, scheduler.Program], step_key: str
) -> Guard:
    """The guard of a step with these modifiers, whose handlers are among `built`."""
    layers: list[_Layer] = []
    handlers: list[scheduler.Program] = []
    for modifier in modifiers:
        if modifier.handler is not None:
            handlers.append(built[modifier.handler])
            layers.append(_Catch(built[modifier.handler], label))
        else:
            options = _options(modifier)
            if modifier.name == "cache":
                options["step_key"] = step_key
            layers.append(_LAYERS[modifier.name](**options))
    return Guard(label, layers, handlers)


_LAYERS: Mapping[str, Callable[..., _Layer]] = {
    "retry": _Retry,
    "timeout": _Timeout,
    "cache": _Cache,
    "monitor": _Monitor,
}


def _options(modifier: Modifier) -> dict[str, Any]:
    defaults: dict[str, LiteralValue] = {
        option.name: option.default for option in MODIFIER_OPTIONS[modifier.name]
    }
    return {**defaults, **literal_options(modifier.options)}


def _nested(layers: Sequence[_Layer], doing: _Doing) -> Coroutine[Any, Any, Any]:
    inner: Callable[[], Coroutine[Any, Any, Any]] = doing.attempt
    for layer in layers:
        inner = functools.partial(layer.apply, inner, doing)
    return inner()


class _Base:
    def __init__(
        self, label: str, attempt: Any, value: Any, run: Run | None, error: Exception | None, now_s: float
    ) -> None:
        self._label = label
        self._attempt = attempt
        self._error = error
        self.value = value
        self.run = run
        self.started_s: float | None = now_s

    @property
    def trail(self) -> Trail:
        """Where the step stands that failed last, as the scheduler notes it."""
        trail: Trail = self._attempt.trail
        return trail

    def now(self) -> float:
        """Seconds on the run's clock."""
        return (self.run or _ANY_RUN).now()

    def tell(self, kind: str, **facts: Any) -> None:
        """Tell the run's report, if it has one."""
        _tell(self.run, kind, self._label, facts)

    def _raise_first(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error


class _DoingInPlace(_Base):
    """Nothing waits: what is called here returns when it is done."""

    async def attempt(self) -> Any:
        self._raise_first()
        return self._attempt()

    async def handle(self, handler: scheduler.Program, failure: dict[str, Any]) -> Any:
        return handler.run(failure, self.trail, self.run)

    async def sleep(self, seconds: float) -> None:
        if self.run is not None and self.run.clock is not None:
            self.run.clock.sleep(seconds)
        else:
            import time

            time.sleep(seconds)

    async def within(self, inner: _Inner, _: float) -> Any:
        return await inner()

    async def landing(self, flight: Flight) -> bool:
        import asyncio

        if asyncio._get_running_loop() is not None:
            # Its loop may wait for something of this one, which stands still as long as we are here.
            return False
        left_s = (self.run or _ANY_RUN).left()
        return flight.wait(None if left_s == float("inf") else left_s)


class _DoingInLoop(_Base):
    """Inside an event loop."""

    async def attempt(self) -> Any:
        self._raise_first()
        return await self._attempt()

    async def handle(self, handler: scheduler.Program, failure: dict[str, Any]) -> Any:
        return await executions.arun(handler, failure, self.trail, self.run)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def within(self, inner: _Inner, seconds: float) -> Any:
        if self._error is not None and self._attempt.timed_out(self._error):
            # The first try took all the time there is for what this timeout covers.
            self._raise_first()
        return await self._attempt.within(inner(), seconds)

    async def landing(self, flight: Flight) -> bool:
        await flight.landed()
        return True


_ANY_RUN = Run()


def _tell(run: Run | None, kind: str, label: str, facts: Mapping[str, Any]) -> None:
    if run is not None and run.report is not None:
        run.report.note(kind, label, facts)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
