"""Signals to workers that an execution waits: the store has it, and a queue only says so at once.

A signal goes in when an execution was committed, and comes out at one worker, which then claims from the
store whatever is first there. A signal that is lost costs a moment, for workers look at the store by
themselves too. `protocol` says what a queue promises and `turns` which priority goes when; `in_process`
serves one process, and `in_redis` every process that shares a Redis, by the scripts in `scripts`.
"""

from __future__ import annotations

from greenlang.queues.in_process import InProcessQueue
from greenlang.queues.protocol import PRIORITIES, Queue, Signal, Taken

__all__ = ["PRIORITIES", "InProcessQueue", "Queue", "Signal", "Taken"]
