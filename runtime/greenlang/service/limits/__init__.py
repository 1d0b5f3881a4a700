"""How much a tenant may ask: sliding windows, counted in this process or in Redis for all of them.

A key and its allowance go in, whether one more is allowed comes out. `allowance` says what is counted and
which tenant has how much; `in_process` and `in_redis` count, and `gate` puts them before the API.
"""

from __future__ import annotations

from greenlang.service.limits.allowance import Allowance, Limiter, LimitSettings, Taken
from greenlang.service.limits.gate import Gate
from greenlang.service.limits.in_process import InProcessLimiter

__all__ = ["Allowance", "Gate", "InProcessLimiter", "LimitSettings", "Limiter", "Taken"]
