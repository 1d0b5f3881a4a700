"""What a run spends besides time on the clock: CPU time, and tokens of language models that agents report."""

from __future__ import annotations

__all__ = ["ModelUse", "Spent", "model_use", "spending", "spending_async", "use_tokens"]

import contextlib
import threading
import time
import types
from collections.abc import Coroutine, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
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


@dataclass(slots=True)
class ModelUse:
    """What an agent has used of a language model since the process began."""

    agent: str
    model: str
    kind: str  #: of token: `input`, `output`
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


#: By agent, model and kind of token; what comes beyond so many is counted as `other`.
_USED: dict[tuple[str, str, str], ModelUse] = {}
_MOST_USED = 200
_USING = threading.Lock()


def model_use() -> list[ModelUse]:
    """What agents of this process have reported so far."""
    with _USING:
        return list(_USED.values())


def use_tokens(
    count: int,
    *,
    agent: str = "none",
    model: str = "none",
    kind: str = "total",
    cost_usd: Decimal = Decimal(0),
) -> None:
    """Report, from inside an agent, that it used tokens.

    They count against the quota of whoever the agent runs for, and in the metrics of the process.

    Parameters
    ----------
    agent, model, kind : str
        Who used them, of what, and which: `input`, `output`.
    cost_usd : Decimal
        What they cost, in US dollars.

    Raises
    ------
    InputError
        If it is no number of tokens, or no cost.
    """
    if not isinstance(count, int) or count < 0:
        raise InputError(f"{count!r} is no number of tokens", fix="give an integer, 0 or more")
    if not isinstance(cost_usd, Decimal) or not cost_usd.is_finite() or cost_usd < 0:
        raise InputError(f"{cost_usd!r} is no cost", fix='give US dollars as Decimal("0.0125")')
    with _USING:
        key = agent, model, kind
        if key not in _USED and len(_USED) >= _MOST_USED:
            key = "other", "other", kind if kind in ("input", "output") else "other"
        used = _USED.setdefault(key, ModelUse(*key))
        used.tokens += count
        used.cost_usd += cost_usd
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
