"""Reads the rows of a bundle a range at a time, where they are written just as we write them.

That is nearly always so, and takes a quarter of the time of row by row. What is written in any other way, or
is no row, is refused here with False and nothing added: whoever goes on row by row can say what is wrong.
"""

from __future__ import annotations

__all__ = ["add_result_rows", "add_table_rows"]

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.labels import Label
from greenlang.ledger.ranges import FIRST_ROW, ROWS_PER_RANGE, ItemTree
from greenlang.ledger.rows import RowTree, SparseSeries
from greenlang_core.decimals import DecimalColumn

_TABLE_ROWS = msgspec.json.Decoder(list[list[str | None]])
_RESULT_ROWS = msgspec.json.Decoder(list[dict[str, str | list[str] | int]])


def add_table_rows(tree: ItemTree, rows: Sequence[bytes]) -> bool:
    """Add rows of an input table, a range of them at most."""
    joined = b",".join(rows)
    # After rows that are none, and were not added, the tree is somewhere within a range.
    if len(tree) % ROWS_PER_RANGE + len(rows) > ROWS_PER_RANGE or not _is_canonical(_TABLE_ROWS, joined):
        return False
    tree.add_joined(joined, len(rows))
    return True


def add_result_rows(tree: RowTree, rows: Sequence[bytes]) -> bool:
    """Add rows of a result, which follow those of the tree."""
    schema = tree.schema
    joined = b",".join(rows)
    if not _is_canonical(_RESULT_ROWS, joined):
        return False
    values = _RESULT_ROWS.decode(b"[" + joined + b"]")
    first = len(tree)
    if [value.get("row") for value in values] != list(
        range(first + FIRST_ROW, first + FIRST_ROW + len(rows))
    ):
        return False
    if not set(chain.from_iterable(values)) <= {"row", *schema.labels, *schema.series}:
        return False
    series = {}
    for name in schema.series:
        found = _series([value.get(name) for value in values], first, schema.scale)
        if found is None:
            return False
        series[name] = found
    labels: dict[str, list[Label]] = {}
    for name in schema.labels:
        given = [value.get(name) for value in values]
        if any(isinstance(label, int) for label in given):
            return False
        labels[name] = [label for label in given if not isinstance(label, int)]
    tree.add_columns(len(rows), series, labels)
    return True


def _is_canonical(decoder: msgspec.json.Decoder[Any], joined: bytes) -> bool:
    """Whether rows are of their type and written as we write them: sorted, compact, each name once."""
    text = b"[" + joined + b"]"
    try:
        return encode_plain(decoder.decode(text)) == text
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def _series(texts: Sequence[object], first: int, scale: int) -> SparseSeries | None:
    """The figures of a series; None where one is not written as results write it."""
    places = [place for place, text in enumerate(texts) if text is not None]
    figures = [texts[place] for place in places]
    try:
        column = DecimalColumn.from_strings(figures, scale)  # type: ignore[arg-type]  # refused where it is no text
    except (TypeError, ValueError, OverflowError):
        return None
    if column.to_strings(trimmed=True) != figures:
        return None
    return SparseSeries(np.array(places, dtype=np.int64) + first, memoryview(column))
