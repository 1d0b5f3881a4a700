"""Tables read by ranges of rows, so that many hands can share a file that no memory holds.

Parquet is read by its row groups, Arrow IPC from memory that the system maps.  CSV and JSON lines have no
places to begin at: `keep_table` writes what was read of them as an Arrow file, whose ranges are read instead.
"""

from __future__ import annotations

__all__ = ["RowSource", "keep_table", "numbered_rows", "open_rows"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from greenlang.carbon.tables.arrow_tables import (
    STREAM_MARK,
    import_pyarrow,
    read_batches,
    told_as_data_error,
)
from greenlang.carbon.tables.table import StringColumn, Table, column_names
from greenlang.errors import DataError, InputError, Problem

#: Rows of a record batch of a kept table, and of one that is read out of a Parquet file.
_KEPT_ROWS = 65_536
_READ_ROWS = 32_768

#: Distinct texts from which on a column is kept text by text: its readers would load a dictionary whole.
_MOST_CODED = 16_384

#: Bytes a cell takes at most, on average, where Parquet keeps a column as a dictionary.
_CODED_BYTES = 4


@dataclass(frozen=True)
class RowSource:
    """A table in a file, of which any range of rows can be read, in several threads at once."""

    name: str  #: what messages call it
    columns: tuple[str, ...]
    rows: int
    #: Rows after which reading can begin without reading what stands before; ascending, the first is 0.
    starts: tuple[int, ...]
    _path: Path
    #: What pyarrow knows of a Parquet file; None for Arrow.
    _parquet: Any

    def read(self, first: int, count: int, only: Iterable[str] | None = None) -> Table:
        """Rows `first` to `first + count`, as they are kept (see `numbered_rows`).

        Parameters
        ----------
        only : iterable of str, optional
            The columns that are wanted; all if it is left out.

        Raises
        ------
        DataError
            Where the file is damaged, or is not what it was when it was opened.
        """
        arrow = import_pyarrow("a batch")
        with told_as_data_error(arrow, self.name, "Arrow" if self._parquet is None else "Parquet"):
            if self._parquet is None:
                table = self._read_arrow(arrow, first, count, only)
            else:
                table = self._read_parquet(arrow, first, count, only)
        if len(table) != count:
            raise _changed(self.name)
        return table

    def _read_parquet(self, arrow: Any, first: int, count: int, only: Iterable[str] | None) -> Table:
        from pyarrow import parquet

        ends = np.array([*self.starts[1:], self.rows])
        group = int(np.searchsorted(ends, first, side="right"))
        last = int(np.searchsorted(ends, first + count - 1, side="right"))
        file = parquet.ParquetFile(
            self._path, metadata=self._parquet, read_dictionary=_coded_columns(self._parquet, group)
        )
        with file:
            batches = file.iter_batches(
                _READ_ROWS,
                row_groups=list(range(group, last + 1)),
                columns=None if only is None else list(only),
                use_threads=False,
            )
            return self._between(arrow, batches, first - self.starts[group], count)

    def _read_arrow(self, arrow: Any, first: int, count: int, only: Iterable[str] | None) -> Table:
        with arrow.memory_map(str(self._path)) as stream:
            file = arrow.ipc.open_file(stream)
            held = np.searchsorted(self.starts, (first, first + count - 1), side="right") - 1
            batches = (file.get_batch(index) for index in range(int(held[0]), int(held[1]) + 1))
            if only is not None:
                batches = (batch.select(list(only)) for batch in batches)
            return self._between(arrow, batches, first - self.starts[int(held[0])], count)

    def _between(self, arrow: Any, batches: Iterator[Any], skip: int, count: int) -> Table:
        """The table of the rows after the first `skip` of some batches."""
        first = next(batches)

        def pieces() -> Iterator[Any]:
            batch, left_out, left = first, skip, count
            while left and batch is not None:
                piece = batch.slice(left_out, left)
                left_out = max(0, left_out - batch.num_rows)
                left -= piece.num_rows
                if piece.num_rows:
                    yield piece
                batch = next(batches, None)

        names = [name.strip() for name in first.schema.names]
        return read_batches(arrow, self.name, names, first.schema, pieces())


def open_rows(path: Path, form: str, *, name: str) -> RowSource:
    """Open a file whose ranges of rows can be read.

    Parameters
    ----------
    form : str
        `parquet`, `arrow`, or `kept` for a file that `keep_table` wrote.

    Raises
    ------
    DataError
        Where it is damaged, or a column is of a type that is not read.
    InputError
        Where pyarrow is not installed, or the file is an Arrow stream, which has no ranges.
    """
    arrow = import_pyarrow("a batch")
    with told_as_data_error(arrow, name, "Parquet" if form == "parquet" else "Arrow IPC"):
        if form == "parquet":
            from pyarrow import parquet

            file = parquet.ParquetFile(path)
            known = file.metadata
            lengths = [known.row_group(index).num_rows for index in range(known.num_row_groups)]
            schema = file.schema_arrow
            file.close()
        else:
            known = None
            with path.open("rb") as stream:
                if stream.read(len(STREAM_MARK)) == STREAM_MARK:
                    raise InputError(f"'{name}' is an Arrow stream", fix="write it as an Arrow file")
            with arrow.memory_map(str(path)) as mapped:
                opened = arrow.ipc.open_file(mapped)
                lengths = [opened.get_batch(index).num_rows for index in range(opened.num_record_batches)]
                schema = opened.schema
    columns = schema.names if form == "kept" else column_names(name, schema.names)
    if not sum(lengths):
        raise DataError(name, [Problem(1, "", "the file has no rows", "add a row for each activity")])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return RowSource(name, tuple(columns), int(starts[-1]), tuple(starts[:-1].tolist()), path, known)


def numbered_rows(table: Table, first: int) -> Table:
    """The rows of a source from `first` on, each with the number that it has in the file."""
    table = table.restored()
    if not first or table.lines is not None:
        return table
    lines = np.arange(first + 2, first + 2 + len(table), dtype=np.int32)
    return Table(table.name, table.columns, lines, table.widths)


def keep_table(stream: BinaryIO, table: Table) -> None:
    """Write a table that was read, with all that it knows of its rows, as an Arrow file for `open_rows`."""
    arrow = import_pyarrow("a batch")
    table = table.portable()
    arrays = {name: _kept_column(arrow, column) for name, column in table.columns.items()}
    schema = arrow.schema([(name, array.type) for name, array in arrays.items()])
    with arrow.ipc.new_file(stream, schema) as writer:
        writer.write_table(arrow.table(arrays, schema=schema), max_chunksize=_KEPT_ROWS)


def _kept_column(arrow: Any, column: StringColumn) -> Any:
    values = arrow.array(list(column.values), type=arrow.large_string())
    codes = arrow.array(column.codes)
    if len(column.values) > _MOST_CODED:
        return values.take(codes)
    return arrow.DictionaryArray.from_arrays(codes, values.cast(arrow.string()))


def _coded_columns(known: Any, group: int) -> list[str]:
    """The columns of text that a row group keeps as codes of few texts: they are read as they are kept."""
    held = known.row_group(group)
    columns = ((index, held.column(index)) for index in range(held.num_columns))
    return [
        column.path_in_schema
        for index, column in columns
        if column.physical_type == "BYTE_ARRAY"
        and known.schema.column(index).logical_type.type == "STRING"
        and column.total_uncompressed_size <= _CODED_BYTES * held.num_rows
    ]


def _changed(name: str) -> DataError:
    message = "the file has other rows than when the batch began"
    return DataError(name, [Problem(1, "", message, "begin a new batch over it")])
