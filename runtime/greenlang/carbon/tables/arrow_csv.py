"""CSV through pyarrow, where it is installed and a file is so plain that every reader finds the same cells.

Readers of CSV differ on quotes, blank lines, stray carriage returns and rows of the wrong width.  A block of
whole lines without any of these is nothing but commas and line ends, and pyarrow reads it several times as
fast as the standard library; from the first block that is different, the standard library reads on.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from csv import field_size_limit
from importlib.util import find_spec
from typing import Any, BinaryIO

from greenlang.carbon.tables.arrow_tables import add_strings
from greenlang.carbon.tables.table import TableBuilder

__all__ = ["add_plain_rows", "plain_header", "size_of"]

#: Read in one go; a file that is smaller is read before pyarrow is imported.
BLOCK_BYTES = 1024 * 1024


def plain_header(stream: BinaryIO) -> tuple[str | None, bytes]:
    """Read the beginning of a file.

    Returns
    -------
    tuple
        Its first line, and what was read after it; None and all that was read, where the file is not for
        pyarrow.
    """
    start = stream.read(BLOCK_BYTES)
    if len(start) < BLOCK_BYTES or find_spec("pyarrow") is None:
        return None, start
    line, end, rest = start.partition(b"\n")
    if not end or not _is_plain(line.removeprefix(BOM_UTF8) + end):
        return None, start
    try:
        return line.decode("utf-8-sig"), rest
    except UnicodeDecodeError:
        return None, start


def size_of(stream: BinaryIO) -> int:
    """The bytes of a file; 0 where nobody knows before it is read."""
    if not stream.seekable():
        return 0
    here = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    return size


def add_plain_rows(
    stream: BinaryIO, builder: TableBuilder, unread: bytes, on_bytes: Callable[[int], None] | None
) -> bytes:
    """Add the rows of a file up to the first block that readers may differ on.

    Parameters
    ----------
    unread : bytes
        What was read of the stream and not used.

    Returns
    -------
    bytes
        What was read and not used in the end; where the stream is at its end too, at most one line.
    """
    size = size_of(stream)
    blocks = _PlainBlocks(stream, list(builder.coders), unread)
    # pyarrow reads a block while the one before is coded.
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(blocks.next)
        while (rows := ahead.result()) is not None:
            read = blocks.read
            used = read - len(blocks.unread)
            ahead = reader.submit(blocks.next)
            for coder, column in zip(builder.coders.values(), rows.columns, strict=True):
                for chunk in column.chunks:
                    add_strings(coder, chunk)
            if size:
                builder.expect(used, size)
                size = 0  # told once
            if on_bytes is not None:
                on_bytes(read)
    return blocks.unread


class _PlainBlocks:
    """Reads a file block by block, as tables of pyarrow."""

    def __init__(self, stream: BinaryIO, columns: list[str], unread: bytes) -> None:
        import pyarrow as arrow
        from pyarrow import csv

        self._stream = stream
        self._arrow = arrow
        self._csv = csv
        self._columns = columns
        self._parse_options = csv.ParseOptions(quote_char=False)
        self._convert_options = csv.ConvertOptions(
            column_types=dict.fromkeys(columns, "string"), strings_can_be_null=False
        )
        #: Bytes that no block before was made of.
        self.unread = unread
        #: How far the stream was read.
        self.read = stream.tell()

    def next(self) -> Any:
        """The rows of the next block; None at the first that readers may differ on, and at the end."""
        whole = self.unread.rfind(b"\n") + 1
        lines = self.unread[:whole]
        if not _is_plain(lines):
            return None
        read_options = self._csv.ReadOptions(
            column_names=self._columns, use_threads=False, block_size=len(lines)
        )
        try:
            rows = self._csv.read_csv(
                self._arrow.BufferReader(lines), read_options, self._parse_options, self._convert_options
            )
        except self._arrow.ArrowInvalid:
            # Rows of the wrong width, or what is no UTF-8: the standard library's reader says where.
            return None
        if rows.num_rows != lines.count(b"\n"):
            # Blank lines were passed over, and the rows behind them have other numbers.
            return None
        self.unread = self.unread[whole:] + self._stream.read(BLOCK_BYTES)
        self.read = self._stream.tell()
        return rows


def _is_plain(lines: bytes) -> bool:
    """Whether whole lines hold nothing that readers of CSV differ on, but for the number of cells."""
    if not lines or b'"' in lines or b"\0" in lines:
        return False
    # A byte-order mark, which pyarrow drops, is none here: these are not the first bytes of the file.
    if lines.startswith(BOM_UTF8):
        return False
    if b"\r" in lines and lines.count(b"\r") != lines.count(b"\r\n"):
        return False
    # No cell is longer than the standard library takes: no stretch of half as much is without a line end.
    stretch = field_size_limit() // 2
    return all(
        lines.find(b"\n", start, start + stretch) >= 0
        for start in range(0, max(len(lines) - stretch, 1), stretch)
    )
