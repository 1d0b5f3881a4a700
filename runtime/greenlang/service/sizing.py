"""How many serving processes fit into what this one may use."""

from __future__ import annotations

__all__ = ["fitting_workers"]

from greenlang.engine import Machine

#: What one process is allowed for: it rests at 80 MiB with every first-party pack, and holds a body of
#: 32 MiB, the most that is taken by default, several times over while it is read and computed.
_WORKER_BYTES = 512 * 1024**2


def fitting_workers(machine: Machine) -> int:
    """A process for each whole processor, as long as memory lasts; at least one."""
    return max(1, min(machine.whole_processors, machine.memory_bytes // _WORKER_BYTES))
