"""The proof of one row: its range, and the path from there to the root in a record.

It shows the 1,024 rows of the range and nothing of the others, and whoever trusts the record (or just its
`row_root`) can check it without the bundle.  `item_holds` asks the same of an item of a carried list.
"""

from __future__ import annotations

__all__ = ["RowProof", "item_holds", "proof_holds", "prove_row"]

from collections.abc import Mapping
from typing import Any

import msgspec

from greenlang.errors import BundleError, InputError
from greenlang.ledger.bundle import Bundle, CarriedList
from greenlang.ledger.canonical import JSON, encode_plain
from greenlang.ledger.chain import Hex64
from greenlang.ledger.integrity import read_output_row
from greenlang.ledger.merkle import inclusion_path, leaf_hash, root_from_path
from greenlang.ledger.ranges import FIRST_ROW, ROWS_PER_RANGE, ItemTree
from greenlang.ledger.rows import RowSchema, encode_range
from greenlang.ledger.strict_json import decode_strictly

PROOF_SCHEMA = "greenlang.row-proof/1"


class RowProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that it takes to check one row of a result; goes to JSON and back."""

    schema_version: str = PROOF_SCHEMA
    #: The row's number, as bundles and messages count.
    row: int
    series: tuple[str, ...]
    labels: tuple[str, ...]
    scale: int
    #: The rows of its range, as the bundle has them.
    rows: tuple[dict[str, Any], ...]
    range_index: int
    range_count: int
    path: tuple[Hex64, ...]
    row_root: str

    @property
    def proved(self) -> dict[str, Any]:
        """The row itself."""
        return self.rows[(self.row - FIRST_ROW) % ROWS_PER_RANGE]


def prove_row(bundle: Bundle, row: int) -> RowProof:
    """Make the proof of a result row.

    Raises
    ------
    InputError
        If the bundle has no such row.
    """
    output, root = bundle.output, bundle.record.row_root
    index = row - FIRST_ROW
    if output is None or root is None or not 0 <= index < len(output.rows):
        last = len(output.rows) + FIRST_ROW - 1 if output is not None else 0
        fix = f"give a row from {FIRST_ROW} to {last}" if last >= FIRST_ROW else "its result has no rows"
        raise InputError(f"the bundle has no row {row}", fix=fix)
    range_index = index // ROWS_PER_RANGE
    start = range_index * ROWS_PER_RANGE
    leaves = [bytes.fromhex(one.leaf) for one in output.rows.ranges]
    if range_index >= len(leaves):
        raise BundleError(f"there is no leaf for row {row}", place="output.ranges")
    return RowProof(
        row=row,
        series=output.schema.series,
        labels=output.schema.labels,
        scale=output.schema.scale,
        rows=tuple(
            _as_object(decode_strictly(encoded, output.rows.place_of(index)))
            for index, encoded in enumerate(output.rows.encoded[start : start + ROWS_PER_RANGE], start=start)
        ),
        range_index=range_index,
        range_count=len(leaves),
        path=tuple(node.hex() for node in inclusion_path(leaves, range_index)),
        row_root=root,
    )


def proof_holds(proof: RowProof) -> bool:
    """Whether the rows shown lead to the root; compare that with the one in a record that you trust.

    Raises
    ------
    InputError
        If what the proof shows are no result rows.
    """
    schema = RowSchema(proof.series, proof.labels, proof.scale)
    first = proof.range_index * ROWS_PER_RANGE + FIRST_ROW
    if not first <= proof.row < first + len(proof.rows) <= first + ROWS_PER_RANGE:
        return False
    read = [read_output_row(schema, row, number) for number, row in enumerate(proof.rows, start=first)]
    data = encode_range(
        schema, proof.range_index, [figures for figures, _ in read], [labels for _, labels in read]
    )
    path = [bytes.fromhex(node) for node in proof.path]
    root = root_from_path(leaf_hash(data), proof.range_index, proof.range_count, path)
    return root is not None and proof.row_root == f"sha256:{root.hex()}"


def item_holds(carried: CarriedList, header: Mapping[str, JSON], root: str, index: int) -> bool:
    """Whether an item of a list leads, with its range, to the root of the list.

    Parameters
    ----------
    header : Mapping
        Of the list's `ItemTree`.

    Raises
    ------
    BundleError
        If an item of its range is not JSON.
    """
    range_index = index // ROWS_PER_RANGE
    if range_index >= len(carried.ranges):
        return False
    start = range_index * ROWS_PER_RANGE
    tree = ItemTree(header, first_range=range_index)
    for position in range(start, min(start + ROWS_PER_RANGE, len(carried))):
        tree.add_encoded(encode_plain(carried[position]))
    tree.finish()
    leaves = [bytes.fromhex(one.leaf) for one in carried.ranges]
    path = inclusion_path(leaves, range_index)
    found = root_from_path(tree.leaves[0], range_index, len(leaves), path)
    return found is not None and root == f"sha256:{found.hex()}"


def _as_object(row: JSON) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise BundleError("a row is not an object", place="output")
    return row
