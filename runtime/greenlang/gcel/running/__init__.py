"""Running a plan: what the compiled scheduler is given, and what it gives back.

`executable` turns steps into what the scheduler dispatches: `guards` wrap what a modifier says (`caching`
among them), `blocking` puts an agent on a thread, `decimal_context` makes its arithmetic exact. `prepared`
holds that beside what people call the steps, and `runner` runs it: with `runs` in event loops and for each of
many inputs, on one of the `clocks`; `streams` runs it for who wants to know what each step gives. `following`
says where in the plan a run is, `traces` where its time went, `options` what can be asked of one. `resuming`
puts a ledger before the steps, which keeps `values` by their `digests`. `failures` points at what went wrong;
`reports` says what came to pass.

`runs`, `streams` and `clocks` are imported by name, because asyncio is loaded only by a plan that needs it.
"""

from greenlang.gcel.running.blocking import cancelled, time_left
from greenlang.gcel.running.failures import fold
from greenlang.gcel.running.following import Follower, StepResult
from greenlang.gcel.running.guards import BUGS
from greenlang.gcel.running.options import RunOptions, StreamOptions, run_of
from greenlang.gcel.running.reports import Catching, Caught, Happening, Report
from greenlang.gcel.running.resuming import LedgerStep, StepLedger, resumable
from greenlang.gcel.running.runner import Runner
from greenlang.gcel.running.traces import StepTimes, Trace
from greenlang.gcel.running.values import UnstorableError, read_value, write_value

__all__ = [
    "BUGS",
    "Catching",
    "Caught",
    "Follower",
    "Happening",
    "LedgerStep",
    "Report",
    "RunOptions",
    "Runner",
    "StepLedger",
    "StepResult",
    "StepTimes",
    "StreamOptions",
    "Trace",
    "UnstorableError",
    "cancelled",
    "fold",
    "read_value",
    "resumable",
    "run_of",
    "time_left",
    "write_value",
]
