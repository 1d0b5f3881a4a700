"""What a process uses of its machine."""

from __future__ import annotations

__all__ = ["cpu_seconds", "memory_bytes"]

import os
import resource
import sys
import time
from pathlib import Path


def cpu_seconds() -> float:
    """CPU time of this process so far, in all of its threads."""
    return time.process_time()


def memory_bytes() -> int:
    """Resident memory of this process; where the system does not tell it, the most that it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
