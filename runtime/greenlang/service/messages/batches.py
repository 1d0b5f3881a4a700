"""What `/v1/batches` is sent and answers, as types."""

from __future__ import annotations

__all__ = [
    "BatchData",
    "BatchDifference",
    "BatchList",
    "BatchListQuery",
    "BatchProgress",
    "BatchRequest",
    "BatchTotals",
    "BatchTotalsQuery",
    "BatchUploadQuery",
    "DifferenceData",
    "DifferenceQuery",
    "FailureQuery",
    "RecalculationRequest",
    "ResultQuery",
    "SumData",
]

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from greenlang.service.messages.calculations import CalculationQuery, FactorText
from greenlang.service.messages.executions import Program

PartitionRows = Annotated[
    int,
    msgspec.Meta(
        ge=1024, le=1_048_576, multiple_of=1024, description="Rows computed together: a multiple of 1,024."
    ),
]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Format = Literal["csv", "jsonl", "parquet", "arrow"]


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file on the server to be computed, in a folder that its operator allows."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    #: What lists call it; the file's name if it is left out.
    name: Name = ""
    #: From activity data to an inventory; the inventory by every installed pack if it is left out.
    program: Program | None = None
    #: `gwp_set`, `vintage`, `straddle`, `as_at`, `editions`, `forbidden_fallbacks`, `on_error`.
    policy: dict[str, Any] = {}
    factors: list[FactorText] = []
    partition_rows: PartitionRows | None = None


class RecalculationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other choices for the input of a batch; what is left out is as usual, and not as it was."""

    #: `gwp_set`, `vintage`, `straddle`, `as_at`, `editions`, `forbidden_fallbacks`, `on_error`.
    policy: dict[str, Any] = {}
    #: Instead of the caller's own factors of the earlier batch; these stay if it is left out.
    factors: list[FactorText] | None = None


class DifferenceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"before": "from"}):
    """Which batch to compare with."""

    #: The earlier batch.
    before: str


class DifferenceData(msgspec.Struct, frozen=True):
    """How one scope and method differ; `before` and all causes come to `after`."""

    #: `scope2-market-based.co2e`.
    series: str
    #: In kg CO2e.
    before: Decimal
    after: Decimal
    #: By `activity`, `factors`, `gwp`, `added` and `removed` rows.
    causes: dict[str, Decimal]
    rows: dict[str, int]


class BatchDifference(msgspec.Struct, frozen=True):
    """By what two batches differ."""

    before: str
    after: str
    differences: list[DifferenceData]


class BatchUploadQuery(CalculationQuery, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a file that is sent is to be computed."""

    #: The file's name.
    name: Name = ""
    partition_rows: PartitionRows | None = None


class BatchData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A batch as it stands."""

    batch_id: str
    name: str
    state: Literal["queued", "running", "interrupted", "completed", "failed", "cancelled"]
    created_at: str
    rows: int
    rows_done: int
    failed_rows: int
    partitions: int
    partitions_done: int
    retries: int = 0
    started_at: str | None = None
    finished_at: str | None = None
    rows_per_second: float | None = None
    seconds_left: float | None = None
    result_hash: str | None = None
    #: The record of the ledger, from when it is committed.
    calculation_id: str | None = None
    #: What ended it, or why a partition is tried again; and what would mend that.
    error: str | None = None
    hint: str | None = None
    #: The batch that it computes again.
    base: str | None = None


class BatchList(msgspec.Struct, frozen=True):
    """One page of batches, newest first."""

    batches: list[BatchData]
    #: Give it as `cursor` for the next page; null on the last.
    next_cursor: str | None


class BatchListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which batches to list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str | None = None


class BatchProgress(msgspec.Struct, frozen=True):
    """An event of a batch: its `event` is the state, its `id` a number that only grows."""

    state: str
    rows: int
    rows_done: int
    failed_rows: int
    partitions: int
    partitions_done: int
    retries: int
    rows_per_second: float | None
    seconds_left: float | None
    error: str | None


class BatchTotalsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to sum a batch by."""

    by: Literal["totals", "activity", "site", "period", "region"] = "totals"


class SumData(msgspec.Struct, frozen=True):
    """Emissions of the rows of one key."""

    scope: int
    method: str
    #: Empty for totals.
    category: str
    #: The activity, site, period or region; empty for totals.
    key: str
    rows: int
    mass_kg: dict[str, Decimal]
    biogenic_co2_kg: Decimal | None
    co2e_kg: Decimal
    #: What of it comes from factors that were published as CO2e, and is in no mass of a gas.
    co2e_as_published_kg: Decimal | None


class BatchTotals(msgspec.Struct, frozen=True):
    """Sums of a batch; the two methods of scope 2 are never added."""

    batch_id: str
    by: str
    rows: int
    computed: int
    failed: int
    sums: list[SumData]
    #: Dimensions with too many keys to be summed by.
    without: list[str]


class ResultQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which table of a batch, in which format; a format goes before what `Accept` asks for."""

    table: Literal["rows", "totals", "activity", "site", "period", "region"] = "rows"
    format: Format | None = None
    #: At most so many rows.
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


class FailureQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which format; it goes before what `Accept` asks for."""

    format: Format | None = None
    #: At most so many rows.
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
