from typing import Any

from greenlang_core.recording import Recorder

class Run:
    clock: Any
    deadline_s: float
    patience_s: float
    report: Any
    tenant: str
    recorder: Recorder | None
    abandoned: list[str]
    def __init__(
        self,
        *,
        clock: Any = None,
        deadline_s: float | None = None,
        patience_s: float = 1.0,
        report: Any = None,
        tenant: str = "",
        recorder: Recorder | None = None,
    ) -> None: ...
    @property
    def is_special(self) -> bool: ...
    def now(self) -> float: ...
    def left(self) -> float: ...
    def abandon(self, step: str) -> None: ...
