"""Tables of batches as files, sent as they are made."""

from __future__ import annotations

__all__ = ["CSV", "OTHER_FORMATS", "batch_file"]

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

from greenlang.carbon import TABLE_FORMATS
from greenlang.engine.batches import BatchFolder, encode_tables
from greenlang.service.operations.batch_told import is_done, not_done
from greenlang.service.wire import Call, Stream

#: What a format is sent as.
_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
_FORMATS = {media_type: name for name, media_type in _TYPES.items()}

CSV = _TYPES["csv"]
OTHER_FORMATS = tuple(one for one in _FORMATS if one != CSV)


async def batch_file(
    call: Call,
    folder: BatchFolder,
    tables: Callable[[], Iterator[Any]],
    form: str | None,
    limit: int | None,
    what: str,
) -> Stream:
    """Some tables as a file, sent as it is made.

    Raises
    ------
    Refusal
        409 if the batch is not done.
    InputError
        If it cannot be made: the input was changed meanwhile.
    """
    if not is_done(folder):
        raise not_done(folder)
    made = TABLE_FORMATS[form or _FORMATS.get(call.gives, "csv")]
    wanted = tables() if limit is None else _at_most(tables(), limit)
    pieces = encode_tables(wanted, made)
    # What keeps it from being made shows in the first piece, and can still be told.
    first = await asyncio.to_thread(next, pieces, b"")
    named = f'attachment; filename="{folder.batch_id}-{what}{made.suffixes[0]}"'
    return Stream(_TYPES[made.name], _after(first, pieces), (("Content-Disposition", named),))


async def _after(first: bytes, pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """A file, a piece at a time, each made in a thread while others are answered."""
    piece: bytes | None = first
    while piece is not None:
        if piece:
            yield piece
        piece = await asyncio.to_thread(next, pieces, None)


def _at_most(tables: Iterator[Any], rows: int) -> Iterator[Any]:
    for table in tables:
        yield table.slice(0, rows)
        rows -= min(rows, len(table))
        if not rows:
            return
