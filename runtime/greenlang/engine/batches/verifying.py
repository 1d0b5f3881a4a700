"""Whether what is kept of a batch is what its record is over: every row, every sum and every list.

Files of a folder can be changed by whoever reaches its disk, and results are read from them.  Nothing is
computed again here: rows are put into their tree, and partitions are merged.
"""

from __future__ import annotations

__all__ = ["batch_findings"]

from collections.abc import Iterator

import msgspec

from greenlang.carbon import Series, numbered_rows
from greenlang.engine.batches.computing import leaves_of, open_input
from greenlang.engine.batches.definition import BatchDefinition, partitions_of
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.merging import Totals, merge_parts
from greenlang.engine.batches.parts import Part, read_heading, read_part
from greenlang.errors import InputError
from greenlang.ledger import FIRST_ROW, CalculationRecord, CodedLabels, Finding

#: What of a record is made from partitions.
_MERGED = (
    *("input_hash", "result", "row_count", "row_root", "lists", "fallbacks"),
    *("factors", "formulas", "roundings", "gwp_set", "scope", "method"),
)


def batch_findings(folder: BatchFolder, record: CalculationRecord) -> Iterator[Finding]:
    """Everything in the folder of a batch that speaks against it, held to the record in the ledger."""
    try:
        definition = folder.definition()
        yield from _merge_findings(folder, definition, record)
        yield from _row_findings(folder, definition)
    except (InputError, OSError, ValueError, IndexError) as error:  # files that are cut off, or none
        yield Finding("batch", f"cannot be read: {error}")


def _merge_findings(
    folder: BatchFolder, definition: BatchDefinition, record: CalculationRecord
) -> Iterator[Finding]:
    """Lists and sums, as they are kept and as the partitions have them."""
    headings = [read_heading(folder.part_path(index)) for index in range(len(definition.starts))]
    refused = [row for heading in headings for row in heading.refused]
    merged = merge_parts(
        definition, headings, iter(refused), calculation_id=record.calculation_id, plan_hash=record.plan_hash
    )
    for name in _MERGED:
        if getattr(merged.record, name) != getattr(record, name):
            yield Finding(f"record.{name}", "is not what the partitions of the batch come to")
    if merged.totals != folder.load("totals.json", Totals):
        yield Finding("totals.json", "is not what the partitions of the batch come to")
    lines = folder.path.joinpath("failures.jsonl").read_bytes().splitlines()
    if [msgspec.json.decode(line) for line in lines] != [msgspec.structs.asdict(row) for row in refused]:
        yield Finding("failures.jsonl", "is not what the partitions of the batch come to")


def _series(part: Part) -> list[Series]:
    return [Series(one.name, part.rows(one), part.figures(one)) for one in part.heading.series]


def _row_findings(folder: BatchFolder, definition: BatchDefinition) -> Iterator[Finding]:
    """Figures and selections of rows, with the ids of the input, against the hashes of their ranges."""
    source = open_input(folder, definition)
    for partition in partitions_of(definition.starts, definition.rows):
        part = read_part(folder.part_path(partition.index))
        table = numbered_rows(source.read(partition.first, partition.count), partition.first)
        ids = table.column("id").stripped()
        labels = {
            "id": CodedLabels(ids.codes, ids.values),
            "selections": CodedLabels(part.codes, [list(entry) or None for entry in part.heading.entries]),
        }
        if b"".join(leaves_of(_series(part), labels, partition)) != part.heading.leaves:
            first = partition.first + FIRST_ROW
            last = first + partition.count - 1
            yield Finding(f"rows {first:,} to {last:,}", "do not lead to the row_root in the record")
