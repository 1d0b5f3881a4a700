"""Writes result bundles, row by row, in memory that does not grow with the rows."""

from __future__ import annotations

__all__ = ["save_bundle", "write_bundle"]

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO

import msgspec

from greenlang.errors import InputError, InternalError
from greenlang.ledger.bundle import (
    BUNDLE_SCHEMA,
    BundleContents,
    OutputRows,
    TableInput,
    TableRow,
    ValueInput,
    covered_fields,
)
from greenlang.ledger.canonical import canonical_bytes, encode_plain
from greenlang.ledger.checks import check, field_checks
from greenlang.ledger.files import atomic_writer
from greenlang.ledger.labels import Label
from greenlang.ledger.ranges import FIRST_ROW, ROWS_PER_RANGE, ItemTree, list_header, table_header
from greenlang.ledger.strict_json import decode_strictly


def save_bundle(path: str | os.PathLike[str], contents: BundleContents) -> None:
    """Write a bundle to `path`, which has all of it or what it had before.

    Raises
    ------
    InputError
        If the file cannot be written, or the input is not what the record was made from any more.
    """
    with atomic_writer(path) as file:
        write_bundle(file, contents)


def write_bundle(file: BinaryIO, contents: BundleContents) -> None:
    """Write a bundle to an open file (see `save_bundle`)."""
    schema = contents.output.schema if contents.output else None
    covered = covered_fields(
        contents.record, contents.head, contents.inclusion, contents.plan, contents.input, schema
    )
    if contents.record.plan_document_hash not in (None, covered["plan"]):
        raise InternalError("the plan is not the one that the record has the hash of")
    file.write(b'{"schema":' + encode_plain(BUNDLE_SCHEMA))
    _write_member(file, "record", _in_field_order(contents.record))
    _write_member(file, "head", _in_field_order(contents.head))
    _write_member(file, "inclusion", _in_field_order(contents.inclusion))
    _write_member(file, "checks", encode_plain(field_checks(covered)))
    # As it came: whoever reads the plan again gets the numbers as its writer wrote them.
    _write_member(file, "plan", contents.plan.strip())
    _write_input(file, contents.input)
    _write_output(file, contents)
    _write_lists(file, contents)
    file.write(b',\n"factors":[')
    _write_lines(file, (_factor_line(ef_cid, record) for ef_cid, record in contents.factors))
    file.write(b"]}\n")


def _in_field_order(struct: msgspec.Struct) -> bytes:
    """Fields in the order they are documented in, which reads better than the alphabet."""
    return msgspec.json.encode(struct)


def _write_member(file: BinaryIO, name: str, encoded: bytes) -> None:
    file.write(b',\n"' + name.encode() + b'":' + encoded)


def _write_input(file: BinaryIO, given: TableInput | ValueInput) -> None:
    file.write(b',\n"input":{"name":' + encode_plain(given.name))
    _write_member(file, "policy", canonical_bytes(given.policy))
    if isinstance(given, ValueInput):
        _write_member(file, "value", canonical_bytes(given.value))
        file.write(b"}")
        return
    _write_member(file, "files", canonical_bytes(given.files))
    _write_member(file, "columns", canonical_bytes(given.columns))
    _write_member(file, "row_count", encode_plain(given.row_count))
    _write_member(file, "root", encode_plain(given.root))
    if given.rows is None:
        file.write(b',\n"rows":null,"ranges":[]}')
        return
    file.write(b",\n")
    tree = ItemTree(table_header(given.columns))
    checks = _write_rows(file, _table_lines(given.rows, tree))
    if tree.finish() != given.root:
        raise InputError(
            f"'{given.name}' changed while it was being used",
            fix="run it again on a file that stays as it is",
        )
    _write_ranges(file, tree.leaves, checks)


def _table_lines(rows: Iterable[TableRow], tree: ItemTree) -> Iterator[bytes]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, ROWS_PER_RANGE)):
        yield from tree.add_table_rows(chunk)


def _write_output(file: BinaryIO, contents: BundleContents) -> None:
    output = contents.output
    if output is None:
        file.write(b',\n"output":null')
        return
    schema = output.schema
    file.write(b',\n"output":{"series":' + canonical_bytes(schema.series))
    _write_member(file, "labels", canonical_bytes(schema.labels))
    _write_member(file, "scale", encode_plain(schema.scale))
    file.write(b",\n")
    checks = _write_rows(file, map(_output_line, _numbered(output)))
    if checks.count != contents.record.row_count:
        raise InternalError(f"{checks.count} rows were given for a record of {contents.record.row_count}")
    _write_ranges(file, output.leaves, checks)


def _numbered(output: OutputRows) -> Iterator[dict[str, Label | int]]:
    for number, row in enumerate(output.rows, start=FIRST_ROW):
        yield {**row, "row": number}


def _output_line(row: Mapping[str, Label | int]) -> bytes:
    return encode_plain({name: value for name, value in row.items() if value is not None})


def _write_lists(file: BinaryIO, contents: BundleContents) -> None:
    file.write(b',\n"lists":{')
    between = b""
    for name in sorted(contents.record.lists):
        tree = ItemTree(list_header(name))
        file.write(between + encode_plain(name) + b":{")
        checks = _write_rows(file, map(tree.add, contents.lists.get(name, ())))
        if tree.finish() != contents.record.lists[name].root:
            raise InternalError(f"the list '{name}' is not the one that the record has the root of")
        _write_ranges(file, tree.leaves, checks)
        between = b",\n"
    file.write(b"}")


class _Checks:
    """Passes lines on, and keeps the check of each: joined range by range, eight bytes a line."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.ranges: list[str] = []
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        waiting: list[str] = []
        for line in self._lines:
            waiting.append(check(line))
            self.count += 1
            if len(waiting) == ROWS_PER_RANGE:
                self.ranges.append("".join(waiting))
                waiting.clear()
            yield line
        if waiting:
            self.ranges.append("".join(waiting))


def _write_rows(file: BinaryIO, lines: Iterable[bytes]) -> _Checks:
    """Write `"rows":[...]`, a line each."""
    checks = _Checks(lines)
    file.write(b'"rows":[')
    _write_lines(file, checks)
    file.write(b"]")
    return checks


def _write_ranges(file: BinaryIO, leaves: Sequence[bytes], checks: _Checks) -> None:
    """Write the last member of an object that has rows."""
    file.write(b',\n"ranges":[')
    pairs = zip(leaves, checks.ranges, strict=True)
    _write_lines(file, (encode_plain({"leaf": leaf.hex(), "checks": joined}) for leaf, joined in pairs))
    file.write(b"]}")


def _write_lines(file: BinaryIO, lines: Iterable[bytes]) -> None:
    """Write array items, each on a line of its own."""
    between = b"\n"
    for line in lines:
        file.write(between + line)
        between = b",\n"


def _factor_line(ef_cid: str, record: bytes) -> bytes:
    return encode_plain({"ef_cid": ef_cid, "record": decode_strictly(record, f"factor {ef_cid}")})
