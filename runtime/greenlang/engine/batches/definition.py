"""What a batch is: its input, program and choices, as they are kept for whoever goes on with it."""

from __future__ import annotations

__all__ = [
    "DEFAULT_PARTITION_ROWS",
    "BatchDefinition",
    "BatchState",
    "KeptFile",
    "Partition",
    "State",
    "Tally",
    "partitions_of",
]

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from greenlang.carbon import AccountingPolicy
from greenlang.errors import InputError
from greenlang.ledger import ROWS_PER_RANGE

#: Rows of a partition where nobody says otherwise; docs/batches.md tells what was measured.
DEFAULT_PARTITION_ROWS = 128 * ROWS_PER_RANGE

#: A worker has a partition in memory, a few hundred megabytes of this many rows; no time is won by more.
MOST_PARTITION_ROWS = 8 * DEFAULT_PARTITION_ROWS


class KeptFile(msgspec.Struct, frozen=True):
    """A file of factors of the user's own."""

    name: str
    text: str


class BatchDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides on a batch's result, and how it is worked through."""

    batch_id: str
    tenant: str
    name: str  #: of the input, for messages
    #: Where the rows are read: absolute, or relative to the batch's own folder.
    input_path: str
    input_format: str  #: `parquet` or `arrow`
    #: Size in bytes and time of the last change in nanoseconds: a file that was changed is another.
    input_mark: tuple[int, int]
    columns: tuple[str, ...]
    rows: int
    policy: AccountingPolicy
    factor_files: tuple[KeptFile, ...] = ()
    #: Whether the program is the inventory by every installed pack.
    standard: bool
    partition_rows: int = DEFAULT_PARTITION_ROWS
    starts: tuple[int, ...]  #: first row of each partition
    tries: Annotated[int, msgspec.Meta(ge=1)] = 3
    timeout_s: float = 1800.0
    created_at: int  #: microseconds since 1970, UTC
    #: The batch that it computes again, of which it keeps what has not changed.
    base: str | None = None


class State(StrEnum):
    """Where a batch stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Told of a batch that was running when its process was killed: it waits to be resumed.
    INTERRUPTED = "interrupted"


#: States that a batch does not leave unless it is resumed.
ENDED = frozenset((State.COMPLETED, State.FAILED, State.CANCELLED))


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a batch has come."""

    rows: int = 0  #: of the whole input
    rows_done: int = 0
    partitions: int = 0
    partitions_done: int = 0
    failed_rows: int = 0  #: rows that were not computed, so far
    retries: int = 0
    rows_per_second: float | None = None
    seconds_left: float | None = None


class BatchState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A batch as it stands; replaced as a whole, with a `sequence` that only grows."""

    state: State = State.QUEUED
    sequence: int = 0
    tally: Tally = Tally()
    started_at: int | None = None
    #: How many processes have worked on it.
    starts: int = 0
    finished_at: int | None = None
    #: What ended it before its end, and what would mend that.
    error: str = ""
    fix: str = ""
    result_hash: str = ""
    calculation_id: str = ""
    #: What partitions spent that nobody has taken account of yet.
    cpu_microseconds: int = 0
    tokens: int = 0


class Partition(msgspec.Struct, frozen=True, array_like=True):
    """Rows that are computed together: whole ranges of the ledger, but for the last."""

    index: int
    first: int
    count: int


def partitions_of(starts: Sequence[int], rows: int) -> list[Partition]:
    """The partitions that begin at these rows."""
    ends = [*starts[1:], rows]
    return [
        Partition(index, first, end - first)
        for index, (first, end) in enumerate(zip(starts, ends, strict=True))
    ]


def partition_starts(rows: int, partition_rows: int | None, groups: Sequence[int]) -> tuple[int, ...]:
    """Where partitions begin.

    Parameters
    ----------
    partition_rows : int, optional
        Rows of each; where it is left out, the groups of rows that the file is kept in are partitions, if
        they are whole ranges of the ledger and neither small nor large.
    groups : sequence of int
        First rows of these groups.

    Raises
    ------
    InputError
        If `partition_rows` is no multiple of the ledger's ranges, or too large for a worker.
    """
    if partition_rows is None:
        grouped = _grouped(rows, groups)
        if grouped is not None:
            return grouped
        partition_rows = DEFAULT_PARTITION_ROWS
    if partition_rows < ROWS_PER_RANGE or partition_rows % ROWS_PER_RANGE:
        nearest = min(max(1, round(partition_rows / ROWS_PER_RANGE)) * ROWS_PER_RANGE, MOST_PARTITION_ROWS)
        raise InputError(
            f"a partition of {partition_rows:,} rows is not made of whole ranges of {ROWS_PER_RANGE:,}",
            fix=f"take {nearest}",
        )
    if partition_rows > MOST_PARTITION_ROWS:
        raise InputError(
            f"a partition of {partition_rows:,} rows is more than a worker has in memory at once",
            fix=f"take {MOST_PARTITION_ROWS}, or less",
        )
    return tuple(range(0, rows, partition_rows))


def _grouped(rows: int, groups: Sequence[int]) -> tuple[int, ...] | None:
    """The groups themselves, several small ones joined; None where they do not suit."""
    starts = sorted(set(groups))
    ends = [*starts[1:], rows]
    if any(start % ROWS_PER_RANGE for start in starts):
        return None
    if max(end - start for start, end in zip(starts, ends, strict=True)) > 2 * DEFAULT_PARTITION_ROWS:
        return None
    joined = [0]
    while (end := starts[bisect_right(starts, joined[-1] + DEFAULT_PARTITION_ROWS) - 1]) > joined[-1]:
        joined.append(end)
    while (after := bisect_right(starts, joined[-1])) < len(starts):
        joined.append(starts[after])
    return tuple(joined)
