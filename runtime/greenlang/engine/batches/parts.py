"""A finished partition as a file: what it says for all, and the figures of its rows.

    mark    8 bytes
    length  of the heading, 8 bytes, little-endian
    heading MessagePack: sums, leaves, selections, refused rows, and which blobs follow
    blobs   one after the other, raw

A merge reads headings alone.  Figures take 8 bytes each where they fit, else 16; a series whose figures are
those of another (CO2e of CO2 is its mass) is kept once.
"""

from __future__ import annotations

__all__ = [
    "SCALE",
    "Blobs",
    "KeptSeries",
    "Part",
    "PartHeading",
    "RefusedRow",
    "read_heading",
    "read_identities",
    "read_part",
    "selection_id",
    "write_part",
]

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.engine.batches.sums import Sum
from greenlang.errors import InputError
from greenlang.ledger import RowSchema, atomic_writer
from greenlang_core.decimals import DecimalColumn

_MARK = b"GLPART1\n"

#: Digits after the point of every figure.
SCALE = RowSchema(()).scale


class RefusedRow(msgspec.Struct, frozen=True, array_like=True):
    """Why a row was not computed; a row may have several reasons."""

    row: int  #: as the file counts: the header is row 1
    id: str
    column: str
    reason: str
    fix: str


class Blob(msgspec.Struct, frozen=True, array_like=True):
    """Raw bytes behind the heading."""

    kind: str  #: the type of NumPy of its entries
    offset: int
    size: int  #: bytes


class KeptSeries(msgspec.Struct, frozen=True, array_like=True):
    """The figures of one series."""

    name: str  #: `scope1.CO2`
    figures: int  #: which blob
    rows: int | None  #: which blob has the rows, from 0; None where every row has a figure


class PartHeading(msgspec.Struct, frozen=True, array_like=True):
    """What a partition says beside the figures of its rows."""

    index: int
    first: int
    count: int
    computed: int
    input_leaves: bytes
    leaves: bytes
    sums: tuple[Sum, ...]
    #: By content id, the JSON of what rows were multiplied by.
    selections: dict[str, bytes]
    #: By content id, the canonical record of each factor, and what it was used for.
    factors: dict[str, bytes]
    roles: tuple[tuple[str, str], ...]
    formulas: tuple[tuple[str, str, str, str], ...]
    roundings: tuple[bytes, ...]
    #: JSON of a gas that is missing, or of something that was assumed, and for how many rows.
    missing: dict[bytes, int]
    fallbacks: dict[bytes, int]
    refused: tuple[RefusedRow, ...]
    scopes: tuple[int, ...]
    methods: tuple[str, ...]
    series: tuple[KeptSeries, ...]
    #: What each code of `codes` stands for: the selections of a row.
    entries: tuple[tuple[str, ...], ...]
    codes: int  #: which blob
    #: Which blob has a hash of each id, ascending.
    identities: int
    #: Kinds of its rows, and which of `entries` each has; None where there is no telling.
    kinds: tuple[tuple[tuple[str, ...], int], ...] | None = None
    blobs: tuple[Blob, ...] = ()
    #: How many of its rows were refused because an earlier partition has their ids.
    repeated: int = 0
    #: JSON of what stands in for steps that failed, whose errors the program handled.
    caught: tuple[bytes, ...] = ()


def selection_id(encoded: bytes) -> str:
    """The content id of a selection: `sel_` and 16 hex digits of the SHA-256 of its canonical JSON."""
    return f"sel_{hashlib.sha256(encoded).hexdigest()[:16]}"


class Part:
    """A finished partition with the figures of its rows."""

    def __init__(self, heading: PartHeading, raw: bytes) -> None:
        self.heading = heading
        self._raw = raw

    def blob(self, position: int) -> npt.NDArray[Any]:
        """The entries of one blob."""
        blob = self.heading.blobs[position]
        kind = np.dtype(blob.kind)
        return np.frombuffer(self._raw, kind, blob.size // kind.itemsize, blob.offset)

    def figures(self, kept: KeptSeries) -> DecimalColumn:
        """The figures of a series, in kg at 12 places."""
        column = self.blob(kept.figures)
        if column.dtype == np.int64:
            return DecimalColumn.from_integers(column, SCALE)
        return DecimalColumn.from_buffer(column.data, SCALE)

    def rows(self, kept: KeptSeries) -> npt.NDArray[np.int32]:
        """The rows of the partition that a series has figures for."""
        if kept.rows is None:
            return np.arange(self.heading.count, dtype=np.int32)
        return self.blob(kept.rows)

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """Which of `heading.entries` each row has."""
        return self.blob(self.heading.codes).astype(np.int32)


class Blobs:
    """Gathers what goes behind a heading."""

    def __init__(self) -> None:
        self.pieces: list[npt.NDArray[Any]] = []
        self.blobs: list[Blob] = []
        self._offset = 0
        self._known: dict[int, int] = {}

    def add(self, array: npt.NDArray[Any]) -> int:
        """Add an array; gives its position."""
        self.pieces.append(array)
        self.blobs.append(Blob(array.dtype.str, self._offset, array.nbytes))
        self._offset += array.nbytes
        return len(self.blobs) - 1

    def add_figures(self, figures: DecimalColumn) -> int:
        """Add a column in as few bytes as it takes; one that was added before is not added again."""
        if id(figures) not in self._known:
            halves = np.frombuffer(memoryview(figures), dtype="<i8")
            low, high = halves[0::2], halves[1::2]
            if np.array_equal(high, low >> 63):
                self._known[id(figures)] = self.add(np.ascontiguousarray(low))
            else:
                self._known[id(figures)] = self.add(np.frombuffer(memoryview(figures), dtype=np.complex128))
        return self._known[id(figures)]


def write_part(path: Path, heading: PartHeading, pieces: Blobs) -> None:
    """Write a finished partition, wholly or not at all."""
    encoded = msgspec.msgpack.encode(msgspec.structs.replace(heading, blobs=tuple(pieces.blobs)))
    with atomic_writer(path) as file:
        file.write(_MARK + len(encoded).to_bytes(8, "little") + encoded)
        for piece in pieces.pieces:
            file.write(piece.data.cast("B"))


def read_heading(path: Path) -> PartHeading:
    """What a finished partition says for all.

    Raises
    ------
    InputError
        If the file is none, or was changed.
    """
    with path.open("rb") as file:
        return _heading(path, file)


def read_part(path: Path) -> Part:
    """A finished partition (see `read_heading`)."""
    with path.open("rb") as file:
        heading = _heading(path, file)
        return Part(heading, file.read())


def read_identities(path: Path) -> npt.NDArray[np.uint64]:
    """The hashes of the ids of a finished partition, ascending."""
    with path.open("rb") as file:
        heading = _heading(path, file)
        blob = heading.blobs[heading.identities]
        file.seek(blob.offset, 1)
        return np.frombuffer(file.read(blob.size), np.dtype(blob.kind))


def _heading(path: Path, file: BinaryIO) -> PartHeading:
    mark, length = file.read(len(_MARK)), int.from_bytes(file.read(8), "little")
    try:
        if mark == _MARK:
            return msgspec.msgpack.decode(file.read(length), type=PartHeading)
    except (msgspec.DecodeError, MemoryError) as error:
        raise _broken(path) from error
    raise _broken(path)


def _broken(path: Path) -> InputError:
    return InputError(f"'{path}' is no finished partition of a batch", fix="remove it, and resume the batch")
