"""Where in a plan a recorded run is: the spans of the core's recorder, told as steps, paths and items."""

from __future__ import annotations

__all__ = ["Follower", "StepResult"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlang_core.recording import Recorder
from greenlang_core.scheduler import Program

if TYPE_CHECKING:
    from greenlang.gcel.running.prepared import Prepared
    from greenlang.gcel.running.runs import Clock
    from greenlang_core.recording import Span


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step, or a map on one item, gave."""

    #: The way to it: `map[37] > acme.fetch`. An item of a map ends in the map, `map[37]`; the plan is empty.
    path: str
    #: What people call the step; `plan` for the plan's own result, which comes last.
    step: str
    #: The item's number where a map or a filter is done with one, else None.
    item: int | None
    #: The output; for an item of a filter, whether it stays.
    value: Any
    #: From the start of its first try, with all that covers it, on the run's clock.
    elapsed_s: float


class Follower:
    """Follows one run while it goes on, by the spans that its recorder has so far."""

    def __init__(self, prepared: Prepared, clock: Clock | None) -> None:
        #: For the run that is to be followed.
        self.recorder = Recorder(on_output=self._on_output, clock=clock)
        #: Who is told the results, once the run goes on.
        self.tell: Callable[[StepResult], object] = _nobody
        self._labels = prepared.labels
        self._numbers = prepared.numbers
        self._spans: list[Span] = []
        self._event_count = 0
        #: When what is not done yet began: by program, step, item and parent.
        self._started: dict[tuple[Program, int, int, int], int] = {}
        #: The first moment, None until there is one, and the last.
        self._first_ns: int | None = None
        self._now_ns = 0

    def whole(self, output: Any) -> StepResult:
        """The plan's own result."""
        self._catch_up()
        return StepResult("", "plan", None, output, self._elapsed_s(self._first_ns or 0))

    def _catch_up(self) -> None:
        """Read what the recorder has since it was last asked."""
        self._spans += self.recorder.spans_since(len(self._spans))
        events = self.recorder.events_since(self._event_count)
        self._event_count += len(events)
        for ns, span, moment in events:
            self._now_ns = ns
            if self._first_ns is None:
                self._first_ns = ns
            if moment == "start":
                program, step, item, parent, _ = self._spans[span]
                # Of several tries the first: later ones are parts of what covers the step.
                self._started.setdefault((program, step, item, parent), ns)

    def _on_output(self, program: Program, step: int, item: int, parent: int, output: Any) -> None:
        self._catch_up()
        elapsed_s = self._elapsed_s(self._started.pop((program, step, item, parent), self._now_ns))
        way = self._path(parent)
        if step < 0:
            name = self._name(*self._spans[parent][:2])
            self.tell(StepResult(f"{way}[{item}]", name, item, output, elapsed_s))
        else:
            name = self._name(program, step)
            self.tell(StepResult(f"{way} > {name}" if way else name, name, None, output, elapsed_s))

    def _elapsed_s(self, started_ns: int) -> float:
        return (self._now_ns - started_ns) / 1e9

    def _name(self, program: Program, step: int) -> str:
        return self._labels[self._numbers[program]][step]

    def _path(self, span: int) -> str:
        """The way to a span, from the outside in: `map[37] > acme.fetch`."""
        parts: list[str] = []
        item = ""
        below: tuple[Program, int] | None = None
        while span >= 0:
            program, step, number, span, _ = self._spans[span]
            if step < 0:
                item = f"[{number}]" if number >= 0 else ""
            elif (program, step) != below or item:
                # A try is a part of what covers the same step.
                parts.append(self._name(program, step) + item)
                item = ""
            below = (program, step)
        return " > ".join(reversed(parts))


def _nobody(_: StepResult) -> None:
    """Take a result that nobody reads."""
