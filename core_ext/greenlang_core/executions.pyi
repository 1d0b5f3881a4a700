from collections.abc import Coroutine
from typing import Any, Protocol

from greenlang_core.runs import Run
from greenlang_core.scheduler import Program, Trail

class _Teller(Protocol):
    def annotate(self, error: BaseException, trail: Trail, value: Any, run: Run, /) -> None: ...

def arun(
    program: Program, value: Any, trail: Trail, run: Run | None = None, teller: _Teller | None = None
) -> Coroutine[Any, Any, Any]: ...
