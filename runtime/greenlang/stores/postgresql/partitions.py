"""Partitions of calculations, one a month: those of this month and the next are made ahead."""

from __future__ import annotations

__all__ = ["keep_partitions"]

import contextlib
import time
from datetime import UTC, datetime
from itertools import pairwise

import asyncpg

from greenlang.stores.postgresql.database import SCHEMA_LOCK, Connection

_SECOND = 1_000_000


async def keep_partitions(connection: Connection) -> None:
    """Make the partitions of this month and the next, if they are not there."""
    month = datetime.fromtimestamp(time.time(), UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        for start, end in pairwise((month, _next(month), _next(_next(month)))):
            name = f"calculations_of_{start:%Y_%m}"
            if await connection.fetchval("SELECT to_regclass($1)", name) is None:
                # Names and bounds are made of a date, and DDL takes no parameters.
                partition = (
                    f"CREATE TABLE {name} PARTITION OF calculations"
                    f" FOR VALUES FROM ({_microseconds(start)}) TO ({_microseconds(end)})"
                )
                # What a node wrote whose clock was ahead lies where months without a partition do, and this
                # month's go on doing so.
                with contextlib.suppress(asyncpg.CheckViolationError):
                    async with connection.transaction():
                        await connection.execute(partition)


def _next(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _SECOND
