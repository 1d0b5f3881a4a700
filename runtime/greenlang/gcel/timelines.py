"""A trace as text: where the time of a run went, and when which step was at work."""

from __future__ import annotations

__all__ = ["explain_trace", "seconds_text", "timeline"]

from collections.abc import Iterable, Iterator
from math import ceil

from greenlang.gcel.running import StepTimes, Trace
from greenlang.gcel.running.traces import Interval

#: Steps that are told one by one; a plan may have a hundred thousand.
SHOWN_STEPS = 40

_WORKING, _WAITING = "█", "░"


def explain_trace(trace: Trace) -> str:
    """The wall time by whose it is, and what each step took of it, the longest first."""
    wall_s = trace.wall_s
    lines = [f"the run took {seconds_text(wall_s)}"]
    for name, seconds in trace.split().items():
        share = seconds / wall_s if wall_s else 0.0
        lines.append(f"  {name:<8}  {seconds_text(seconds):>9}  {share:6.1%}")
    steps = sorted(trace.steps(), key=lambda step: -(step.working_s + step.waiting_s))
    if steps:
        width = min(60, max(len(step.path) for step in steps[:SHOWN_STEPS]))
        lines.append(f"\n  {'step':<{width}}  {'tries':>9}  {'failed':>6}  {'working':>9}  {'waiting':>9}")
    lines += [
        f"  {step.path:<{width}}  {step.tries:>9,}  {step.failed or '':>6}  "
        f"{seconds_text(step.working_s):>9}  {seconds_text(step.waiting_s):>9}"
        for step in steps[:SHOWN_STEPS]
    ]
    if len(steps) > SHOWN_STEPS:
        lines.append(f"  and {len(steps) - SHOWN_STEPS:,} steps that took less")
    return "\n".join(lines)


def timeline(step: StepTimes, wall_s: float, columns: int) -> str:
    """The whole run in so many characters: full where the step was at work, light where it waited."""
    cells = [" "] * columns
    for sign, intervals in ((_WAITING, step.waiting), (_WORKING, step.working)):
        for column in _covered(intervals, wall_s, columns):
            cells[column] = sign
    return "".join(cells)


def _covered(intervals: Iterable[Interval], wall_s: float, columns: int) -> Iterator[int]:
    if wall_s <= 0:
        return
    for start, end in intervals:
        # However short, it shows.
        first = min(columns - 1, int(start / wall_s * columns))
        yield from range(first, max(first + 1, min(columns, ceil(end / wall_s * columns))))


def seconds_text(seconds: float) -> str:
    """A time for people, to three digits: `1.23 s`, `45.6 ms`, `7.89 us`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            digits = 2 if seconds < 10 * size else 1 if seconds < 100 * size else 0
            return f"{seconds / size:,.{digits}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"
