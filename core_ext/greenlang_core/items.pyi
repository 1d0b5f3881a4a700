from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from decimal import Context
from typing import Any

from greenlang_core.runs import Run
from greenlang_core.scheduler import Program, Trail

WINDOW: int

class Outputs(AsyncIterator[Any]):
    def __init__(
        self,
        program: Program,
        source: Iterable[Any] | AsyncIterable[Any],
        is_map: bool,
        trail: Trail,
        run: Run,
        window: int = ...,
        is_ordered: bool = True,
        *,
        context: Context | None = None,
    ) -> None: ...
    def __anext__(self) -> Awaitable[Any]: ...
    def ready(self) -> Awaitable[list[Any]]: ...
    async def aclose(self) -> None: ...

class Computed(Iterator[Any]):
    def __init__(
        self,
        program: Program,
        source: Iterable[Any],
        is_map: bool,
        trail: Trail,
        run: Run,
        *,
        context: Context,
    ) -> None: ...
    def __next__(self) -> Any: ...
