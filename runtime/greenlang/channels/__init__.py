"""How the processes of a deployment reach one another.

`broadcasts` says what a broadcast promises: what is published on a channel is heard by whoever listens to it
at that moment. `in_process` does so within one process and `in_redis` between all that share a Redis;
`connection` is what a process has of that Redis, for these and for everything else that is shared there.
"""

from __future__ import annotations

from greenlang.channels.broadcasts import Broadcast, Heard
from greenlang.channels.in_process import InProcessBroadcast

__all__ = ["Broadcast", "Heard", "InProcessBroadcast"]
