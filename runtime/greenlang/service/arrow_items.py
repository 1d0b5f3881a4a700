"""What came of each activity as an Arrow stream: a column for each series, in the memory that it has.

Columns are `row`, `id`, `status`, `selections` (positions with a space between), one of decimals for each
series, and `errors` (JSON, as an item of the answer in JSON has them).  The schema's metadata hold the rest
of the answer, as JSON under `greenlang`.
"""

from __future__ import annotations

__all__ = ["ARROW_STREAM", "encode_arrow"]

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from greenlang.engine.calculations import KeptSeries, Outcome
from greenlang.errors import InputError
from greenlang.exact import MAX_DIGITS
from greenlang.ledger import FIRST_ROW
from greenlang.service.items import failures
from greenlang.service.messages import Fault

ARROW_STREAM = "application/vnd.apache.arrow.stream"

_encode = msgspec.json.Encoder().encode


def encode_arrow(
    outcome: Outcome, refused: Mapping[int, Sequence[Fault]], rest: Mapping[str, object]
) -> bytes:
    """The rows of a calculation, and the `rest` of its answer.

    Raises
    ------
    InputError
        Where pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
    except ImportError as error:
        raise InputError(
            "an answer in Arrow takes pyarrow, which the server has not",
            fix="ask for application/json, or have greenlang-runtime[arrow] installed",
        ) from error
    count = len(outcome)
    failed = failures(outcome, refused)
    entries = [" ".join(one) if one is not None else None for one in outcome.entries]
    columns: dict[str, Any] = {
        "row": arrow.array(np.arange(FIRST_ROW, count + FIRST_ROW, dtype=np.int32)),
        "id": arrow.array(outcome.ids, type=arrow.string()),
        "status": _coded(arrow, _failed_codes(count, failed), ["computed", "failed"]),
        "selections": _coded(arrow, outcome.codes, entries),
    }
    kind = arrow.decimal128(MAX_DIGITS, outcome.scale)
    for series in outcome.series:
        columns[series.name] = _decimals(arrow, kind, series, count)
    if failed:
        errors: list[str | None] = [None] * count
        for row, item in failed.items():
            errors[row] = _encode(item.errors).decode()
        columns["errors"] = arrow.array(errors, type=arrow.string())
    batch = arrow.record_batch(list(columns.values()), list(columns))
    batch = batch.replace_schema_metadata({"greenlang": _encode(rest)})
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    made: bytes = sink.getvalue().to_pybytes()
    return made


def _failed_codes(count: int, failed: Mapping[int, object]) -> Any:
    codes = np.zeros(count, dtype=np.int32)
    codes[list(failed)] = 1
    return codes


def _coded(arrow: Any, codes: Any, values: Sequence[str | None]) -> Any:
    return arrow.DictionaryArray.from_arrays(codes, arrow.array(values, type=arrow.string()))


def _decimals(arrow: Any, kind: Any, series: KeptSeries, count: int) -> Any:
    """Decimals of every row from those of some, null where a row has none."""
    if series.row_bytes is None:
        return arrow.Array.from_buffers(kind, count, [None, arrow.py_buffer(series.figure_bytes)])
    rows = series.rows(count)
    # NumPy has no integer of 16 bytes; nothing is computed with figures here.
    figures = np.zeros(count, dtype=np.complex128)
    figures[rows] = np.frombuffer(series.figure_bytes, dtype=np.complex128)
    present = np.zeros(count, dtype=np.bool_)
    present[rows] = True
    validity = np.packbits(present, bitorder="little")
    return arrow.Array.from_buffers(
        kind, count, [arrow.py_buffer(validity), arrow.py_buffer(figures)], count - len(rows)
    )
