"""What of the machine this process may use: its control group may allot it less than there is."""

from __future__ import annotations

__all__ = ["Machine", "read_machine"]

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Processors and memory for this process and its children."""

    #: 1.5 is one and half of another's time.
    processors: float
    memory_bytes: int

    @property
    def whole_processors(self) -> int:
        """The processors that are there all the time; at least one."""
        return max(1, int(self.processors))


def read_machine(root: Path = Path("/")) -> Machine:
    """What this process may use: the least of what the machine, its affinity and its control groups allow.

    Control groups are those of version 2 (`cpu.max`, `memory.max`); where there are none, nothing limits.

    Parameters
    ----------
    root : Path
        Where `proc` and `sys` are.
    """
    processors = float(_affinity())
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for folder in _control_groups(root):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdigit():
            processors = min(processors, int(quota) / int(period or 100_000))
        limit = _read(folder / "memory.max")
        if limit.isdigit():
            memory_bytes = min(memory_bytes, int(limit))
    return Machine(processors, memory_bytes)


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _control_groups(root: Path) -> list[Path]:
    """The folders of this process's group and of all around it: each of them may limit."""
    top = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        if line.startswith("0::/"):  # version 2; a container sees its own group as the top
            own = top / line.removeprefix("0::/")
            return [folder for folder in (own, *own.parents) if folder.is_relative_to(top)]
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:  # the top group has no limits, and other systems no groups
        return ""
