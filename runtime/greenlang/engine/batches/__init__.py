"""Batches: files of any number of rows, computed in partitions that survive whatever is killed.

`making` turns an input and a program into a folder (`folder`, with its `definition`); `running` takes it
to its end: `dispatching` hands partitions to an engine (`engines`, `processes`, or a plugin's), `computing`
turns one into a file (`parts`, with its `sums`), `identities` finds ids that stand in several, and `merging`
puts all together. `tables` gives rows and sums back, and `encoding` writes them in any format; `again`
computes a batch once more, to be looked into and verified, and `verifying` holds what is kept to its record.
"""

from __future__ import annotations

from greenlang.engine.batches.again import BatchesAgain
from greenlang.engine.batches.comparing import CAUSES, Comparison, Difference, compare_batches
from greenlang.engine.batches.computing import Computed, PartitionTask, compute_partition, load_plan
from greenlang.engine.batches.definition import (
    DEFAULT_PARTITION_ROWS,
    ENDED,
    BatchDefinition,
    BatchState,
    State,
    Tally,
)
from greenlang.engine.batches.dispatching import BatchCancelled, PartitionFailed
from greenlang.engine.batches.encoding import encode_tables
from greenlang.engine.batches.engines import BatchEngine, ThreadEngine, WorkerLost, open_engine
from greenlang.engine.batches.folder import Batches, BatchFolder
from greenlang.engine.batches.making import BatchOrder, make_batch
from greenlang.engine.batches.merging import Totals
from greenlang.engine.batches.recalculating import make_recalculation
from greenlang.engine.batches.running import BatchResult, run_batch
from greenlang.engine.batches.sums import Sum
from greenlang.engine.batches.tables import SUM_TABLES, failure_tables, row_tables, sum_table
from greenlang.engine.batches.verifying import batch_findings

__all__ = [
    "CAUSES",
    "DEFAULT_PARTITION_ROWS",
    "ENDED",
    "SUM_TABLES",
    "BatchCancelled",
    "BatchDefinition",
    "BatchEngine",
    "BatchFolder",
    "BatchOrder",
    "BatchResult",
    "BatchState",
    "Batches",
    "BatchesAgain",
    "Comparison",
    "Computed",
    "Difference",
    "PartitionFailed",
    "PartitionTask",
    "State",
    "Sum",
    "Tally",
    "ThreadEngine",
    "Totals",
    "WorkerLost",
    "batch_findings",
    "compare_batches",
    "compute_partition",
    "encode_tables",
    "failure_tables",
    "load_plan",
    "make_batch",
    "make_recalculation",
    "open_engine",
    "row_tables",
    "run_batch",
    "sum_table",
]
