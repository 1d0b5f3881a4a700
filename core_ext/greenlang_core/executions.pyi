from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable
from typing import Any

from greenlang_core.runs import Run
from greenlang_core.scheduler import Program, Trail

WINDOW: int

class StepTimeout(TimeoutError): ...

def arun(
    program: Program, value: Any, trail: Trail, run: Run | None = None
) -> Coroutine[Any, Any, Any]: ...
def over_items(
    program: Program,
    source: Iterable[Any] | AsyncIterable[Any],
    is_map: bool,
    trail: Trail,
    run: Run,
    window: int = ...,
    ordered: bool = True,
) -> AsyncGenerator[Any, None]: ...
