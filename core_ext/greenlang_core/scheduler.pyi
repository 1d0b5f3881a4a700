from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from decimal import Context
from typing import Any, Protocol, TypeAlias

from greenlang_core.runs import Run

class Guard(Protocol):
    """What covers a step."""

    #: Whether it must be asked before the step, not only when the step failed.
    around: bool
    #: Seconds after which it wants to be told (`late`); None for never.
    sla_s: float | None
    #: Seconds after which a step that waits is ended; None for never.
    timeout_s: float | None
    #: Whether what it runs itself may wait.
    waits: bool

    def late(self, elapsed_s: float, run: Run | None) -> None:
        """Be told that the step took longer than `sla_s`."""
    def run(
        self,
        attempt: Callable[[], Any],
        value: Any,
        run: Run | None,
        error: Exception | None,
        now_s: float,
    ) -> Any:
        """Give the step's output; `attempt` runs it, and `error` is what its first try raised."""
    def arun(
        self, attempt: Any, value: Any, run: Run, error: Exception | None, now_s: float
    ) -> Coroutine[Any, Any, Any]:
        """The same, where tries are awaited."""

#: Where a run failed, from the inside out: steps, numbers of items, what guards say, and last the seconds.
Trail: TypeAlias = list[tuple[Program, int] | int | str | float]

class Program:
    count: int
    result: int
    is_async: bool
    def __init__(
        self,
        steps: Sequence[tuple[Any, ...]],
        result: int,
        *,
        as_items: Callable[[Any], Iterable[Any]],
        context: Context | None = None,
        guards: Mapping[int, Guard] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None: ...
    def run(self, value: Any, trail: Trail, run: Run | None = None) -> Any: ...
