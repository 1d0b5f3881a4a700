"""Tables in CSV: comma-separated, UTF-8, a header first."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from greenlang.carbon.tables.results import ResultTable
from greenlang.carbon.tables.table import CHUNK_ROWS, Table, column_names, unreadable

__all__ = ["read_csv", "write_csv"]


def read_csv(stream: BinaryIO, *, name: str, on_bytes: Callable[[int], None] | None = None) -> Table:
    """Read a CSV file: comma-separated, UTF-8 (with or without a byte-order mark), a header first.

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
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = _header(reader, name)
        rows = _Rows(reader, len(header))
        table = Table.from_rows(name, header, rows.reporting(stream.tell, on_bytes))
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise unreadable(
            name,
            _line_of(stream, stream.tell() - len(error.object) + error.start),
            f"the file is not UTF-8 text (byte 0x{byte:02x})",
            "save it as CSV UTF-8 (in a spreadsheet: Save As, 'CSV UTF-8 (comma delimited)')",
        ) from error
    except csv.Error as error:
        raise unreadable(name, max(reader.line_num, 1), *_csv_mistake(error)) from error
    finally:
        text.detach()
    if not len(table):
        raise unreadable(name, 1, "the file has a header and no rows", "add a row for each activity")
    return Table(table.name, table.columns, rows.lines(), rows.widths)


def _header(reader: Iterator[list[str]], name: str) -> list[str]:
    header = [cell.strip() for cell in next(reader, [])]
    if not any(header):
        raise unreadable(name, 1, "the file is empty", "its first row must name the columns")
    if any("\0" in cell for cell in header):
        raise unreadable(name, 1, "the file is binary, not text", "export it as CSV")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        raise unreadable(name, 1, f"the columns are separated by {mark!r}", "separate them by commas")
    return column_names(name, header)


class _Rows:
    """The rows of a CSV reader, each made as wide as the header; blank lines are passed over."""

    def __init__(self, reader: Iterator[list[str]], width: int) -> None:
        self._reader = reader
        self._width = width
        self._blank_before: list[int] = []  #: for each blank line, how many rows stand before it
        self._count = 0
        self.widths: dict[int, int] = {}

    def reporting(
        self, position: Callable[[], int], on_bytes: Callable[[int], None] | None
    ) -> Iterator[list[str]]:
        """Give the rows, calling `on_bytes(position())` after each chunk."""
        width = self._width
        for cells in self._reader:
            if len(cells) != width:
                if not cells:
                    self._blank_before.append(self._count)
                    continue
                self.widths[self._count] = len(cells)
                cells = [*cells[: width - 1], ",".join(cells[width - 1 :]), *[""] * width][:width]
            self._count += 1
            yield cells
            if on_bytes is not None and self._count % CHUNK_ROWS == 0:
                on_bytes(position())

    def lines(self) -> npt.NDArray[np.int32] | None:
        """Row numbers in the file, or None where no blank line shifted them."""
        if not self._blank_before:
            return None
        lines = np.arange(2, self._count + 2, dtype=np.int32)
        for rows_before in self._blank_before:
            lines[rows_before:] += 1
        return lines


def _line_of(stream: BinaryIO, offset: int) -> int:
    """The line that a byte stands in; text is decoded ahead of the row that is being read."""
    stream.seek(0)
    return stream.read(offset).count(b"\n") + 1


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
