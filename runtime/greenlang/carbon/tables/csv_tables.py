"""Tables in CSV: comma-separated, UTF-8, a header first."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from greenlang.carbon.tables.arrow_csv import add_plain_rows, plain_header, size_of
from greenlang.carbon.tables.results import ResultTable
from greenlang.carbon.tables.table import CHUNK_ROWS, Table, TableBuilder, column_names, unreadable

__all__ = ["read_csv", "write_csv"]

#: Told with the bytes read so far.
_OnBytes = Callable[[int], None] | None


def read_csv(stream: BinaryIO, *, name: str, on_bytes: _OnBytes = None) -> Table:
    """Read a CSV file: comma-separated, UTF-8 (with or without a byte-order mark), a header first.

    Where pyarrow is installed it reads what every reader of CSV reads alike, up to the first quote or other
    peculiarity; from there on, and without it, the standard library does.

    Parameters
    ----------
    stream : BinaryIO
        The file, opened in binary and standing at its start.
    name : str
        What messages call it.
    on_bytes : callable, optional
        Told now and then how many bytes have been read.

    Raises
    ------
    DataError
        Where the file is empty, not text, or has no usable header. Rows of the wrong width are kept
        with their width: whether the others go on without them is their reader's choice.
    """
    first_line, rest = plain_header(stream)
    if first_line is None:
        return _read(stream, rest, name, on_bytes, TableBuilder())
    builder = TableBuilder(_header(next(csv.reader([first_line], strict=True)), name))
    rest = add_plain_rows(stream, builder, rest, on_bytes)
    return _read(stream, rest, name, on_bytes, builder)


def _read(stream: BinaryIO, unread: bytes, name: str, on_bytes: _OnBytes, builder: TableBuilder) -> Table:
    """Read what is left of a file: `unread`, and then the stream; its header where no column is known yet."""
    lines_read = builder.count + 1 if builder.coders else 0
    # A byte-order mark is one at the beginning of the file alone.
    encoding = "utf-8" if builder.coders else "utf-8-sig"
    rest = cast(BinaryIO, _Rest(unread, stream))  # all that is read of a file is asked for by `read1`
    text = io.TextIOWrapper(rest, encoding=encoding, newline="")
    reader = csv.reader(text, strict=True)
    size = size_of(stream)
    start = stream.tell() if size else 0
    try:
        if not builder.coders:
            builder = TableBuilder(_header(next(reader, []), name))
        rows = _Rows(builder)
        while chunk := list(islice(reader, CHUNK_ROWS)):
            rows.add(chunk)
            if size and (read := stream.tell()) > start:  # `unread` is used up
                builder.expect(read, size)
                size = 0  # told once
            if on_bytes is not None:
                on_bytes(stream.tell())
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        # Text is decoded ahead of the row that is being read, but never past the line that it ends in.
        line = lines_read + reader.line_num + len((error.object[: error.start] + b".").splitlines())
        raise unreadable(
            name,
            line,
            f"the file is not UTF-8 text (byte 0x{byte:02x})",
            "save it as CSV UTF-8 (in a spreadsheet: Save As, 'CSV UTF-8 (comma delimited)')",
        ) from error
    except csv.Error as error:
        raise unreadable(name, lines_read + max(reader.line_num, 1), *_csv_mistake(error)) from error
    finally:
        text.detach()
    if not builder.count:
        raise unreadable(name, 1, "the file has a header and no rows", "add a row for each activity")
    lines = rows.lines()
    return Table(name, builder.columns(), lines, rows.widths)


class _Rest(io.BufferedIOBase):
    """Bytes that were read and not used, and then the stream that they came from."""

    def __init__(self, unread: bytes, stream: BinaryIO) -> None:
        self._unread = unread
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """At most `size` bytes, as `TextIOWrapper` asks for them."""
        if not self._unread:
            return self._stream.read(size)
        given, self._unread = self._unread[:size], self._unread[size:]
        return given


def _header(cells: list[str], name: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise unreadable(name, 1, "the file is empty", "its first row must name the columns")
    if any("\0" in cell for cell in header):
        raise unreadable(name, 1, "the file is binary, not text", "export it as CSV")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        raise unreadable(name, 1, f"the columns are separated by {mark!r}", "separate them by commas")
    return column_names(name, header)


class _Rows:
    """Adds the rows of a CSV reader, each made as wide as the header; blank lines are passed over."""

    def __init__(self, builder: TableBuilder) -> None:
        self._builder = builder
        self._width = len(builder.coders)
        self._blank_before: list[int] = []  #: for each blank line, how many rows stand before it
        self.widths: dict[int, int] = {}

    def add(self, rows: list[list[str]]) -> None:
        """Add rows as the reader gave them."""
        if set(map(len, rows)) != {self._width}:
            rows = list(self._fitted(rows))
        self._builder.add_rows(rows)

    def _fitted(self, rows: list[list[str]]) -> Iterator[list[str]]:
        width, number = self._width, self._builder.count
        for cells in rows:
            if not cells:
                self._blank_before.append(number)
                continue
            if len(cells) != width:
                self.widths[number] = len(cells)
                cells = [*cells[: width - 1], ",".join(cells[width - 1 :]), *[""] * width][:width]
            number += 1
            yield cells

    def lines(self) -> npt.NDArray[np.int32] | None:
        """Row numbers in the file, or None where no blank line shifted them."""
        if not self._blank_before:
            return None
        # How many blank lines stand before each row.
        blank = np.searchsorted(self._blank_before, np.arange(self._builder.count), side="right")
        lines: npt.NDArray[np.int32] = (np.arange(2, self._builder.count + 2) + blank).astype(np.int32)
        return lines


def _csv_mistake(error: csv.Error) -> tuple[str, str]:
    """Message and mend for what the CSV reader refused."""
    text = str(error)
    if "NUL" in text:
        return "the file is binary, not text", "export it as CSV"
    if "field limit" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters", "check the quotes around it"
    if "unexpected end of data" in text:
        return "a double quote is opened and never closed", "close it, or write two of them for a literal one"
    return f"the row is not well-formed CSV ({text})", "check its quotes and commas"


def write_csv(stream: BinaryIO, table: ResultTable) -> None:
    """Write a table with its header; what is not known is an empty cell."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    writer.writerows(zip(*(column.texts() for column in table.columns), strict=True))
    text.flush()
    text.detach()
