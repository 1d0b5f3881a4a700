"""Tables in Parquet and Arrow IPC, through pyarrow: the optional extra `greenlang-runtime[arrow]`.

Cells become the texts that people would write: decimals and integers in plain digits without trailing
zeros, dates as 2025-03-31, null as the empty cell.  Floats are refused: their digits are not those of
whoever wrote them down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from greenlang.carbon.tables.results import ResultColumn, ResultTable
from greenlang.carbon.tables.table import Table, TableBuilder, add_texts, column_names, unreadable
from greenlang.errors import DataError, InputError, Problem
from greenlang.exact import MAX_DIGITS, canonical_text
from greenlang_core.decimals import DecimalColumn
from greenlang_core.texts import TextCoder

__all__ = [
    "STREAM_MARK",
    "add_strings",
    "import_pyarrow",
    "read_arrow",
    "read_batches",
    "read_parquet",
    "told_as_data_error",
    "write_arrow",
    "write_parquet",
]

#: What an Arrow stream, which has no magic of its own, begins with: a message follows.
STREAM_MARK = b"\xff\xff\xff\xff"

#: Rows of Parquet that are read in one go.
BATCH_ROWS = 16_384

#: Values that are looked at to tell whether a column repeats itself.
_LOOKED_AT = 256

#: Told with the bytes read so far.
_OnBytes = Callable[[int], None] | None


def read_parquet(stream: BinaryIO, *, name: str, on_bytes: _OnBytes = None) -> Table:
    """Read a Parquet file, a batch of rows at a time.

    Raises
    ------
    DataError
        Where it is damaged, empty, or a column holds floats or anything else that is no text or number.
    InputError
        Where pyarrow is not installed.
    """
    arrow = import_pyarrow("Parquet")
    from pyarrow import parquet

    with told_as_data_error(arrow, name, "Parquet"):
        file = parquet.ParquetFile(stream)
        batches = file.iter_batches(batch_size=BATCH_ROWS)
        columns = column_names(name, file.schema_arrow.names)
        return read_batches(arrow, name, columns, file.schema_arrow, _reporting(batches, stream, on_bytes))


def read_arrow(stream: BinaryIO, *, name: str, on_bytes: _OnBytes = None) -> Table:
    """Read an Arrow IPC file or stream (see `read_parquet`)."""
    arrow = import_pyarrow("Arrow")
    from pyarrow import ipc

    with told_as_data_error(arrow, name, "Arrow IPC"):
        if stream.read(len(STREAM_MARK)) == STREAM_MARK:
            stream.seek(0)
            source = ipc.open_stream(stream)
            batches: Iterator[Any] = iter(source)
        else:
            stream.seek(0)
            source = ipc.open_file(stream)
            batches = (source.get_batch(index) for index in range(source.num_record_batches))
        columns = column_names(name, source.schema.names)
        return read_batches(arrow, name, columns, source.schema, _reporting(batches, stream, on_bytes))


def write_parquet(stream: BinaryIO, table: ResultTable) -> None:
    """Write a table; figures are decimals of 38 digits.

    Raises
    ------
    InputError
        Where pyarrow is not installed.
    """
    arrow = import_pyarrow("Parquet")
    from pyarrow import parquet

    parquet.write_table(_arrow_table(arrow, table), stream)


def write_arrow(stream: BinaryIO, table: ResultTable) -> None:
    """Write a table as an Arrow IPC file (see `write_parquet`)."""
    arrow = import_pyarrow("Arrow")
    made = _arrow_table(arrow, table)
    with arrow.ipc.new_file(stream, made.schema) as writer:
        writer.write_table(made)


def import_pyarrow(kind: str) -> Any:
    """pyarrow, which is imported when it is first needed.

    Raises
    ------
    InputError
        Where it is not installed, with `kind` as what needs it.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(
            f"{kind} takes pyarrow, which is not installed",
            fix="install it with: pip install 'greenlang-runtime[arrow]', or use CSV or JSON lines",
        ) from error
    return pyarrow


@contextmanager
def told_as_data_error(arrow: Any, name: str, kind: str) -> Iterator[None]:
    """Tell what pyarrow says of a file in this format as what is wrong with the file."""
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        told = str(error).partition("\n")[0].rstrip(".")
        fix = "copy or export it again"
        raise unreadable(name, 1, f"the file is no {kind}, or is cut off or damaged ({told})", fix) from error
    except UnicodeDecodeError as error:
        raise unreadable(name, 1, "a text of the file is not UTF-8", "export it again as UTF-8") from error


def _reporting(batches: Iterator[Any], stream: BinaryIO, on_bytes: _OnBytes) -> Iterator[Any]:
    for batch in batches:
        yield batch
        if on_bytes is not None:
            on_bytes(stream.tell())


def read_batches(arrow: Any, name: str, columns: Sequence[str], schema: Any, batches: Iterator[Any]) -> Table:
    """The table of some record batches of one schema, its columns named anew.

    Raises
    ------
    DataError
        Where a column is of a type that is not read, or there are no rows.
    """
    refused = [
        problem
        for column, field in zip(columns, schema, strict=True)
        if (problem := _refused(arrow, column, field.type)) is not None
    ]
    if refused:
        raise DataError(name, refused)
    builder = TableBuilder(columns)
    for batch in batches:
        # Offsets of a damaged file may lead outside its buffers, and readers do not look.
        batch.validate(full=True)
        for coder, column in zip(builder.coders.values(), batch.columns, strict=True):
            _add(arrow, coder, column)
    if not builder.count:
        raise unreadable(name, 1, "the file has no rows", "add a row for each activity")
    return Table(name, builder.columns())


def _refused(arrow: Any, column: str, kind: Any) -> Problem | None:
    """Why a column of this type is not read."""
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_floating(kind):
        return Problem(
            1,
            column,
            f"the column holds floats ({kind}), whose digits are not those that were measured",
            "write it as decimal128(38, 6) or as text: '0.1' where a float shows 0.1",
        )
    readable = (
        types.is_string, types.is_large_string, types.is_string_view, types.is_integer, types.is_decimal,
        types.is_date, types.is_boolean, types.is_null,
    )  # fmt: skip
    if any(is_kind(kind) for is_kind in readable):
        return None
    return Problem(1, column, f"the column holds {kind}", "write it as text, a decimal, an integer or a date")


def add_strings(coder: TextCoder, array: Any) -> None:
    """Add a validated Arrow array of strings from its memory; what is null becomes the empty cell."""
    validity, offsets, data = array.buffers()
    width = np.int64 if str(array.type) == "large_string" else np.int32
    coder.add_utf8(
        np.frombuffer(offsets, dtype=width), data, len(array), first=array.offset, validity=validity
    )


def _add(arrow: Any, coder: TextCoder, array: Any) -> None:
    """Add a column of a batch; of what is no string only the distinct values become Python objects."""
    if arrow.types.is_string(array.type) or arrow.types.is_large_string(array.type):
        if len(array):
            add_strings(coder, array)
        return
    if arrow.types.is_decimal128(array.type) and _mostly_differ(array):
        add_texts(coder, _texts(arrow, array))
        return
    coded = array if arrow.types.is_dictionary(array.type) else array.dictionary_encode()
    values, nothing = coded.dictionary, len(coded.dictionary)
    # What is null has no code; it gets that of one more value, the empty text.
    codes = coded.indices.fill_null(nothing).to_numpy(zero_copy_only=False)
    if coded is array or array.null_count:
        used = _used(codes, nothing + 1)
        texts = _texts(arrow, values.take(arrow.array(used[used < nothing])))
        if array.null_count:
            texts.insert(int(np.flatnonzero(used == nothing)[0]), "")
        position = np.zeros(nothing + 1, dtype=np.int32)
        position[used] = np.arange(len(used))
        codes = position[codes]
    else:
        texts = _texts(arrow, values)  # Arrow codes in order of first appearance, as the coder does
    known = coder.codes_of(texts)
    coder.add_codes(np.asarray(known)[codes])


def _mostly_differ(array: Any) -> bool:
    """Whether next to no value stands twice, as far as the first ones tell: coding them saves nothing."""
    first = array.slice(0, _LOOKED_AT)
    return len(array) >= _LOOKED_AT and not array.null_count and len(first.unique()) > _LOOKED_AT * 0.9


def _used(codes: npt.NDArray[Any], count: int) -> npt.NDArray[np.intp]:
    """Which of `count` codes rows have, in order of first appearance.

    A dictionary may hold values that no row here has, and hold them in any order; readers of a column with as
    many values as rows take these for the rows.
    """
    first = np.full(count, -1)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    used = np.flatnonzero(first >= 0)
    return used[np.argsort(first[used])]


def _texts(arrow: Any, values: Any) -> list[str]:
    if arrow.types.is_decimal128(values.type) and values.type.scale > 0 and not values.null_count:
        # The same texts as `canonical_text` gives, without a Decimal for each.
        figures: list[str] = DecimalColumn.from_arrow(values).to_strings(trimmed=True)
        return figures
    return [_text(value) for value in values.to_pylist()]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return canonical_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _arrow_table(arrow: Any, table: ResultTable) -> Any:
    return arrow.table({column.name: _arrow_array(arrow, column) for column in table.columns})


def _arrow_array(arrow: Any, column: ResultColumn) -> Any:
    kinds = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "decimal": arrow.decimal128(MAX_DIGITS, column.places),
    }
    return arrow.array(column.cells, type=kinds[column.kind])
