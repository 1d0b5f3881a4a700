"""The hooks around an execution: in which order they run, and what happens where one of them fails.

What to do next is decided by one generator, which knows neither threads nor event loops: it calls functions
itself and yields what has to be waited for.  A synchronous run waits by running a loop, an asynchronous one
by `await`; the order is the same.
"""

from __future__ import annotations

__all__ = ["Hooks", "acall", "call", "check_input"]

import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from greenlang.agents import ExecutionContext
from greenlang.errors import InputError, QuantityError
from greenlang.gcel import Plan

if TYPE_CHECKING:
    from greenlang.agents import LifecycleHook

T = TypeVar("T")

#: The implementations of each lifecycle hook that has any, in the order in which they are called.
Hooks: TypeAlias = "Mapping[str, Sequence[LifecycleHook]]"

#: Yields what has to be waited for, is sent what came of it, and returns the result.
_Steps: TypeAlias = Generator[Awaitable[Any], Any, T]


def call(
    hooks: Hooks,
    plan: Plan,
    given: Any,
    work: Callable[[Any], T],
    *,
    tenant: str,
    prepare: Callable[[], None] | None = None,
    proves: bool = False,
) -> T:
    """Do `work` on the input with the hooks around it.

    Parameters
    ----------
    hooks : Hooks
        With none of them, nothing is done but the work.
    given : object
        The input; `work` gets what the hooks make of it.
    work, prepare : callable
        `prepare` opens what `work` needs, between `pre_init` and `post_init`.
    proves : bool
        Whether `work` gives an `Execution`, with what the plan gave as its `value`.

    Raises
    ------
    InputError
        If the plan does not take the input; besides, whatever a hook or the work raises.
    """
    if not hooks:
        if prepare is not None:
            prepare()
        check_input(plan, given)
        return work(given)
    result: T = _waited(_around(hooks, ExecutionContext(plan, given, tenant), work, prepare, proves))
    return result


async def acall(
    hooks: Hooks,
    plan: Plan,
    given: Any,
    work: Callable[[Any], Awaitable[T]],
    *,
    tenant: str,
    prepare: Callable[[], Awaitable[None]] | None = None,
    proves: bool = False,
) -> T:
    """`call` inside an event loop."""
    if not hooks:
        if prepare is not None:
            await prepare()
        check_input(plan, given)
        return await work(given)
    result: T = await _awaited(_around(hooks, ExecutionContext(plan, given, tenant), work, prepare, proves))
    return result


def check_input(plan: Plan, given: Any) -> None:
    """Hold an input to the class that a plan takes, if it takes one; floats are refused with what mends them.

    Raises
    ------
    InputError
    """
    wanted = plan.input_type
    if type(given) is wanted or wanted is Any or not isinstance(wanted, type) or isinstance(given, wanted):
        return
    if isinstance(given, float):
        raise QuantityError(f"{given!r} is a float, which is not exact", fix=f"write Decimal('{given!r}')")
    if not (wanted is Decimal and isinstance(given, int)):
        raise InputError(
            f"the plan takes {wanted.__name__}, and {type(given).__name__} is given", fix="give what it takes"
        )


def _around(
    hooks: Hooks,
    context: ExecutionContext,
    work: Callable[[Any], Any],
    prepare: Callable[[], Any] | None,
    proves: bool,
) -> _Steps[Any]:
    try:
        yield from _hook(hooks, "pre_init", context)
        if prepare is not None:
            yield from _done(prepare())
        yield from _hook(hooks, "post_init", context)
        yield from _hook(hooks, "pre_validate", context)
        check_input(context.plan, context.input)
        yield from _hook(hooks, "post_validate", context)
        yield from _hook(hooks, "pre_execute", context)
        done = yield from _done(work(context.input))
        context.output, context.execution = (done.value, done) if proves else (done, None)
        yield from _hook(hooks, "post_execute", context)
    except GeneratorExit:
        raise
    except BaseException as error:
        context.error = error
        try:
            yield from _hook(hooks, "on_error", context)
        except Exception as further:  # foreign code may raise anything; what failed first is what matters
            error.add_note(f"besides, {type(further).__name__}: {further}")
        raise
    else:
        return done
    finally:
        yield from _hook(hooks, "cleanup", context)


def _hook(hooks: Hooks, name: str, context: ExecutionContext) -> _Steps[None]:
    """Call the implementations of one hook as pluggy does, waiting for those that are asynchronous."""
    surrounding: list[Generator[None, None, None]] = []
    failed: BaseException | None = None
    for hook in hooks.get(name, ()):
        try:
            result = hook.function(context) if hook.takes_context else hook.function()
            if hook.wraps:
                next(result)
                surrounding.append(result)
            else:
                yield from _done(result)
        except BaseException as error:
            failed = _noted(error, name, hook)
            break
    for wrapper in reversed(surrounding):
        failed = _finished(wrapper, failed)
    if failed is not None:
        raise failed


def _finished(wrapper: Generator[None, None, None], failed: BaseException | None) -> BaseException | None:
    """Let a wrapper end; what failed afterwards, which is what it raises: it may swallow or replace."""
    try:
        if failed is None:
            wrapper.send(None)
        else:
            wrapper.throw(failed)
    except StopIteration:
        return None
    except BaseException as error:  # noqa: BLE001, RUF100  it is raised when the other wrappers have ended
        return error
    wrapper.close()
    return RuntimeError(f"the wrapper {wrapper!r} yields twice")


def _noted(error: BaseException, name: str, hook: LifecycleHook) -> BaseException:
    error.add_note(f"in the hook {name} of {hook.plugin}")
    return error


def _done(result: Any) -> _Steps[Any]:
    """The result itself, waited for if need be."""
    if inspect.isawaitable(result):
        result = yield result
    return result


def _waited(steps: _Steps[T]) -> T:
    """Take the steps where no event loop runs; one of its own waits for what is asynchronous."""
    runner: Any = None
    result: Any = None
    failed: BaseException | None = None
    try:
        while True:
            waiting = steps.send(result) if failed is None else steps.throw(failed)
            result, failed = None, None
            if runner is None:
                import asyncio

                runner = asyncio.Runner()
            try:
                result = runner.run(_one(waiting))
            except BaseException as error:  # noqa: BLE001, RUF100  it is the generator's to handle
                failed = error
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        if runner is not None:
            runner.close()


async def _one(waiting: Awaitable[Any]) -> Any:
    return await waiting


async def _awaited(steps: _Steps[T]) -> T:
    result: Any = None
    failed: BaseException | None = None
    while True:
        try:
            waiting = steps.send(result) if failed is None else steps.throw(failed)
        except StopIteration as end:
            value: T = end.value
            return value
        result, failed = None, None
        try:
            result = await waiting
        except BaseException as error:  # noqa: BLE001, RUF100  it is the generator's to handle
            failed = error
