"""Writes tables of pyarrow in any format, piece by piece, so that a result of any size can be sent.

Decimals are texts in CSV and JSON lines, without trailing zeros.  In CSV a text that a spreadsheet would take
for a formula gets an apostrophe before it.
"""

from __future__ import annotations

__all__ = ["encode_tables"]

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.carbon import TableFormat
from greenlang_core.decimals import DecimalColumn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: What a cell begins with that a spreadsheet computes.
_FORMULA = r"^([=+\-@\t\r])"


def encode_tables(tables: Iterable[Any], form: TableFormat) -> Iterator[bytes]:
    """The file that holds the rows of some tables of one schema, of which there is at least one."""
    if form.name == "jsonl":
        for table in tables:
            yield b"".join(_json_lines(table))
        return
    sink = _Sink()
    writer: Any = None
    for table in tables:
        if form.name == "csv":
            table = _for_spreadsheets(table)
        if writer is None:
            writer = _writer(sink, table.schema, form.name)
        writer.write_table(table)
        yield sink.take()
    writer.close()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that gives what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Keep some bytes."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        """What was written since this was last asked."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _writer(sink: _Sink, schema: Any, form: str) -> Any:
    if form == "parquet":
        from pyarrow import parquet

        return parquet.ParquetWriter(sink, schema)
    if form == "arrow":
        from pyarrow import ipc

        return ipc.new_file(sink, schema)
    from pyarrow import csv

    return csv.CSVWriter(sink, schema, write_options=csv.WriteOptions(quoting_style="needed"))


def _for_spreadsheets(table: Any) -> Any:
    """The table with all cells as texts that a spreadsheet shows and does not compute."""
    import pyarrow as arrow
    from pyarrow import compute

    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if arrow.types.is_decimal(column.type):
            columns[name] = _plain_decimals(arrow, column)
        elif arrow.types.is_string(column.type) and name != "quantity":
            columns[name] = compute.replace_substring_regex(column, _FORMULA, r"'\1")
        else:
            columns[name] = column
    return arrow.table(columns)


def _plain_decimals(arrow: Any, column: Any) -> Any:
    pieces = [
        arrow.array(DecimalColumn.from_arrow(piece).to_strings(trimmed=True), arrow.string())
        for piece in column.chunks
    ]
    return arrow.chunked_array(pieces, arrow.string())


def _json_lines(table: Any) -> Iterator[bytes]:
    import pyarrow as arrow

    columns = [
        (_plain_decimals(arrow, column) if arrow.types.is_decimal(column.type) else column).to_pylist()
        for column in table.columns
    ]
    names = table.column_names
    for cells in zip(*columns, strict=True):
        yield msgspec.json.encode(dict(zip(names, cells, strict=True))) + b"\n"
