"""What is added to the exception of a step that failed: which step, where it is written, at which item."""

from __future__ import annotations

__all__ = ["add_failure_note"]

from collections.abc import Mapping, Sequence

from greenlang.agents.places import Origin, place_of
from greenlang_core import scheduler

#: The way to the step, from the inside out, as the scheduler leaves it: a program and the number of its step,
#: and between them the number of the item that a map was at.
Trail = list[tuple[scheduler.Program, int] | int]


def add_failure_note(
    error: BaseException,
    trail: Trail,
    numbers: Mapping[scheduler.Program, int],
    labels: Sequence[Sequence[str]],
    origins: Sequence[Sequence[Origin]],
) -> None:
    """Add one note: `in step 'fetch' (map[37] > fetch) at program.gcel:3:9`, the line and a caret."""
    path: list[str] = []
    item = ""
    origin: Origin = None
    label = ""
    for entry in trail:
        if isinstance(entry, int):
            item = f"[{entry}]"
            continue
        program, index = entry
        if numbers.get(program) is None or index >= len(labels[numbers[program]]):
            continue
        number = numbers[program]
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
    error.add_note("\n".join(lines))
