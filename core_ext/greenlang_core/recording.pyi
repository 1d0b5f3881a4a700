from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias

from greenlang_core.scheduler import Program

#: program, number of the step (-1 for a run of the program), item of a map (-1 for none), parent (-1), attempt
Span: TypeAlias = tuple[Program, int, int, int, int]
#: nanoseconds, number of the span, what it came to
Event: TypeAlias = tuple[int, int, Literal["start", "suspend", "resume", "end", "fail"]]

class _Clock(Protocol):
    def now(self) -> float: ...

class Recorder:
    on_output: Callable[[Program, int, int, int, Any], object] | None
    def __init__(
        self,
        *,
        on_output: Callable[[Program, int, int, int, Any], object] | None = None,
        clock: _Clock | None = None,
    ) -> None: ...
    @property
    def spans(self) -> list[Span]: ...
    @property
    def events(self) -> list[Event]: ...
    def spans_since(self, first: int) -> list[Span]: ...
    def events_since(self, first: int) -> list[Event]: ...
