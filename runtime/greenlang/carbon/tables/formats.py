"""The formats of tables: which one a file is in, and what reads and writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from greenlang.carbon.tables.arrow_tables import (
    STREAM_MARK,
    read_arrow,
    read_parquet,
    write_arrow,
    write_parquet,
)
from greenlang.carbon.tables.csv_tables import read_csv, write_csv
from greenlang.carbon.tables.jsonl_tables import read_jsonl, write_jsonl
from greenlang.carbon.tables.results import ResultTable
from greenlang.carbon.tables.table import Table
from greenlang.errors import InputError, nearest

__all__ = ["TABLE_FORMATS", "TableFormat", "format_of_content", "format_of_suffix"]


class _Reader(Protocol):
    """Reads a whole file that stands at its start."""

    def __call__(
        self, stream: BinaryIO, *, name: str, on_bytes: Callable[[int], None] | None = None
    ) -> Table: ...


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A format of tables; all of them hold the same cells."""

    name: str
    title: str
    suffixes: tuple[str, ...]  #: the first is the usual one
    marks: tuple[bytes, ...]  #: what such a file begins with, where that tells it from any other
    binary: bool  #: nothing to look at on a terminal
    read: _Reader
    write: Callable[[BinaryIO, ResultTable], None]


TABLE_FORMATS = {
    made.name: made
    for made in (
        TableFormat("csv", "CSV", (".csv", ".txt"), (), False, read_csv, write_csv),
        TableFormat("jsonl", "JSON lines", (".jsonl", ".ndjson"), (), False, read_jsonl, write_jsonl),
        TableFormat("parquet", "Parquet", (".parquet", ".pq"), (b"PAR1",), True, read_parquet, write_parquet),
        TableFormat(
            "arrow",
            "Arrow",
            (".arrow", ".arrows", ".ipc", ".feather"),
            (b"ARROW1", STREAM_MARK),
            True,
            read_arrow,
            write_arrow,
        ),
    )
}

#: Suffixes of files that hold tables in formats that are not read, and what to write instead.
_OTHER_SUFFIXES = {
    ".xlsx": "export it as CSV UTF-8 (comma delimited)",
    ".xls": "export it as CSV UTF-8 (comma delimited)",
    ".json": "write one JSON object a line, in a .jsonl file",
}


def format_of_content(path: Path, start: bytes) -> TableFormat:
    """The format of a file: what it begins with decides, then its suffix; CSV if neither does.

    Raises
    ------
    InputError
        If its suffix is that of a format that is not read.
    """
    for known in TABLE_FORMATS.values():
        if start.startswith(known.marks):
            return known
    suffix = path.suffix.casefold()
    if suffix in _OTHER_SUFFIXES:
        raise InputError(
            f"'{path}' is not in a format that tables are read from", fix=_OTHER_SUFFIXES[suffix]
        )
    by_suffix = _BY_SUFFIX.get(suffix)
    if by_suffix is not None:
        return by_suffix
    return TABLE_FORMATS["jsonl" if start.startswith(b"{") else "csv"]


def format_of_suffix(path: Path) -> TableFormat:
    """The format to write a file in, by its suffix.

    Raises
    ------
    InputError
        If no format has it.
    """
    suffix = path.suffix.casefold()
    if suffix not in _BY_SUFFIX:
        close = nearest(suffix, _BY_SUFFIX)
        fix = f"call it {path.with_suffix(close[0]).name}" if close else f"end it in {', '.join(_USUAL)}"
        raise InputError(f"'{path}' does not say the format of a table", fix=fix)
    return _BY_SUFFIX[suffix]


_BY_SUFFIX = {suffix: known for known in TABLE_FORMATS.values() for suffix in known.suffixes}
_USUAL = [known.suffixes[0] for known in TABLE_FORMATS.values()]
