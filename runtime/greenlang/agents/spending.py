"""What a run spends besides time on the clock: CPU time, and tokens of language models that agents report."""

from __future__ import annotations

__all__ = ["Spent", "spending", "spending_async", "use_tokens"]

import contextlib
import time
import types
from collections.abc import Coroutine, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, TypeVar

from greenlang.errors import InputError

T = TypeVar("T")


class Spent:
    """What one run has spent so far."""

    __slots__ = ("cpu_microseconds", "tokens")

    def __init__(self) -> None:
        #: Of the thread that runs it; what waits, and what other threads and processes do for it, costs none.
        self.cpu_microseconds = 0
        self.tokens = 0


_SPENT: ContextVar[Spent | None] = ContextVar("greenlang_spent", default=None)

#: Nobody counts.
_UNCOUNTED = contextlib.nullcontext()


def use_tokens(count: int) -> None:
    """Report, from inside an agent, that it used tokens; nothing happens where nobody counts them.

    Raises
    ------
    InputError
        If it is no number of tokens.
    """
    if not isinstance(count, int) or count < 0:
        raise InputError(f"{count!r} is no number of tokens", fix="give an integer, 0 or more")
    spent = _SPENT.get()
    if spent is not None:
        spent.tokens += count


def spending(spent: Spent | None) -> AbstractContextManager[None]:
    """Add what this thread does inside of the block to what a run has spent; None: nobody counts it."""
    return _UNCOUNTED if spent is None else _Counting(spent)


class _Counting:
    """One stretch of a run on one thread."""

    __slots__ = ("_began", "_spent", "_token")

    def __init__(self, spent: Spent) -> None:
        self._spent = spent

    def __enter__(self) -> None:
        self._token = _SPENT.set(self._spent)
        self._began = time.thread_time_ns()

    def __exit__(self, *_: object) -> None:
        self._spent.cpu_microseconds += (time.thread_time_ns() - self._began) // 1000
        _SPENT.reset(self._token)


async def spending_async(spent: Spent | None, running: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives; what it does itself, between its awaits, is added to what a run has spent.

    Tasks that it starts report their tokens, and their CPU time is not known.
    """
    return await (running if spent is None else _stretches(spent, running))


@types.coroutine
def _stretches(spent: Spent, running: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    answer: Any = None
    error: BaseException | None = None
    while True:
        with _Counting(spent):
            try:
                waits_for = running.send(answer) if error is None else running.throw(error)
            except StopIteration as ended:
                return ended.value  # type: ignore[no-any-return]  # what a coroutine gives is of its type
        try:
            answer, error = (yield waits_for), None
        except BaseException as raised:
            answer, error = None, raised
