"""Computes one partition: rows of the input in, a file with their figures, sums and hashes out.

A row's result depends on the row alone, and leaves are those of the ledger's fixed ranges, so that any
cutting gives the same.  Selections are named by what they say and not by where they stand in a list, and a
range's schema has the series that its own rows have figures for: neither depends on other partitions.
"""

from __future__ import annotations

__all__ = [
    "SELECTION_LABELS",
    "Computed",
    "PartitionTask",
    "compute_partition",
    "forget_batches",
    "leaves_of",
    "load_plan",
    "open_input",
]

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.agents import Registry, Resource, default_registry
from greenlang.agents.spending import Spent, spending
from greenlang.carbon import (
    Inventory,
    InventoryInput,
    KnownKinds,
    RowSource,
    Series,
    Table,
    factor_roles,
    formulas_used,
    numbered_rows,
    open_rows,
    read_activity_data,
    roundings,
    row_selections,
    selection_table,
    series_of,
)
from greenlang.engine.batches.definition import BatchDefinition, Partition
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.identities import Repeated, hash_identities
from greenlang.engine.batches.parts import (
    Blobs,
    KeptSeries,
    PartHeading,
    RefusedRow,
    selection_id,
    write_part,
)
from greenlang.engine.batches.recalculating import kinds_of
from greenlang.engine.batches.sums import sums_of
from greenlang.engine.evidence import caught_fallbacks, inventory_of
from greenlang.errors import InputError
from greenlang.gcel import Catching, Plan
from greenlang.ledger import (
    ROWS_PER_RANGE,
    CodedLabels,
    ItemTree,
    RowSchema,
    RowTree,
    SparseSeries,
    table_header,
)
from greenlang.ledger.canonical import encode_plain

#: Labels of every row of a batch: its id, and the content ids of its selections.
SELECTION_LABELS = ("id", "selections")

#: Batches that a process keeps open.
_OPEN = 4


class PartitionTask(msgspec.Struct, frozen=True, array_like=True):
    """What a worker is told: where the batch is and which rows are meant; the rows themselves stay there."""

    folder: str
    partition: Partition
    #: Rows, counted from the partition's first, that have an id of an earlier row, and that row's number.
    repeated: tuple[tuple[int, int], ...] = ()


class Computed(NamedTuple):
    """What came of a partition."""

    failed: int  #: rows that were not computed
    cpu_microseconds: int
    tokens: int


def compute_partition(task: PartitionTask) -> Computed:
    """Compute a partition and keep it in the batch's folder.

    Raises
    ------
    InputError
        For what no second try mends: a column that is missing, an agent that is no more installed.
    """
    spent = Spent()
    try:
        with spending(spent):
            failed = _compute(task)
    except InputError as error:
        # Some kinds of it do not go from one process to another.
        raise InputError(error.message, fix=error.fix, place=error.place) from error
    return Computed(failed, spent.cpu_microseconds, spent.tokens)


def _compute(task: PartitionTask) -> int:
    batch = _open_batch(task.folder)
    partition = task.partition
    table = batch.source.read(partition.first, partition.count)
    numbered = replace(numbered_rows(table, partition.first), repeated=dict(task.repeated))
    with Catching() as caught:
        inventory = batch.inventory(numbered)
    heading, blobs = _evidence(inventory, table, partition)
    instead = tuple(map(encode_plain, caught_fallbacks(caught)))
    heading = msgspec.structs.replace(heading, repeated=len(task.repeated), caught=instead)
    if not _comes_late(batch.folder, task):
        write_part(batch.folder.part_path(partition.index), heading, blobs)
    return partition.count - heading.computed


def _comes_late(folder: BatchFolder, task: PartitionTask) -> bool:
    """Whether a worker that was given up, or whose batch was killed, has rows that are refused by now."""
    return not task.repeated and task.partition.index in (folder.load("repeated.json", Repeated) or {})


class _OpenBatch:
    """A batch as a worker has it: its plan compiled, its input open, the factors that were chosen."""

    def __init__(self, path: str) -> None:
        self.folder = BatchFolder(Path(path))
        self.definition = self.folder.definition()
        self.plan = load_plan(self.folder, default_registry())
        self.source = open_input(self.folder, self.definition)
        self._files = tuple(Resource.of(file.name, file.text) for file in self.definition.factor_files)
        #: Only of the standard program it is known what it does with a row that is like one before.
        self._known = KnownKinds() if self.definition.standard and not self._files else None
        self._learning = threading.Lock()

    def inventory(self, table: Table) -> Inventory:
        """The emissions of some rows of the input."""
        given = InventoryInput(table, self.definition.policy, self._files)
        if self._known is not None:
            known = self._known.inventory(read_activity_data(given))
            if known is not None:
                return known
        value = self.plan.run(given, tenant=self.definition.tenant)
        inventory = inventory_of(value)
        if inventory is None or len(inventory.data) != len(table):
            raise InputError(
                "the program of a batch gives an inventory with one row for each row of its input",
                fix="begin it with ghg.intake and end it with ghg.inventory, or use `greenlang run`",
            )
        for part in inventory.parts:
            if len(part.rows) and not part.row_by_row:
                raise InputError(
                    f"{part.agent} does not promise to compute each row by itself, so parts of a file may"
                    " give other results than the whole",
                    fix="use `greenlang run`, or have the agent pass row_by_row=True if that is true of it",
                )
        if self._known is not None:
            with self._learning:
                self._known.learn(inventory)
        return inventory


def load_plan(folder: BatchFolder, registry: Registry) -> Plan:
    """The program of a batch.

    Raises
    ------
    InputError
        If an agent is not what it was when the batch began: what two versions made does not belong together.
    """
    return Plan.from_json(folder.path.joinpath("plan.json").read_bytes(), registry=registry)


def open_input(folder: BatchFolder, definition: BatchDefinition) -> RowSource:
    """The rows of a batch.

    Raises
    ------
    InputError
        If the file is not there any more, or was changed.
    """
    path = folder.input_path(definition)
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(
            f"the input '{path}' cannot be read: {error.strerror}", fix="put it back, and resume the batch"
        ) from error
    if (found.st_size, found.st_mtime_ns) != definition.input_mark:
        raise InputError(
            f"the input '{path}' was changed since the batch began", fix="begin a new batch over it"
        )
    return open_rows(path, definition.input_format, name=definition.name)


@lru_cache(_OPEN)
def _cached_batch(path: str) -> _OpenBatch:
    return _OpenBatch(path)


_opening = threading.Lock()


def _open_batch(path: str) -> _OpenBatch:
    with _opening:
        return _cached_batch(path)


def forget_batches() -> None:
    """Close what is kept open of batches."""
    _cached_batch.cache_clear()


def _evidence(inventory: Inventory, table: Table, partition: Partition) -> tuple[PartHeading, Blobs]:
    """What is kept of a partition."""
    data = inventory.data
    encoded = [encode_plain(entry) for entry in selection_table(inventory)]
    names = [selection_id(one) for one in encoded]
    codes, held = row_selections(inventory)
    entries = [[names[int(position)] for position in positions or ()] for positions in held]
    labels = {
        "id": CodedLabels(data.id.codes, data.id.values),
        "selections": CodedLabels(codes, [entry or None for entry in entries]),
    }
    series = series_of(inventory)
    blobs = Blobs()
    kept = tuple(
        KeptSeries(
            one.name,
            blobs.add_figures(one.figures),
            None if len(one.rows) == len(data) else blobs.add(one.rows.astype(np.int32)),
        )
        for one in series
    )
    roles = factor_roles(inventory)
    return PartHeading(
        index=partition.index,
        first=partition.first,
        count=partition.count,
        computed=int(data.usable.sum()),
        input_leaves=b"".join(_input_leaves(table, partition)),
        leaves=b"".join(leaves_of(series, labels, partition)),
        sums=tuple(sums_of(inventory)),
        selections=dict(zip(names, encoded, strict=True)),
        factors={factor.ef_cid: factor.canonical() for factor, _ in roles},
        roles=tuple((factor.ef_cid, role) for factor, role in roles),
        formulas=tuple(
            (one["formula_id"], one["version"], one["text"], one["formula_hash"])
            for one in formulas_used(inventory)
        ),
        roundings=tuple(encode_plain(rounding) for rounding in roundings(inventory)),
        missing=_missing(inventory),
        fallbacks=_fallbacks(inventory),
        refused=tuple(
            RefusedRow(skip.problem.row, skip.id, skip.problem.column, skip.problem.message, skip.problem.fix)
            for skip in inventory.skipped
        ),
        scopes=tuple(sorted({part.scope for part in inventory.parts if part.selections})),
        methods=tuple(sorted({part.method for part in inventory.parts if part.selections and part.method})),
        series=kept,
        entries=tuple(tuple(entry) for entry in entries),
        codes=blobs.add(_narrow(codes, len(entries))),
        identities=blobs.add(np.sort(hash_identities(data.id))),
        kinds=kinds_of(data, codes),
    ), blobs


def _narrow(codes: npt.NDArray[np.int32], count: int) -> npt.NDArray[Any]:
    """Codes in as few bytes as they take."""
    kind = np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.int32
    return codes.astype(kind)


def _input_leaves(table: Table, partition: Partition) -> list[bytes]:
    """The hashes of the input's ranges: those of the whole table, as `greenlang run` hashes it."""
    tree = ItemTree(table_header(list(table.columns)), partition.first // ROWS_PER_RANGE)
    tree.add_columns([(column.codes, column.values) for column in table.columns.values()], len(table))
    tree.finish()
    return tree.leaves


def leaves_of(
    series: Sequence[Series], labels: Mapping[str, CodedLabels], partition: Partition
) -> Iterator[bytes]:
    """The hashes of the ranges of a partition's rows."""
    first_range = partition.first // ROWS_PER_RANGE
    for start, stop, names in _stretches(series, partition.count):
        tree = RowTree(RowSchema(names, SELECTION_LABELS), first_range + start // ROWS_PER_RANGE)
        figures = {}
        for one in series:
            if one.name in names:
                low, high = np.searchsorted(one.rows, (start, stop)).tolist()
                rows = one.rows[low:high].astype(np.int64) + partition.first
                figures[one.name] = SparseSeries(rows, memoryview(one.figures)[16 * low : 16 * high])
        here = {name: CodedLabels(held.codes[start:stop], held.values) for name, held in labels.items()}
        tree.add_columns(stop - start, figures, here)
        tree.finish()
        yield from tree.leaves


def _stretches(series: Sequence[Series], count: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Runs of ranges whose rows have figures of the same series: first row, row behind the last, series."""
    ranges = -(-count // ROWS_PER_RANGE)
    held = np.zeros((len(series), ranges), dtype=np.bool_)
    for position, one in enumerate(series):
        held[position, one.rows // ROWS_PER_RANGE] = True
    changes = np.flatnonzero((held[:, 1:] != held[:, :-1]).any(axis=0)) + 1
    bounds = [0, *changes.tolist(), ranges]
    for start, stop in pairwise(bounds):
        names = tuple(one.name for one, there in zip(series, held[:, start].tolist(), strict=True) if there)
        yield start * ROWS_PER_RANGE, min(stop * ROWS_PER_RANGE, count), names


def _missing(inventory: Inventory) -> dict[bytes, int]:
    return {
        encode_plain({"gas": gap.gas, "activity": gap.activity, "reason": gap.reason}): len(gap.rows)
        for gap in inventory.missing
    }


def _fallbacks(inventory: Inventory) -> dict[bytes, int]:
    return {
        encode_plain(
            {
                "kind": taken.fallback.kind,
                "wanted": taken.fallback.wanted,
                "used": taken.fallback.used,
                "activity": taken.activity,
                "method": taken.method,
            }
        ): len(taken.rows)
        for taken in inventory.fallbacks
    }
