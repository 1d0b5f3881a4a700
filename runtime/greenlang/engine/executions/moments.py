"""Times, as stores, records and answers tell them."""

from __future__ import annotations

__all__ = ["now", "time_text", "timestamp_text"]

import time
from datetime import UTC, datetime
from functools import lru_cache


def now() -> int:
    """The time, as stores and events tell it: microseconds since 1970 in UTC."""
    return time.time_ns() // 1000


def timestamp_text(at: int) -> str:
    """ISO 8601 in UTC as canonical JSON has it: without a fraction where there is none."""
    second, microsecond = divmod(at, 1_000_000)
    return f"{_second_text(second)}.{microsecond:06}Z" if microsecond else f"{_second_text(second)}Z"


def time_text(at: int) -> str:
    """ISO 8601 in UTC, always to the microsecond."""
    second, microsecond = divmod(at, 1_000_000)
    return f"{_second_text(second)}.{microsecond:06}Z"


# Most moments that are told lie within the last second or two.
@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()
