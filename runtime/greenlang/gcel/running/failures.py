"""What is added to the exception of a step that failed: which step, where it is written, at which item."""

from __future__ import annotations

__all__ = ["add_failure_note", "fold"]

import os
from collections.abc import Mapping, Sequence
from decimal import DivisionByZero, FloatOperation, Inexact
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import greenlang_core
from greenlang.agents.places import Origin, place_of
from greenlang.exact import DIGITS
from greenlang.gcel.running.digests import input_digest
from greenlang_core import scheduler
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from greenlang_core.scheduler import Trail

#: Whose frames say nothing to a reader: which step failed stands in the note.
_OWN_FOLDERS = tuple(
    str(folder)
    for folder in (
        Path(__file__).parents[1],
        Path(greenlang_core.__file__).parent,
        Path(os.__file__).parent / "asyncio",
        "core_ext",
        "greenlang_core",
    )
)


#: What mends an error of decimals, which say nothing but their names.
_HINTS: Mapping[type[ArithmeticError], str] = {
    Inexact: f"more than {DIGITS} digits would be rounded away unseen: say to how many places, "
    "with gl.divide(x, y, places) or gl.round(x, places)",
    FloatOperation: 'a float has lost digits already: write Decimal("0.1"), in quotes',
    DivisionByZero: "give a denominator other than zero",
}


def add_failure_note(
    error: BaseException,
    trail: Trail,
    numbers: Mapping[scheduler.Program, int],
    labels: Sequence[Sequence[str]],
    origins: Sequence[Sequence[Origin]],
    value: Any,
    run: Run | None,
) -> None:
    """Add one note: `in step 'fetch' (map[37] > fetch) at program.gcel:3:9`, a caret, and what is known."""
    fold(error)
    path: list[str] = []
    facts: list[str] = []
    item = ""
    origin: Origin = None
    label = ""
    for entry in trail:
        if isinstance(entry, str):
            facts.append(entry)
        elif isinstance(entry, float):
            facts.append(_seconds(entry))
        elif isinstance(entry, int):
            item = f"[{entry}]"
        elif (number := numbers.get(entry[0])) is not None and entry[1] < len(labels[number]):
            index = entry[1]
            path.append(labels[number][index] + item)
            item = ""
            if not label:
                label, origin = labels[number][index], origins[number][index]
    if not label:
        return
    way = f" ({' > '.join(reversed(path))})" if len(path) > 1 else ""
    place = place_of(origin)
    lines = [f"in step '{label}'{way}" + (f" at {place}" if place.line else "")]
    if picture := place.picture():
        lines.append(picture)
    digest = input_digest(value)
    facts.append(f"input sha256:{digest[:16]}" if digest else f"input of type {type(value).__name__}")
    lines.append(", ".join(facts))
    if isinstance(error, ArithmeticError) and (hint := _HINTS.get(type(error))):
        lines.append(hint)
    if _is_nobodys(error):
        lines.append(
            "nobody cancelled the run: an agent that sets timeouts, has a task group or cancels its task "
            "must say needs_task=True, else it cancels the run's"
        )
    if run is not None and run.abandoned:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(run.abandoned))
        lines.append(f"still running, though cancelled: {names}")
    # Not the method of the error, which may have one of its own.
    BaseException.add_note(error, "\n".join(lines))


def _is_nobodys(error: BaseException) -> bool:
    """Whether a run ends as cancelled, and its task was not, or is not any more."""
    if type(error).__name__ != "CancelledError":
        # Most runs end otherwise, and many without asyncio.
        return False
    import asyncio

    task = asyncio.current_task() if asyncio._get_running_loop() is not None else None
    return isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()


def _seconds(elapsed_s: float) -> str:
    # The start is known to some milliseconds: a clock that tells it better costs more than a step.
    return f"after {elapsed_s:.2f} s" if elapsed_s >= 0.01 else "within 10 ms"


def fold(error: BaseException) -> None:
    """Leave the runtime's own frames out of a traceback; the caller's says where the run was asked for."""
    kept: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None:
        if not _is_own(traceback):
            kept.append(traceback)
        traceback = traceback.tb_next
    folded: TracebackType | None = None
    for frame in reversed(kept):
        folded = TracebackType(folded, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__traceback__ = folded


def _is_own(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(_OWN_FOLDERS)
