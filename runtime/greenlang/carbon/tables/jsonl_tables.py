"""Tables in JSON lines: one object a line, UTF-8; a number is taken as it is written, so it is exact."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from greenlang.carbon.tables.results import ResultTable
from greenlang.carbon.tables.table import CHUNK_ROWS, Table, TableBuilder, column_names, unreadable
from greenlang.errors import DataError, Problem

__all__ = ["read_jsonl", "table_of_objects", "write_jsonl"]

#: Numbers that are no integers come as they are written; integers have one way of being written.
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)

_MEND = "write one JSON object a line, such as " + '{"id": "A-1", "quantity": 12.5}'


def read_jsonl(stream: BinaryIO, *, name: str, on_bytes: Callable[[int], None] | None = None) -> Table:
    """Read a file of JSON lines; columns are the names of all objects, in order of first appearance.

    What an object leaves out, and what is null, is an empty cell.  Rows are counted as in a table, the first
    object being row 2, so that the same data in any format give the same messages and hashes.

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
        Where the file is empty or a line of it is no object of texts and numbers.
    """
    on_chunk = None if on_bytes is None else lambda: on_bytes(stream.tell())
    return table_of_objects(_objects(stream, name), name=name, on_chunk=on_chunk)


def table_of_objects(
    objects: Iterable[Mapping[str, Any]], *, name: str, on_chunk: Callable[[], None] | None = None
) -> Table:
    """The table whose rows are these objects of texts and integers; decimals are given as texts.

    Raises
    ------
    DataError
        Where there is no object, or a cell of one is neither a text nor a number.
    """
    rows = iter(objects)
    builder = TableBuilder()
    columns: list[str] = []
    while chunk := list(islice(rows, CHUNK_ROWS)):
        for row in chunk:
            if len(row) != len(columns) or not all(map(row.__contains__, columns)):
                for heading in (heading for heading in row if heading not in columns):
                    columns.append(heading)
                    column_names(name, columns)
                    builder.widen(heading)
        builder.add([_texts(chunk, column, builder.count, name) for column in columns])
        if on_chunk is not None:
            on_chunk()
    if not builder.count:
        raise unreadable(name, 1, "the file is empty", _MEND)
    return Table(name, builder.columns())


def _objects(stream: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """The objects of the lines; blank lines are passed over."""
    decode = _DECODER.decode
    for number, line in enumerate(stream, start=1):
        if line.isspace():
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            row = decode(line)
        except msgspec.ValidationError as error:
            told = str(error)
            raise _bad_line(name, number, f"is not an object of cells ({told})", _MEND) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            mend = "save the file as UTF-8" if isinstance(error, UnicodeDecodeError) else _MEND
            raise _bad_line(name, number, f"is not JSON ({error})", mend) from error
        # Of two equal names the decoder keeps the last; there are none where no colon is left over.
        if line.count(b":") > len(row) and (twice := _named_twice(line)):
            raise _bad_line(name, number, f"names '{twice}' twice", "leave one of them out")
        yield row


def _named_twice(line: bytes) -> str:
    """The first name that the outermost object of a line has twice."""
    pairs: list[tuple[str, object]] = json.loads(line, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    return next((name for name in names if names.count(name) > 1), "")


def _texts(rows: list[Mapping[str, Any]], column: str, first: int, name: str) -> list[str]:
    cells = [row.get(column, "") for row in rows]
    return [
        cell if type(cell) is str else _text(cell, column, first + position, name)
        for position, cell in enumerate(cells)
    ]


def _text(cell: object, column: str, row: int, name: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    kind = "an object" if isinstance(cell, dict) else "a list"
    raise DataError(
        name, [Problem(row + 2, column, f"the cell is {kind}", "write a text or a number, or leave it out")]
    )


def _bad_line(name: str, number: int, message: str, fix: str) -> DataError:
    return unreadable(name, number + 1, f"line {number} of the file {message}", fix)


def write_jsonl(stream: BinaryIO, table: ResultTable) -> None:
    """Write a table, an object a line: decimals are texts, so that no reader makes floats of them."""
    cells = [column.texts() if column.kind == "decimal" else column.cells for column in table.columns]
    for row in zip(*cells, strict=True):
        told = {
            column.name: None if column.kind == "decimal" and not cell else cell
            for column, cell in zip(table.columns, row, strict=True)
        }
        stream.write(msgspec.json.encode(told) + b"\n")
