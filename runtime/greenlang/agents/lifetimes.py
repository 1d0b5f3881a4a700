"""Agents that are classes: one object a process, set up before its first step and closed after its last.

    @agent(name="acme.meter", version="1.0.0", effects={"io"}, blocking=True)
    class Meter:
        def setup(self) -> None: ...
        def __call__(self, site: str, *, year: int) -> Decimal: ...
        def close(self) -> None: ...

Both `setup` and `close` may be missing, or asynchronous.  A runtime opens the agents of the plans that it
runs and closes them when it ends; outside of one, an agent is opened when first called and closed at exit.
"""

from __future__ import annotations

__all__ = ["Lifetime", "running_function", "step_method"]

import atexit
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any, final

from greenlang.errors import AgentError


@final
class Lifetime:
    """The object of a class agent in this process, and how many runtimes hold it open."""

    def __init__(self, name: str, made: type) -> None:
        self.name = name
        #: The class that `@agent` was put on.
        self.made = made
        self._object: Any = None
        self._holders = 0
        self._lock = threading.RLock()
        #: Whether its `setup` or `close` is asynchronous, so that only a runtime can open it.
        self.waits = any(
            inspect.iscoroutinefunction(getattr(made, method, None)) for method in ("setup", "close")
        )

    def opened(self) -> Any:
        """The object, opened if nobody has: the first call outside of any runtime opens it until exit.

        Raises
        ------
        AgentError
            If it cannot be set up, or not without an event loop.
        """
        if self._object is not None:
            return self._object
        with self._lock:
            if self._object is None:
                self._object = self._set_up()
                atexit.register(self._close_at_exit)
        return self._object

    def hold(self) -> None:
        """Open it for a runtime, unless it is open; `release` lets go of it."""
        with self._lock:
            if self._object is None:
                self._object = self._set_up()
            self._holders += 1

    async def ahold(self) -> None:
        """`hold` inside an event loop; one at a time, as the runtime sees to."""
        if self._object is None:
            with self._telling("set up"):
                made = self.made()
                await _awaited(getattr(made, "setup", None))
            self._object = made
        self._holders += 1

    def release(self) -> None:
        """Let go of it: the last runtime to do so closes it."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._close()

    async def arelease(self) -> None:
        """`release` inside an event loop."""
        self._holders -= 1
        if self._holders == 0:
            closing, self._object = self._object, None
            with self._telling("closed"):
                await _awaited(getattr(closing, "close", None))

    def _set_up(self) -> Any:
        if self.waits:
            raise AgentError(
                f"agent '{self.name}' is set up or closed asynchronously, and no runtime holds it open",
                fix="run its plans with arun, in `async with greenlang.Runtime() as runtime`",
            )
        with self._telling("set up"):
            made = self.made()
            if hasattr(made, "setup"):
                made.setup()
        return made

    def _close(self) -> None:
        closing, self._object = self._object, None
        with self._telling("closed"):
            if hasattr(closing, "close"):
                closing.close()

    def _close_at_exit(self) -> None:
        with self._lock:
            if self._object is not None and self._holders == 0:
                self._close()

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Tell whatever an agent's own code raises by the agent's name."""
        try:
            yield
        except Exception as error:  # foreign code may raise anything
            raise AgentError(
                f"agent '{self.name}' could not be {what}: {type(error).__name__}: {error}",
                fix="mend what its message names",
            ) from error


async def _awaited(method: Callable[[], Any] | None) -> None:
    if method is not None:
        result = method()
        if inspect.isawaitable(result):
            await result


def step_method(name: str, made: type) -> MethodType:
    """The method that is an agent's step, bound, so that its signature is that of a function.

    Raises
    ------
    AgentError
        If the class has no `__call__`, needs arguments, or waits in `setup` or `close` but not in its step.
    """
    step = inspect.getattr_static(made, "__call__", None)
    if not inspect.isfunction(step):
        raise AgentError(
            f"agent '{name}' is a class without __call__", fix="write its step as def __call__(self, value)"
        )
    if any(parameter.default is parameter.empty for parameter in inspect.signature(made).parameters.values()):
        raise AgentError(
            f"agent '{name}' is a class whose objects need arguments",
            fix="leave the parameters of __init__ out: options belong to __call__",
        )
    for method in ("setup", "close"):
        if inspect.iscoroutinefunction(getattr(made, method, None)) and not inspect.iscoroutinefunction(step):
            raise AgentError(
                f"agent '{name}' has an asynchronous {method} but a synchronous __call__",
                fix=f"write async def __call__, or def {method}",
            )
    return MethodType(step, made)


def running_function(lifetime: Lifetime) -> FunctionType:
    """What a plan calls: a function that hands on to the object."""

    async def run_async(*args: Any, **options: Any) -> Any:
        return await lifetime.opened()(*args, **options)

    def run(*args: Any, **options: Any) -> Any:
        return lifetime.opened()(*args, **options)

    is_async = inspect.iscoroutinefunction(inspect.getattr_static(lifetime.made, "__call__"))
    function = run_async if is_async else run
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(function, attribute, getattr(lifetime.made, attribute))
    return function  # type: ignore[return-value]  # mypy knows functions only by their signatures
