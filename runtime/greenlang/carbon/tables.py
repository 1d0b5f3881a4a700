"""Tables as people keep them: named columns of text, dictionary-coded, read from CSV.

A table holds what the file says and nothing more: no number is parsed, no cell is dropped.
What a cell means is decided by whoever reads the table (`greenlang.carbon.activity`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from greenlang.errors import DataError, Problem, nearest

__all__ = ["StringColumn", "Table", "read_csv"]

#: Rows parsed between two progress reports; small enough that a chunk's lists stay in cache.
CHUNK_ROWS = 16_384

#: Columns of a `portable` table: a row's number in its file, and the cells of a row of the wrong width.
LINE_COLUMN = "(row)"
WIDTH_COLUMN = "(cells)"

#: How many of a table's columns a message lists.
SHOWN_COLUMNS = 12

#: Codes of one column: which of its distinct texts stands in each row.
Codes = npt.NDArray[np.int32]


class _Index(dict[str, int]):
    """Gives each new text the next code; looking one up costs no Python frame once it is known."""

    def __missing__(self, text: str) -> int:
        code = len(self)
        self[text] = code
        return code


@dataclass(frozen=True, slots=True)
class StringColumn:
    """A column of text: `values[codes[row]]` is the cell of a row."""

    codes: Codes  #: (rows,) int32
    values: tuple[str, ...]  #: distinct texts in order of first appearance

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> StringColumn:
        """Code a column of texts."""
        index = _Index()
        codes = np.fromiter(map(index.__getitem__, texts), dtype=np.int32)
        return cls(codes, tuple(index))

    @classmethod
    def constant(cls, text: str, rows: int) -> StringColumn:
        """The same text in every row."""
        return cls(np.zeros(rows, dtype=np.int32), (text,))

    def stripped(self) -> StringColumn:
        """The column without white space around its texts, coded anew where two texts became one."""
        if all(text == text.strip() for text in self.values):
            return self
        index = _Index()
        new_codes = np.fromiter((index[text.strip()] for text in self.values), dtype=np.int32)
        return StringColumn(new_codes[self.codes], tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])]

    def texts(self, start: int = 0, stop: int | None = None) -> list[str]:
        """The cells of rows `start` to `stop`."""
        values = self.values
        return [values[code] for code in self.codes[start:stop].tolist()]


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length.

    `lines[row]` is the row's number as a spreadsheet shows it (the header is row 1), or `lines` is
    None where row 0 is simply row 2 of the file.
    """

    name: str  #: the file's name, for messages
    columns: Mapping[str, StringColumn]
    lines: npt.NDArray[np.int32] | None = field(default=None, compare=False)
    #: Rows that were not as wide as the header, and how many cells they had: shorter ones are filled up
    #: with empty cells, what stands beyond the last column of longer ones is kept in it.
    widths: Mapping[int, int] = field(default_factory=dict, compare=False)
    #: Cells of the file's header, for a table whose columns are not those of the file; else 0.
    header_width: int = 0
    #: For a column that was made from others of the file: which of them each row's cell stands in there.
    headings: Mapping[str, StringColumn] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def line(self, row: int) -> int:
        """Number of a row in its file; the header is row 1."""
        return row + 2 if self.lines is None else int(self.lines[row])

    def problem(self, row: int, column: str, message: str, fix: str = "") -> Problem:
        """Something wrong with a cell, or a whole row where `column` is empty, by its place in the file."""
        heading = self.headings[column][row] if column in self.headings else column
        return Problem(self.line(row), heading, message, fix)

    @property
    def malformed(self) -> dict[int, Problem]:
        """What is wrong with the rows that are not as wide as the header."""
        return {row: self._wrong_width(row, cells) for row, cells in self.widths.items()}

    def column(self, name: str) -> StringColumn:
        """One column; a `DataError` that names the columns there are if this one is missing."""
        try:
            return self.columns[name]
        except KeyError:
            raise DataError(self.name, [self._missing(name)]) from None

    def require(self, names: Iterable[str]) -> None:
        """Raise one `DataError` for all the columns of `names` that are missing."""
        missing = [self._missing(name) for name in names if name not in self.columns]
        if missing:
            raise DataError(self.name, missing)

    def _missing(self, name: str) -> Problem:
        close = nearest(name, self.columns)
        if close:
            fix = f"rename column '{close[0]}' to '{name}', or add it"
        else:
            there = [f"'{name[:40]}'" for name in list(self.columns)[:SHOWN_COLUMNS]]
            more = ", ..." if len(self.columns) > SHOWN_COLUMNS else ""
            fix = f"add it; the columns there are {', '.join(there)}{more}"
        return Problem(1, name, "the column is missing", fix)

    def _wrong_width(self, row: int, cells: int) -> Problem:
        header_width = self.header_width or len(self.columns)
        message = f"the row has {cells} cells and the header {header_width}"
        if cells > header_width:
            fix = "quote a cell that holds a comma; write numbers without thousands separators"
        else:
            fix = "leave a cell empty, comma and all, for what is not known"
        return Problem(self.line(row), "", message, fix)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[str, ...]]:
        """The rows `start` to `stop`, cells in column order."""
        return zip(*(column.texts(start, stop) for column in self.columns.values()), strict=True)

    @classmethod
    def from_rows(cls, name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
        """A table from its rows of cells."""
        indexes = [_Index() for _ in columns]
        codes: list[list[Codes]] = [[] for _ in columns]
        source = iter(rows)
        while chunk := list(islice(source, CHUNK_ROWS)):
            for cells, index, coded in zip(zip(*chunk, strict=True), indexes, codes, strict=True):
                coded.append(np.fromiter(map(index.__getitem__, cells), dtype=np.int32, count=len(cells)))
        return cls(
            name,
            {
                column: StringColumn(
                    np.concatenate(coded) if coded else np.empty(0, dtype=np.int32), tuple(index)
                )
                for column, index, coded in zip(columns, indexes, codes, strict=True)
            },
        )

    def portable(self) -> Table:
        """The same table with all that it knows of its rows in columns, so that `restored` gives it back.

        A table without blank lines and rows of the wrong width has nothing to add and is its own.
        """
        added = {}
        if self.lines is not None:
            added[LINE_COLUMN] = StringColumn.from_texts(map(str, self.lines.tolist()))
        if self.widths:
            counts = (str(self.widths.get(row, "")) for row in range(len(self)))
            added[WIDTH_COLUMN] = StringColumn.from_texts(counts)
        return Table(self.name, {**self.columns, **added}) if added else self

    def restored(self) -> Table:
        """The table that `portable` made this one of."""
        columns = dict(self.columns)
        lines = columns.pop(LINE_COLUMN, None)
        widths = columns.pop(WIDTH_COLUMN, None)
        return Table(
            self.name,
            columns,
            np.array([int(line) for line in lines.texts()], dtype=np.int32) if lines else None,
            {row: int(cells) for row, cells in enumerate(widths.texts()) if cells} if widths else {},
        )


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
        raise _unreadable(
            name,
            _line_of(stream, stream.tell() - len(error.object) + error.start),
            f"the file is not UTF-8 text (byte 0x{byte:02x})",
            "save it as CSV UTF-8 (in a spreadsheet: Save As, 'CSV UTF-8 (comma delimited)')",
        ) from error
    except csv.Error as error:
        raise _unreadable(name, max(reader.line_num, 1), *_csv_mistake(error)) from error
    finally:
        text.detach()
    if not len(table):
        raise _unreadable(name, 1, "the file has a header and no rows", "add a row for each activity")
    return Table(table.name, table.columns, rows.lines(), rows.widths)


def _header(reader: Iterator[list[str]], name: str) -> list[str]:
    header = [cell.strip() for cell in next(reader, [])]
    if not any(header):
        raise _unreadable(name, 1, "the file is empty", "its first row must name the columns")
    if any("\0" in cell for cell in header):
        raise _unreadable(name, 1, "the file is binary, not text", "export it as CSV")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        raise _unreadable(name, 1, f"the columns are separated by {mark!r}", "separate them by commas")
    problems = []
    for position, column in enumerate(header):
        if not column:
            problems.append(Problem(1, "", f"column {position + 1} has no name", "give every column a name"))
        elif column in (LINE_COLUMN, WIDTH_COLUMN):
            problems.append(Problem(1, column, "no column may have this name", "rename it"))
        elif column in header[:position]:
            problems.append(Problem(1, column, "two columns have this name", "rename one of them"))
    if problems:
        raise DataError(name, problems)
    return header


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


def _unreadable(name: str, line: int, message: str, fix: str) -> DataError:
    return DataError(name, [Problem(line, "", message, fix)])
