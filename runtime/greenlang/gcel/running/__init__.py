"""Running a plan: what the compiled scheduler is given, and what it gives back.

`executable` turns steps into what the scheduler dispatches: `guards` wrap what a modifier says (`caching`
among them), `blocking` puts an agent on a thread, `decimal_context` makes its arithmetic exact. `runs` runs
it, once or for each of many inputs, on one of the `clocks`. `failures` points at what went wrong, with
`digests` of the input; `reports` says what came to pass.

`runs` and `clocks` are imported by name, because asyncio is loaded only by a plan that needs it.
"""

from greenlang.gcel.running.blocking import cancelled, current_run, time_left
from greenlang.gcel.running.executable import build_executable
from greenlang.gcel.running.failures import add_failure_note, fold
from greenlang.gcel.running.guards import BUGS
from greenlang.gcel.running.reports import Happening, Report

__all__ = [
    "BUGS",
    "Happening",
    "Report",
    "add_failure_note",
    "build_executable",
    "cancelled",
    "current_run",
    "fold",
    "time_left",
]
