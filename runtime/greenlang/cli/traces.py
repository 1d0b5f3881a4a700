"""Shows the trace of a run: a line for each step, and where the time went."""

from __future__ import annotations

from rich.console import Console

from greenlang.cli.console import table
from greenlang.gcel import Trace, seconds_text, timeline

__all__ = ["print_trace"]

#: Steps that are shown; JSON has all of them.
SHOWN = 40

COLUMNS = 48


def print_trace(trace: Trace, console: Console) -> None:
    """Print the timeline: full where a step was at work, light where it waited."""
    steps = trace.steps()
    split = trace.split()
    shares = ", ".join(f"{name} {seconds_text(seconds)}" for name, seconds in split.items())
    made = table(
        f"Timeline of {seconds_text(trace.wall_s)}: {shares}",
        "Step",
        ">Tries",
        ">Working",
        ">Waiting",
        "When",
    )
    for step in steps[:SHOWN]:
        failed = f" ({step.failed:,} failed)" if step.failed else ""
        made.add_row(
            step.path,
            f"{step.tries:,}{failed}",
            seconds_text(step.working_s),
            seconds_text(step.waiting_s) if step.waiting else "–",
            timeline(step, trace.wall_s, COLUMNS),
        )
    console.print(made)
    if len(steps) > SHOWN:
        console.print(f"and {len(steps) - SHOWN:,} more steps; --format json has all of them")
