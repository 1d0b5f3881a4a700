"""Tables as people keep them: named columns of text, dictionary-coded.

A table holds what its file says and nothing more: no number is parsed, no cell is dropped.  What a cell
means is decided by whoever reads the table (`greenlang.carbon.activity`).  `formats` knows what reads and
writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from greenlang.errors import DataError, InputError, Problem, nearest
from greenlang_core.texts import TextCoder, Texts

__all__ = [
    "CHUNK_ROWS",
    "StringColumn",
    "Table",
    "TableBuilder",
    "add_texts",
    "column_names",
    "combine_codes",
    "merge_rows",
    "split_rows",
    "unite_rows",
    "unreadable",
]

#: Rows read in one go. Nine columns of them stay in the second-level cache (16 times as many took twice as
#: long), and as lists they are too few for the garbage collector to look at (which took a third of reading).
CHUNK_ROWS = 512

#: Columns of a `portable` table: a row's number in its file, and the cells of a row of the wrong width.
LINE_COLUMN = "(row)"
WIDTH_COLUMN = "(cells)"

#: Pairs of codes that are told apart by a mark for each that there could be.
MOST_PAIRS = 1 << 22

#: How many of a table's columns a message lists.
SHOWN_COLUMNS = 12

#: Codes of one column: which of its distinct texts stands in each row.
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StringColumn:
    """A column of text: `values[codes[row]]` is the cell of a row."""

    codes: Codes  #: (rows,) int32
    values: Sequence[str]  #: distinct texts in order of first appearance

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> StringColumn:
        """Code a column of texts.

        Raises
        ------
        InputError
            For a lone surrogate, which a file that is read in its own encoding never gives.
        """
        coder = TextCoder()
        add_texts(coder, texts)
        return cls.of(coder)

    @classmethod
    def of(cls, coder: TextCoder) -> StringColumn:
        """The column that a coder was given; the coder is empty afterwards."""
        codes, values = coder.finish()
        if len(values) == 1:
            # Pages of zeros that nobody writes to take no memory, and most tables have such columns.
            return cls(np.zeros(len(codes), dtype=np.int32), values)
        return cls(np.asarray(codes), values)

    @classmethod
    def constant(cls, text: str, rows: int) -> StringColumn:
        """The same text in every row."""
        return cls(np.zeros(rows, dtype=np.int32), Texts((text,)))

    def stripped(self) -> StringColumn:
        """The column without white space around its texts, coded anew where two texts became one."""
        if isinstance(self.values, Texts) and not self.values.may_have_space():
            return self
        if all(text == text.strip() for text in self.values):
            return self
        once = StringColumn.from_texts(text.strip() for text in self.values)
        return StringColumn(once.codes[self.codes], once.values)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])]

    def texts(self, start: int = 0, stop: int | None = None) -> list[str]:
        """The cells of rows `start` to `stop`."""
        values, codes = self.values, self.codes[start:stop]
        if isinstance(values, Texts):
            return values.take(codes)
        return [values[code] for code in codes.tolist()]


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
    #: For a part of a file: rows whose id stands before this part already, and the number of that row.
    repeated: Mapping[int, int] = field(default_factory=dict, compare=False)

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

    def __iter__(self) -> Iterator[dict[str, str]]:
        """The rows as records, one at a time."""
        for start in range(0, len(self), CHUNK_ROWS):
            for cells in self.rows(start, start + CHUNK_ROWS):
                yield dict(zip(self.columns, cells, strict=True))

    def joined(self, others: Sequence[Table]) -> Table:
        """The table with the rows of others after its own, each with the number that it had in its file.

        Raises
        ------
        DataError
            If a table has other columns than this one; their order does not count.
        """
        tables = [self, *others]
        widths: dict[int, int] = {}
        lines: list[int] = []
        for table in tables:
            self._check_columns(table)
            widths |= {len(lines) + row: cells for row, cells in table.widths.items()}
            lines += map(table.line, range(len(table)))
        return Table(
            " and ".join(dict.fromkeys(table.name for table in tables)),
            {name: _end_to_end([table.columns[name] for table in tables]) for name in self.columns},
            np.array(lines, dtype=np.int32),
            widths,
            self.header_width,
        )

    def _check_columns(self, other: Table) -> None:
        other.require(self.columns)
        more = [name for name in other.columns if name not in self.columns]
        if more:
            fix = f"remove it, or add it to {self.name}"
            told = f"the column is not in {self.name}, which it is joined to"
            raise DataError(other.name, [Problem(1, name, told, fix) for name in more])

    @classmethod
    def from_rows(cls, name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
        """A table from its rows of cells."""
        builder = TableBuilder(columns)
        source = iter(rows)
        while chunk := list(islice(source, CHUNK_ROWS)):
            builder.add(list(zip(*chunk, strict=True)))
        return cls(name, builder.columns())

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


def _end_to_end(columns: Sequence[StringColumn]) -> StringColumn:
    """One column with the rows of several."""
    # The distinct texts of all of them as rows, so that the codes there are the new codes of the old ones.
    distinct = StringColumn.from_texts(text for column in columns for text in column.values)
    pieces, start = [], 0
    for column in columns:
        new_codes = distinct.codes[start : start + len(column.values)]
        pieces.append(new_codes[column.codes])
        start += len(column.values)
    return StringColumn(np.concatenate(pieces), distinct.values)


class TableBuilder:
    """Codes the columns of a table chunk by chunk, in the memory of its distinct texts."""

    def __init__(self, columns: Iterable[str] = ()) -> None:
        #: By column; whoever has cells in memory of its own adds them there, the same number to each.
        self.coders = {column: TextCoder() for column in columns}

    @property
    def count(self) -> int:
        """Rows so far."""
        return len(next(iter(self.coders.values()))) if self.coders else 0

    def add(self, cells: Sequence[Sequence[str]]) -> None:
        """Add rows by column, all columns of equal length and in order."""
        for coder, texts in zip(self.coders.values(), cells, strict=True):
            add_texts(coder, texts)

    def add_rows(self, rows: list[list[str]]) -> None:
        """Add rows by their cells, as many as there are columns."""
        for position, coder in enumerate(self.coders.values()):
            coder.add_column(rows, position)

    def expect(self, read: int, size: int) -> None:
        """Make room for the rows of `size` bytes, were they as those of the `read` bytes so far."""
        rows = self.count * size // read
        for coder in self.coders.values():
            coder.expect(rows + rows // 32)

    def widen(self, column: str) -> None:
        """Add a column that is empty in all rows so far."""
        coder, rows = TextCoder(), self.count
        if rows:
            coder.codes_of([""])
            coder.add_codes(np.zeros(rows, dtype=np.int32))
        self.coders[column] = coder

    def columns(self) -> dict[str, StringColumn]:
        """The columns; the builder is empty afterwards."""
        return {name: StringColumn.of(coder) for name, coder in self.coders.items()}


def add_texts(coder: TextCoder, texts: Iterable[str]) -> None:
    """Add rows to a coder (see `StringColumn.from_texts`)."""
    try:
        coder.add(texts)
    except UnicodeEncodeError as error:
        raise InputError(
            f"a text holds {error.object[error.start]!a}, which is no character",
            fix="read the file in the encoding it was written in",
        ) from error


def combine_codes(groups: Codes, group_count: int, codes: Codes, code_count: int) -> tuple[Codes, int]:
    """Code pairs of codes anew, as few as there are: rows that are equal in both get one code, in no order.

    Returns
    -------
    tuple
        The codes, from 0, and how many there are.
    """
    if code_count == 1:
        return groups, group_count
    if group_count * code_count > MOST_PAIRS:
        # Too many to mark each: sorting the rows takes ten times as long, and less memory than they would.
        wide_pairs = groups * np.int64(code_count) + codes
        found, combined = np.unique(wide_pairs, return_inverse=True)
        return combined.astype(np.int32), len(found)
    pairs = codes if group_count == 1 else groups * np.int32(code_count) + codes
    used = np.zeros(group_count * code_count, dtype=np.bool_)
    used[pairs] = True
    if used.all():
        return pairs, len(used)
    position = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return position[pairs], int(position[-1]) + 1 if len(position) else 0


def split_rows(rows: Codes, groups: Codes, count: int) -> list[Codes]:
    """The rows of each group that has any, in the order that they have."""
    if count == 1:
        return [rows] if len(rows) else []
    # NumPy sorts integers of 16 bits without comparing them.
    keys = groups.astype(np.uint16) if count <= 1 << 16 else groups
    ends = np.cumsum(np.bincount(groups, minlength=count))
    parts = np.split(rows[np.argsort(keys, kind="stable")], ends[:-1])
    return [part for part in parts if len(part)]


def unite_rows(parts: Sequence[Codes], length: int) -> Codes:
    """The rows of all parts ascending, each once; `length` rows are to be of a part."""
    taken = np.zeros(length, dtype=np.bool_)
    for rows in parts:
        taken[rows] = True
    return np.flatnonzero(taken).astype(np.int32)


def merge_rows(parts: Sequence[Codes], length: int) -> tuple[Codes, Codes]:
    """The rows of all parts ascending, each once, and which part each is of (the last, if it is of several).

    Parameters
    ----------
    length : int
        How many rows there are to be of a part.
    """
    part_of = np.full(length, -1, dtype=np.int32)
    for position, rows in enumerate(parts):
        part_of[rows] = position
    if sum(map(len, parts)) >= length and (part_of >= 0).all():
        return np.arange(length, dtype=np.int32), part_of
    found = np.flatnonzero(part_of >= 0).astype(np.int32)
    return found, part_of[found]


def column_names(name: str, headings: Sequence[str]) -> list[str]:
    """The names of a file's columns, without white space around them.

    Raises
    ------
    DataError
        For columns without a name, or with one that another has or that tables keep for themselves.
    """
    names = [heading.strip() for heading in headings]
    problems = []
    for position, column in enumerate(names):
        if not column:
            problems.append(Problem(1, "", f"column {position + 1} has no name", "give every column a name"))
        elif column in (LINE_COLUMN, WIDTH_COLUMN):
            problems.append(Problem(1, column, "no column may have this name", "rename it"))
        elif column in names[:position]:
            problems.append(Problem(1, column, "two columns have this name", "rename one of them"))
    if problems:
        raise DataError(name, problems)
    return names


def unreadable(name: str, line: int, message: str, fix: str) -> DataError:
    """What keeps a file from being read, by the row where it stands."""
    return DataError(name, [Problem(line, "", message, fix)])
