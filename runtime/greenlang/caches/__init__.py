"""What is read again and again, kept near: in this process, and in Redis for all of them.

A kind, a tenant and a name go in, with how it is loaded; bytes come out. `protocol` says what a cache
promises, `shelf` is what one process keeps and `flights` has many who ask at once wait for one load;
`in_process` puts them together. `in_redis` puts Redis (`redis_shelf`) behind them, and drops everywhere what
was changed anywhere.
"""

from __future__ import annotations

from greenlang.caches.in_process import InProcessCache
from greenlang.caches.protocol import Cache, Kind, Load

__all__ = ["Cache", "InProcessCache", "Kind", "Load"]
