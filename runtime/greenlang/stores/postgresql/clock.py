"""The clock that leases go by: the server's, so that nodes may differ in theirs."""

from __future__ import annotations

__all__ = ["on_server_clock"]

import time

from greenlang.stores.postgresql.database import Connection


async def on_server_clock(connection: Connection, now: int) -> int:
    """What `now` of this node is on the server's clock, in microseconds.

    The difference of the clocks is added to it, so that whoever gives another time than the present, as tests
    do, moves through time all the same.  It is nothing where the server's answer lies between question and
    answer, however long these take.
    """
    asked = time.time_ns() // 1000
    its: int = await connection.fetchval(
        "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    )
    answered = time.time_ns() // 1000
    return now + its - min(max(its, asked), answered)
