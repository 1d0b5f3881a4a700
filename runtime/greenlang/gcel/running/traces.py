"""Traces: what a run did and when, and where its time went."""

from __future__ import annotations

__all__ = ["StepTimes", "Trace"]

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from greenlang.errors import InputError
from greenlang.gcel.steps import AgentStep, BuiltinStep, MapStep
from greenlang_core.recording import Recorder

if TYPE_CHECKING:
    from greenlang.gcel.running.prepared import Prepared
    from greenlang.gcel.running.runs import Clock

#: From when to when, in seconds since the run was asked for.
Interval = tuple[float, float]


@dataclass(slots=True)
class StepTimes:
    """One step over all of its runs: those of a map over all of its items."""

    #: The way to it, without items: `map > acme.fetch`.
    path: str
    #: How often it was tried, and how many tries failed.
    tries: int = 0
    failed: int = 0
    #: When it was itself at work, and when it waited; of several items those intervals overlap.
    working: list[Interval] = field(default_factory=list)
    waiting: list[Interval] = field(default_factory=list)

    @property
    def working_s(self) -> float:
        """Seconds at work, all tries together."""
        return sum(end - start for start, end in self.working)

    @property
    def waiting_s(self) -> float:
        """Seconds spent waiting, all tries together, so it may be more than the run took."""
        return sum(end - start for start, end in self.waiting)


class Trace:
    """Give one to `Plan.run` to be told where its time went: `plan.run(value, trace=trace)`.

    Every instant of a run belongs to one of three: a step is at work, all that there is to do waits, or
    neither, and then the time is the engine's own. A blocking agent works on its thread while the run waits.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._prepared: Prepared | None = None
        self._clock: Clock | None = None
        self._started_ns = 0
        self._ended_ns = 0

    def begin(self, prepared: Prepared, clock: Clock | None) -> Recorder:
        """Start the time; gives what the run is to record into."""
        self._prepared, self._clock = prepared, clock
        self._recorder = Recorder(clock=clock)
        self._started_ns = self._ended_ns = self._now_ns()
        return self._recorder

    def end(self) -> None:
        """Stop the time."""
        self._ended_ns = self._now_ns()

    @property
    def wall_s(self) -> float:
        """Seconds from when the run was asked for to when it gave its result or its error."""
        return (self._ended_ns - self._started_ns) / 1e9

    def split(self) -> dict[str, float]:
        """Seconds of the wall time by whose they are: `steps`, `waiting`, `engine`; they add up to it."""
        return {"steps": self._sum("step"), "waiting": self._sum(""), "engine": self._sum("engine")}

    def steps(self) -> list[StepTimes]:
        """What each step took, in the order in which they began."""
        paths, _, times = self._paths()
        for owner, start, end in self._owned():
            if owner >= 0:
                times[paths[owner]].working.append((start, end))
        spans = self._recorded().spans
        suspended: dict[int, float] = {}
        for ns, span, moment in self._recorded().events:
            if spans[span][1] < 0:
                # An item waits where its steps do.
                continue
            step = times[paths[span]]
            if moment == "suspend":
                suspended[span] = self._since(ns)
            elif span in suspended:
                step.waiting.append((suspended.pop(span), self._since(ns)))
            step.failed += moment == "fail" and spans[span][4] > 0
        return [step for path, step in times.items() if path]

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "wall_s": self.wall_s,
            **{f"{name}_s": seconds for name, seconds in self.split().items()},
            "steps": [
                {
                    "path": step.path,
                    "tries": step.tries,
                    "failed": step.failed,
                    "working_s": step.working_s,
                    "waiting_s": step.waiting_s,
                }
                for step in self.steps()
            ],
            "spans": list(self._spans()),
        }

    def _spans(self) -> Iterator[dict[str, Any]]:
        """Each try of each step, and each item of each map, with when it began and ended."""
        paths, items, _ = self._paths()
        recorder = self._recorded()
        bounds: dict[int, list[float]] = {}
        failed = set()
        for ns, span, moment in recorder.events:
            bounds.setdefault(span, [self._since(ns)])[1:] = [self._since(ns)]
            if moment == "fail":
                failed.add(span)
        for number, (_, step, item, parent, attempt) in enumerate(recorder.spans):
            yield {
                "path": paths[number],
                "items": list(items[number]),
                "kind": "step" if step >= 0 else "item" if item >= 0 else "plan",
                "attempt": attempt,
                "parent": parent,
                "start_s": bounds[number][0],
                "end_s": bounds[number][-1],
                "failed": number in failed,
            }

    def _paths(self) -> tuple[list[str], list[tuple[int, ...]], dict[str, StepTimes]]:
        """Beside each span the way to it and the items on it; and for each way the times, yet empty."""
        prepared, recorder = self._ready(), self._recorded()
        spans = recorder.spans
        paths: list[str] = []
        items: list[tuple[int, ...]] = []
        times: dict[str, StepTimes] = {}
        for program, step, item, parent, attempt in spans:
            path = paths[parent] if parent >= 0 else ""
            way = items[parent] if parent >= 0 else ()
            # A try is a part of what covers the same step.
            covered = parent >= 0 and spans[parent][:2] == (program, step) and spans[parent][4] == 0
            if step >= 0 and not covered:
                label = prepared.labels[prepared.numbers[program]][step]
                path = f"{path} > {label}" if path else label
            paths.append(path)
            items.append((*way, item) if item >= 0 else way)
            times.setdefault(path, StepTimes(path)).tries += step >= 0 and attempt > 0
        return paths, items, times

    def _sum(self, kind: str) -> float:
        """Seconds of one kind of owner."""
        kinds = self._kinds()
        return sum(
            end - start
            for owner, start, end in self._owned()
            if (kinds[owner] if owner >= 0 else "engine" if owner == _ENGINE else "") == kind
        )

    def _kinds(self) -> list[str]:
        """Beside each span whose its own time is: a step's, or the engine's."""
        prepared, recorder = self._ready(), self._recorded()
        programs = prepared.wiring.programs
        kinds = []
        for program, step, _, _, attempt in recorder.spans:
            found = programs[prepared.numbers[program]].steps[step] if step >= 0 else None
            is_call = isinstance(found, AgentStep | BuiltinStep) and attempt > 0
            # By columns the agents of a map are called by what covers it.
            is_columnar = isinstance(found, MapStep) and found.columnar
            kinds.append("step" if is_call or is_columnar else "engine")
        return kinds

    def _owned(self) -> Iterator[tuple[int, float, float]]:
        """The run's time in pieces, each with its owner: a span, `_WAITING`, or `_ENGINE` outside of all."""
        before_s, owner = 0.0, _ENGINE
        at_work: list[int] = []
        for ns, span, moment in self._recorded().events:
            now_s = self._since(ns)
            if now_s > before_s:
                yield owner, before_s, now_s
            before_s = now_s
            if moment in {"start", "resume"}:
                at_work.append(span)
            elif span in at_work:
                at_work.remove(span)
            owner = at_work[-1] if at_work else _WAITING
        # After the last moment only the engine is left.
        if self.wall_s > before_s:
            yield _ENGINE, before_s, self.wall_s

    def _since(self, ns: int) -> float:
        return (ns - self._started_ns) / 1e9

    def _now_ns(self) -> int:
        if self._clock is not None:
            return round(self._clock.now() * 1e9)
        # The recorder's own clock: `perf_counter` is another one on some systems.
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def _recorded(self) -> Recorder:
        if self._recorder is None:
            raise InputError("the trace is of no run yet", fix="write plan.run(value, trace=trace) first")
        return self._recorder

    def _ready(self) -> Prepared:
        self._recorded()
        assert self._prepared is not None  # noqa: S101  set with the recorder
        return self._prepared


_ENGINE = -1
_WAITING = -2
