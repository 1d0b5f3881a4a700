"""What a run spends besides time on the clock: CPU time, and tokens of language models that agents report."""

from __future__ import annotations

__all__ = ["Spent", "spending", "use_tokens"]

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from greenlang.errors import InputError


class Spent:
    """What one run has spent so far."""

    __slots__ = ("cpu_microseconds", "tokens")

    def __init__(self) -> None:
        #: Of the thread that runs it; what waits, and what other processes do for it, costs none.
        self.cpu_microseconds = 0
        self.tokens = 0


_SPENT: ContextVar[Spent | None] = ContextVar("greenlang_spent", default=None)


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


@contextlib.contextmanager
def spending(spent: Spent) -> Iterator[None]:
    """Add what this thread does inside of the block to what a run has spent."""
    token = _SPENT.set(spent)
    began = time.thread_time_ns()
    try:
        yield
    finally:
        spent.cpu_microseconds += (time.thread_time_ns() - began) // 1000
        _SPENT.reset(token)
