"""The result bundle: a result with everything that it takes to check it, in one JSON file.

`BundleContents` is what a bundle is made of (`greenlang.ledger.bundle_writing` writes it), `Bundle` what one
holds (`greenlang.ledger.bundle_reading` reads it).  The file is one JSON object; its keys, in order:

==========  ==============================================================================================
schema      `greenlang.bundle/1`
record      the calculation record
head        the chain's head after the record was committed, with key and signature
inclusion   the record's place in the commit, and the path from it to the head's root
checks      by path: a CRC-32 of every single field above and below, to name the one that was changed
plan        the plan, resources included
input       `name`, `policy`, `files` (own factors, with their text) and either `value` or a table:
            `columns`, `row_count`, `root`, `rows` (a line each, or null if left out), `ranges`
output      the result's rows, or null: `series`, `labels`, `scale`, `rows` (a line each), `ranges`
lists       by name: `rows` (a line each), `ranges`
factors     `ef_cid` and the `record` it is the hash of, a line each
==========  ==============================================================================================

`ranges` has for every 1,024 rows the `leaf` that the root is built on and the CRC-32s of its rows, so that a
changed row is found within the range whose hash broke.  White space between tokens does not matter.
"""

from __future__ import annotations

__all__ = [
    "BUNDLE_SCHEMA",
    "Bundle",
    "BundleContents",
    "CarriedFactor",
    "CarriedInput",
    "CarriedList",
    "CarriedOutput",
    "CarriedRange",
    "OutputRows",
    "OwnFile",
    "TableInput",
    "ValueInput",
    "covered_fields",
]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from greenlang.errors import BundleError
from greenlang.ledger.canonical import JSON, plain
from greenlang.ledger.chain import Head, Hex64, Inclusion
from greenlang.ledger.labels import Label
from greenlang.ledger.ranges import FIRST_ROW, ROWS_PER_RANGE
from greenlang.ledger.record import (
    CalculationRecord,
    hash_plan_document,
    input_hash_of_table,
    input_hash_of_value,
)
from greenlang.ledger.rows import RowSchema
from greenlang.ledger.strict_json import decode_strictly

BUNDLE_SCHEMA = "greenlang.bundle/1"

#: A row of an input table.
TableRow: TypeAlias = Sequence[str | None]


class OwnFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the user's own that took part, such as custom factors."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ValueInput:
    """The one value that a calculation started from."""

    value: object
    name: str = ""
    policy: object = None


@dataclass(frozen=True, slots=True)
class TableInput:
    """The table that a calculation started from."""

    name: str
    columns: Sequence[str]
    row_count: int
    #: What the table's `ItemTree` gave.
    root: str
    #: In order, text or null; None leaves them out, and then the file is needed to verify the bundle.
    rows: Iterable[TableRow] | None
    policy: object = None
    files: Sequence[OwnFile] = ()

    @property
    def input_hash(self) -> str:
        """What the record calls `input_hash`."""
        return input_hash_of_table(
            self.columns,
            self.row_count,
            self.root,
            policy=self.policy,
            files=[(file.name, file.text) for file in self.files],
        )


@dataclass(frozen=True, slots=True)
class OutputRows:
    """The rows of a result."""

    schema: RowSchema
    #: `RowTree.leaves`, finished.
    leaves: Sequence[bytes]
    #: For each row, in order: its labels, and its figures in plain digits; what is nothing may be left out.
    rows: Iterable[Mapping[str, Label]]


@dataclass(frozen=True, slots=True)
class BundleContents:
    """All that a bundle is made of; iterables are read once, while it is written."""

    record: CalculationRecord
    head: Head
    inclusion: Inclusion
    #: JSON of the plan.
    plan: bytes
    input: TableInput | ValueInput
    output: OutputRows | None = None
    #: The same items, in the same order, as the record's trees of these names.
    lists: Mapping[str, Iterable[object]] = field(default_factory=dict)
    #: (`ef_cid`, the canonical record that it is the hash of), each once.
    factors: Iterable[tuple[str, bytes]] = ()


class CarriedRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range of a carried list: its leaf, and eight hex digits a row, joined."""

    leaf: Hex64
    checks: str


@dataclass(frozen=True, slots=True)
class CarriedList:
    """A list of a bundle; its items are decoded one at a time."""

    #: `input`, `output` or `lists.NAME`.
    place: str
    encoded: Sequence[msgspec.Raw]
    ranges: Sequence[CarriedRange]

    def __iter__(self) -> Iterator[JSON]:
        """The items.

        Raises
        ------
        BundleError
            At an item that is not JSON.
        """
        for start in range(0, len(self), ROWS_PER_RANGE):
            items = map(bytes, self.encoded[start : start + ROWS_PER_RANGE])
            try:
                # Together, because each by itself takes four times as long.
                values = decode_strictly(b"[" + b",".join(items) + b"]", self.place)
            except BundleError:
                values = None
            if isinstance(values, list):
                yield from values
            else:
                yield from (self[index] for index in range(start, min(start + ROWS_PER_RANGE, len(self))))

    def __getitem__(self, index: int) -> JSON:
        """One item; raises `BundleError` if it is not JSON."""
        return decode_strictly(self.encoded[index], self.place_of(index))

    def __len__(self) -> int:
        return len(self.encoded)

    def place_of(self, index: int) -> str:
        """What a message calls an item: tables count as their files do."""
        if self.place.startswith("lists."):
            return f"{self.place}[{index}]"
        return f"{self.place} row {index + FIRST_ROW}"


@dataclass(frozen=True, slots=True)
class CarriedInput:
    """The input of a bundle: a value, or a table whose rows may have been left out."""

    name: str
    policy: JSON
    files: tuple[OwnFile, ...] = ()
    value: JSON = None
    #: None if the input is a value.
    columns: tuple[str, ...] | None = None
    row_count: int = 0
    root: str = ""
    rows: CarriedList | None = None

    @property
    def input_hash(self) -> str:
        """The hash of what is said here; whether the rows have this root is a question of its own."""
        if self.columns is None:
            return input_hash_of_value(self.value, self.policy)
        files = [(file.name, file.text) for file in self.files]
        return input_hash_of_table(self.columns, self.row_count, self.root, policy=self.policy, files=files)


@dataclass(frozen=True, slots=True)
class CarriedOutput:
    """The rows of a bundle's result: `{"row": 2, LABEL: ..., SERIES: "1.5"}` each."""

    schema: RowSchema
    rows: CarriedList


@dataclass(frozen=True, slots=True)
class CarriedFactor:
    """A factor of a bundle."""

    ef_cid: str
    record: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was read; nothing in it is verified yet."""

    record: CalculationRecord
    head: Head
    inclusion: Inclusion
    checks: Mapping[str, str]
    #: JSON of the plan, for `Plan.from_json`.
    plan: bytes
    input: CarriedInput
    output: CarriedOutput | None
    lists: Mapping[str, CarriedList]
    factors: Sequence[CarriedFactor]

    def covered(self) -> dict[str, JSON]:
        """The fields that `checks` are about."""
        said = self.input
        table = said.columns is not None
        return covered_fields(
            self.record,
            self.head,
            self.inclusion,
            self.plan,
            TableInput(
                said.name, said.columns or (), said.row_count, said.root, None, said.policy, said.files
            )
            if table
            else ValueInput(said.value, said.name, said.policy),
            self.output.schema if self.output else None,
        )


def covered_fields(
    record: CalculationRecord,
    head: Head,
    inclusion: Inclusion,
    plan: bytes,
    given: TableInput | ValueInput,
    schema: RowSchema | None,
) -> dict[str, JSON]:
    """What `checks` name one by one: everything but the plan's inside, rows, lists and factors."""
    fields: dict[str, object] = {
        "record": record,
        "head": head,
        "inclusion": inclusion,
        "plan": hash_plan_document(plan),
        "input": _input_fields(given),
    }
    if schema is not None:
        fields["output"] = {"series": schema.series, "labels": schema.labels, "scale": schema.scale}
    return {name: plain(value) for name, value in fields.items()}


def _input_fields(given: TableInput | ValueInput) -> dict[str, object]:
    if isinstance(given, ValueInput):
        return {"name": given.name, "policy": given.policy, "value": given.value}
    return {
        "name": given.name,
        "policy": given.policy,
        "files": given.files,
        "columns": given.columns,
        "row_count": given.row_count,
        "root": given.root,
    }
