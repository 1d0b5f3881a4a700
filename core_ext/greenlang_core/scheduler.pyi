from collections.abc import Callable, Coroutine, Sequence
from decimal import Context
from typing import Any

class Program:
    count: int
    result: int
    is_async: bool
    def __init__(
        self,
        steps: Sequence[tuple[Any, ...]],
        result: int,
        *,
        as_items: Callable[[Any], list[Any] | tuple[Any, ...]],
        context: Context | None = None,
    ) -> None: ...
    def run(self, value: Any, trail: list[tuple[Program, int] | int]) -> Any: ...
    def arun(self, value: Any, trail: list[tuple[Program, int] | int]) -> Coroutine[Any, Any, Any]: ...
