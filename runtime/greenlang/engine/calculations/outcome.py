"""What a calculation gave row by row, as it is kept beside its record: columns, and the leaves over them.

One thing serves three: the answer is written from it, in whatever format; a request that is repeated gets the
same answer again; and a row is proved from it at any later time.
"""

from __future__ import annotations

__all__ = ["KeptSeries", "Outcome", "Refused", "outcome_of", "prove_outcome_row", "read_outcome"]

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.engine.evidence import LABELS, Evidence
from greenlang.errors import InputError, InternalError
from greenlang.ledger import FIRST_ROW, ROWS_PER_RANGE, RowProof, inclusion_of
from greenlang_core.decimals import DecimalColumn

#: Rows and codes.
Integers = npt.NDArray[np.int32]


class Refused(msgspec.Struct, frozen=True):
    """Why a row was not computed; a row may have several reasons."""

    row: int  #: as proofs count: the first is 2
    id: str
    column: str
    reason: str
    fix: str


class KeptSeries(msgspec.Struct, frozen=True, array_like=True):
    """The figures of one series."""

    name: str  #: `scope1.CO2`
    row_bytes: bytes | None  #: int32 each, from 0, ascending; None where every row has a figure
    figure_bytes: bytes  #: 16 bytes each, at the scale of the rows

    def rows(self, count: int) -> Integers:
        """The rows, of `count`, that have a figure."""
        if self.row_bytes is None:
            return np.arange(count, dtype=np.int32)
        return np.frombuffer(self.row_bytes, dtype=np.int32)


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """The rows of a calculation."""

    ids: tuple[str, ...]
    scale: int
    series: tuple[KeptSeries, ...]
    #: Which of `entries` each row has, int32.
    code_bytes: bytes
    #: Positions in `selections` of what a row was multiplied by; None for nothing.
    entries: tuple[tuple[str, ...] | None, ...]
    selections: tuple[dict[str, Any], ...]
    refused: tuple[Refused, ...]
    #: Of the tree over the rows, 32 bytes each.
    leaves: bytes

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def codes(self) -> Integers:
        """Which of `entries` each row has."""
        return np.frombuffer(self.code_bytes, dtype=np.int32)

    def encode(self) -> bytes:
        """As a store keeps it."""
        return _ENCODE(self)

    def texts(self, series: KeptSeries, low: int = 0, high: int | None = None) -> list[str]:
        """Figures of a series in plain digits, those from `low` to `high` of it."""
        kept = memoryview(series.figure_bytes)[low * 16 : None if high is None else high * 16]
        return DecimalColumn.from_buffer(kept, self.scale).to_strings(trimmed=True)


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Outcome).decode


def read_outcome(document: bytes) -> Outcome:
    """An outcome as it was kept."""
    return _DECODE(document)


def outcome_of(evidence: Evidence) -> Outcome:
    """The rows that a record is over.

    Raises
    ------
    InternalError
        If it is of no inventory.
    """
    inventory, schema = evidence.inventory, evidence.schema
    if inventory is None or schema is None:
        raise InternalError("the outcome of a calculation is an inventory's")
    selections = evidence.labels["selections"]
    count = len(inventory.data)
    return Outcome(
        ids=tuple(inventory.data.id.texts()),
        scale=schema.scale,
        series=tuple(
            KeptSeries(
                one.name,
                None if len(one.rows) == count else one.rows.astype(np.int32).tobytes(),
                one.figures.to_bytes(),
            )
            for one in evidence.series
        ),
        code_bytes=selections.codes.tobytes(),
        entries=tuple(None if names is None else tuple(names) for names in selections.values),
        selections=tuple((evidence.lists or {}).get("selections", ())),
        refused=tuple(
            Refused(skip.problem.row, skip.id, skip.problem.column, skip.problem.message, skip.problem.fix)
            for skip in inventory.skipped
        ),
        leaves=b"".join(evidence.leaves),
    )


def prove_outcome_row(outcome: Outcome, row: int, row_root: str) -> RowProof:
    """The proof of one row, as `greenlang verify` reads it.

    Parameters
    ----------
    row : int
        As proofs count: the first is 2.
    row_root : str
        Of the record.

    Raises
    ------
    InputError
        If there is no such row.
    """
    last = len(outcome) + FIRST_ROW - 1
    if not FIRST_ROW <= row <= last:
        raise InputError(
            f"the calculation has no row {row}", fix=f"give a row from {FIRST_ROW} to {last}", place="row"
        )
    range_index = (row - FIRST_ROW) // ROWS_PER_RANGE
    leaves = [outcome.leaves[start : start + 32] for start in range(0, len(outcome.leaves), 32)]
    return RowProof(
        row=row,
        series=tuple(one.name for one in outcome.series),
        labels=LABELS,
        scale=outcome.scale,
        rows=tuple(_rows_of(outcome, range_index)),
        range_index=range_index,
        range_count=len(leaves),
        path=inclusion_of(leaves, range_index).path,
        row_root=row_root,
    )


def _rows_of(outcome: Outcome, range_index: int) -> Iterator[dict[str, Any]]:
    start = range_index * ROWS_PER_RANGE
    stop = min(start + ROWS_PER_RANGE, len(outcome))
    codes = outcome.codes[start:stop].tolist()
    figures: list[dict[str, str]] = [{} for _ in codes]
    for one in outcome.series:
        rows = one.rows(len(outcome))
        low, high = np.searchsorted(rows, (start, stop)).tolist()
        for row, text in zip(rows[low:high].tolist(), outcome.texts(one, low, high), strict=True):
            figures[row - start][one.name] = text
    for number, (code, told) in enumerate(zip(codes, figures, strict=True), start=start):
        entries = outcome.entries[code]
        selections = {} if entries is None else {"selections": list(entries)}
        yield {"row": number + FIRST_ROW, "id": outcome.ids[number], **selections, **told}
