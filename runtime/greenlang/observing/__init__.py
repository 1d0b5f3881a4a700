"""What a node tells of itself while it works: metrics, traces and the lines of its log.

`families` lists every metric; `counts` counts them in one process, `slots` lets the processes on one port see
each other's counts, `node` puts both together with what the process uses (`usage`), and `page` writes them
for Prometheus. `traces` sends spans to a collector, by `trace_settings`; `logs` writes lines for people or
machines, out of which `redaction` takes secrets.
"""

from __future__ import annotations

from greenlang.observing.counts import Counts, Snapshot, add_up
from greenlang.observing.families import BUCKETS, FAMILIES, NONE, OTHER, RUNTIME, Family, sample_names
from greenlang.observing.node import Looks, Watched
from greenlang.observing.slots import Slot
from greenlang.observing.trace_settings import TraceSettings, make_tracer
from greenlang.observing.usage import cpu_seconds, memory_bytes

__all__ = [
    "BUCKETS",
    "FAMILIES",
    "NONE",
    "OTHER",
    "RUNTIME",
    "Counts",
    "Family",
    "Looks",
    "Slot",
    "Snapshot",
    "TraceSettings",
    "Watched",
    "add_up",
    "cpu_seconds",
    "make_tracer",
    "memory_bytes",
    "sample_names",
]
