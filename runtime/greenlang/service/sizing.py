"""How many serving processes fit into what this one may use."""

from __future__ import annotations

__all__ = ["fitting_workers"]

from greenlang.engine import Machine

#: What one process is allowed for.  It rests at 80 MiB with every first-party pack; 238,000 activities in one
#: body of 31 MB, about the largest that is taken by default, took it to 640 MB (Python 3.11, Linux).
_WORKER_BYTES = 768 * 1024**2


def fitting_workers(machine: Machine) -> int:
    """A process for each whole processor, as long as memory lasts; at least one."""
    return max(1, min(machine.whole_processors, machine.memory_bytes // _WORKER_BYTES))
