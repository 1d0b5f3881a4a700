"""Result rows as a Merkle tree: exact figures in 128-bit integers, with the texts that explain them.

A `RowSchema` names the series of figures (`scope1.CO2`, `scope2-location.co2e`), their one scale, and the
labels (the row's id, its factors).  A row has for each series a figure or nothing, and for each label a text,
a list of texts or nothing.  The bytes of a range, which one leaf hashes, are

    header     digest of the schema (32), range index (8), row count (4)
    labels     for each: byte length (8), canonical JSON array of the rows' values
    series     for each: presence bitmap (a bit a row, lowest first), then 16 bytes a row, two's complement,
               0 where nothing is

with every integer little-endian.  Figures come from columns (`RowTree.add_columns`, no Python object a
figure) or row by row (`RowTree.add_row`); both give the same bytes.
"""

from __future__ import annotations

__all__ = [
    "RowSchema",
    "RowTree",
    "SparseSeries",
    "encode_range",
    "scaled_from_decimal",
    "scaled_from_text",
]

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from greenlang.errors import InputError, InternalError, QuantityError
from greenlang.exact import MAX_DIGITS
from greenlang.ledger.canonical import digest
from greenlang.ledger.labels import CodedLabels, Label, label_bytes
from greenlang.ledger.ranges import ROWS_PER_RANGE, RangeTree, range_header
from greenlang_core.hashing import RangeBytes

#: Digits after the point that figures are kept with: rows round once, half-even, to 12 places of kg.
SCALE = 12

#: Figures stay below this in absolute value, as decimal128 promises.
_LIMIT = 10**MAX_DIGITS

_FIGURE_BYTES = 16

#: NumPy has no integer of 16 bytes; nothing is computed with figures here, and of its types of that size this
#: one is moved fastest.
_FIGURE_TYPE = np.dtype(np.complex128)
_Figures: TypeAlias = npt.NDArray[np.complex128]

#: The series of a full range without figures.
_NOTHING = bytes(ROWS_PER_RANGE * _FIGURE_BYTES)
_LENGTH = struct.Struct("<Q")
_FIGURE = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True)
class RowSchema:
    """Which figures and labels the rows of a result have; the order counts."""

    series: tuple[str, ...]
    labels: tuple[str, ...] = ()
    scale: int = SCALE
    #: SHA-256 of the canonical schema: the head of every range.
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = (*self.labels, *self.series)
        if len(set(names)) != len(names):
            raise InputError(f"two labels or series of a result have one name: {', '.join(sorted(names))}")
        if not 0 <= self.scale <= MAX_DIGITS:
            raise InputError(f"{self.scale} digits after the point", fix=f"keep 0 to {MAX_DIGITS}")
        if "row" in names:
            raise InputError("'row' is the row's own number, not a label or series of a result")
        object.__setattr__(self, "digest", _schema_digest(self.series, self.labels, self.scale))


@lru_cache(256)
def _schema_digest(series: tuple[str, ...], labels: tuple[str, ...], scale: int) -> bytes:
    text = digest(
        {
            "schema": "greenlang.rows/1",
            "series": series,
            "labels": labels,
            "scale": scale,
            "rows_per_range": ROWS_PER_RANGE,
        }
    )
    return bytes.fromhex(text.removeprefix("sha256:"))


class SparseSeries(NamedTuple):
    """The figures of one series in a run of rows, as a `DecimalColumn` over some of the rows gives them."""

    #: Global indices of the rows that have a figure, ascending, int32 or int64.
    rows: npt.NDArray[np.integer[Any]]
    #: 16 bytes little-endian for each of them, at the schema's scale.
    figures: bytes | bytearray | memoryview


class RowTree(RangeTree):
    """The tree of a result's rows, in order; memory is one range, however many rows pass."""

    def __init__(self, schema: RowSchema, first_range: int = 0) -> None:
        super().__init__(first_range)
        self.schema = schema
        #: What is filled row by row, or from several runs of columns.
        self._range: _Range | None = None
        self._bytes = RangeBytes()
        #: Rows at the end of what was added that make no full range, if they came as columns.
        self._rest: _Rest | None = None

    def add_columns(
        self,
        count: int,
        series: Mapping[str, SparseSeries],
        labels: Mapping[str, Sequence[Label]] | None = None,
    ) -> None:
        """Add the next `count` rows.

        Parameters
        ----------
        series : Mapping
            By name; a series that is left out has nothing in these rows.
        labels : Mapping
            By name, `count` values each; a label that is left out is nothing in these rows. Those of many
            rows are best given as `CodedLabels`.
        """
        self._check_open()
        self._fill_rest()
        first = self.first_range * ROWS_PER_RANGE + self._count
        stop = first + count
        given = (_column(self.schema, name, sparse) for name, sparse in series.items())
        columns = {column.position: column for column in given}
        texts = [_label_column(name, labels or {}, count) for name in self.schema.labels]
        if unknown := set(labels or {}) - set(self.schema.labels):
            raise InternalError(f"rows have labels that their schema has not: {', '.join(sorted(unknown))}")
        offset = 0
        try:
            while offset < count:
                begun = (self._count + offset) % ROWS_PER_RANGE
                step = min(count - offset, ROWS_PER_RANGE - begun)
                run = _Run(step, first, offset, columns, texts)
                if step == ROWS_PER_RANGE:
                    self.leaves.append(self._leaf_of(run))
                elif not begun:
                    taken = {column.position: column.taken for column in columns.values()}
                    self._rest = _Rest(self._leaf_of(run), run, taken)
                else:
                    self._fill(run)
                offset += step
            if left := [column for column in columns.values() if column.taken < len(column.rows)]:
                raise ValueError(f"row {left[0].rows[left[0].taken]} was left over")
        except ValueError as error:
            raise InternalError(
                f"a series has rows that do not ascend within {first} to {stop - 1}: {error}"
            ) from error
        self._count += count

    def add_row(
        self, figures: Mapping[str, Decimal | None], labels: Mapping[str, Label] | None = None
    ) -> None:
        """Add the next row; names that are left out are nothing.

        Raises
        ------
        QuantityError
            For a figure that the schema's scale or 38 digits cannot hold exactly.
        """
        if unknown := (figures.keys() - set(self.schema.series)) | (
            (labels or {}).keys() - set(self.schema.labels)
        ):
            raise InternalError(f"a row has names that its schema has not: {', '.join(sorted(unknown))}")
        self.add_scaled(
            [
                None
                if (figure := figures.get(name)) is None
                else scaled_from_decimal(figure, self.schema.scale)
                for name in self.schema.series
            ],
            [(labels or {}).get(name) for name in self.schema.labels],
        )

    def add_scaled(self, figures: Sequence[int | None], labels: Sequence[Label]) -> None:
        """Add the next row from integers at the schema's scale; both in the schema's order."""
        self._check_open()
        self._fill_rest()
        self._open_range().put(figures, labels)
        self._count += 1
        self._close_full_range()

    def _leaf_of(self, run: _Run) -> bytes:
        """The hash of the range that the rows of a run are: `_Range.pieces` compiled."""
        room = self._bytes
        room.clear()
        room.put(b"\x00" + range_header(self.schema.digest, self._next_range, run.count))
        for name, labels in zip(self.schema.labels, run.texts, strict=True):
            if isinstance(labels, CodedLabels):
                room.put_cells(labels.codes, labels.texts, run.offset, run.count, quoted=labels.quoted)
            else:
                encoded = label_bytes(name, labels[run.offset : run.offset + run.count])
                room.put(_LENGTH.pack(len(encoded)) + encoded)
        for position in range(len(self.schema.series)):
            column = run.columns.get(position)
            if column is None:
                room.put_nothing(run.count)
            else:
                column.taken = room.put_figures(
                    column.rows, column.figures, column.taken, run.first + run.offset, run.count
                )
        return hashlib.sha256(room).digest()

    def _fill(self, run: _Run) -> None:
        here = [text[run.offset : run.offset + run.count] for text in run.texts]
        self._open_range().fill(run.count, run.first + run.offset, run.columns, here)
        self._close_full_range()

    def _fill_rest(self) -> None:
        """Put what made no full range where more rows can follow."""
        rest, self._rest = self._rest, None
        if rest is None:
            return
        for position, taken in rest.taken.items():
            rest.run.columns[position].taken = taken
        self._fill(rest.run)

    def _open_range(self) -> _Range:
        if self._range is None:
            self._range = _Range(self.schema)
        return self._range

    def _close_full_range(self) -> None:
        if self._range is not None and self._range.count == ROWS_PER_RANGE:
            self._close_last_range()

    def _close_last_range(self) -> None:
        if self._rest is not None:
            self.leaves.append(self._rest.leaf)
            self._rest = None
        elif self._range is not None and self._range.count:
            hasher = hashlib.sha256(b"\x00")
            for piece in self._range.pieces(self._next_range):
                hasher.update(piece)
            self.leaves.append(hasher.digest())
            self._range.clear()


@dataclass(slots=True)
class _Column:
    """A series of a run of rows, checked, and how much of it was put into ranges."""

    position: int  #: in the schema
    rows: npt.NDArray[np.integer[Any]]
    figures: _Figures
    taken: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows of one range, out of columns that were added together."""

    count: int
    first: int  #: global index of the first row of the columns
    offset: int  #: of these rows behind it
    columns: Mapping[int, _Column]
    texts: list[Sequence[Label]]


@dataclass(frozen=True, slots=True)
class _Rest:
    """Rows that begin a range and do not fill it: its leaf if nothing follows, the rows if something does."""

    leaf: bytes
    run: _Run
    #: How much of each series was put into ranges before them.
    taken: Mapping[int, int]


class _Range:
    """The rows of one range, dense: presence and figures by series, labels by name."""

    def __init__(self, schema: RowSchema) -> None:
        self._schema = schema
        shape = (len(schema.series), ROWS_PER_RANGE)
        self._present = np.zeros(shape, dtype=np.bool_)
        self._figures = np.zeros(shape, dtype=_FIGURE_TYPE)
        #: The same memory byte by byte, to put single figures into.
        self._bytes = self._figures.view(np.uint8).data.cast("B") if schema.series else memoryview(b"")
        self._labels: list[list[Label]] = [[] for _ in schema.labels]
        #: Series that have figures in the memory above.
        self._used: set[int] = set()
        self.count = 0

    def fill(
        self, step: int, first: int, columns: Mapping[int, _Column], labels: list[Sequence[Label]]
    ) -> None:
        """Put in `step` rows, the first of which has the global index `first`."""
        for column in columns.values():
            low = column.taken
            high = low + int(np.searchsorted(column.rows[low : low + step], first + step))
            column.taken = high
            if low == high:
                continue
            self._used.add(column.position)
            places = column.rows[low:high] - (first - self.count)
            if places[0] < self.count or not (places[1:] > places[:-1]).all():
                raise ValueError(f"rows from {column.rows[low]} on")
            self._present[column.position][places] = True
            self._figures[column.position][places] = column.figures[low:high]
        for kept, new in zip(self._labels, labels, strict=True):
            kept.extend(new)
        self.count += step

    def put(self, figures: Sequence[int | None], labels: Sequence[Label]) -> None:
        """Put in one row."""
        for position, figure in enumerate(figures):
            if figure is not None:
                start = (position * ROWS_PER_RANGE + self.count) * _FIGURE_BYTES
                self._used.add(position)
                self._present[position, self.count] = True
                self._bytes[start : start + _FIGURE_BYTES] = figure.to_bytes(
                    _FIGURE_BYTES, "little", signed=True
                )
        for kept, label in zip(self._labels, labels, strict=True):
            kept.append(label)
        self.count += 1

    def pieces(self, index: int) -> Iterator[bytes | memoryview]:
        """The bytes of the range, piece by piece, so that hashing copies nothing."""
        yield range_header(self._schema.digest, index, self.count)
        for name, values in zip(self._schema.labels, self._labels, strict=True):
            encoded = label_bytes(name, values)
            yield _LENGTH.pack(len(encoded))
            yield encoded
        nothing = memoryview(_NOTHING)
        for position in range(len(self._schema.series)):
            if position in self._used:
                yield np.packbits(self._present[position, : self.count], bitorder="little").tobytes()
                yield self._figures[position, : self.count].view(np.uint8).data
            else:
                yield nothing[: (self.count + 7) // 8]
                yield nothing[: self.count * _FIGURE_BYTES]

    def clear(self) -> None:
        """Make room for the next range."""
        for position in self._used:
            self._present[position] = False
            self._figures[position] = 0
        self._used.clear()
        for kept in self._labels:
            kept.clear()
        self.count = 0


def encode_range(
    schema: RowSchema,
    index: int,
    figures: Sequence[Sequence[int | None]],
    labels: Sequence[Sequence[Label]],
) -> bytes:
    """The bytes of range `index` from its rows: integers at the schema's scale, and labels, row by row."""
    rows = _Range(schema)
    for row_figures, row_labels in zip(figures, labels, strict=True):
        rows.put(row_figures, row_labels)
    return b"".join(rows.pieces(index))


def scaled_from_decimal(value: Decimal, scale: int) -> int:
    """`value` times 10 to the `scale`, exactly.

    Raises
    ------
    QuantityError
        If that is no integer of at most 38 digits.
    """
    if not isinstance(value, Decimal) or not value.is_finite() or value.adjusted() >= MAX_DIGITS:
        raise QuantityError(f"{value!r} is no finite decimal of at most {MAX_DIGITS} digits")
    if value.adjusted() < -scale and value:
        raise _past_scale(str(value), scale)
    numerator, denominator = value.as_integer_ratio()
    scaled, rest = divmod(numerator * 10**scale, denominator)
    if rest:
        raise _past_scale(str(value), scale)
    return _within_limit(scaled, str(value), scale)


def scaled_from_text(text: str, scale: int) -> int:
    """The integer that `text`, plain digits with at most `scale` of them after the point, is at that scale.

    Raises
    ------
    QuantityError
        If the text is written in any other way than results are, or does not fit.
    """
    match = _FIGURE.fullmatch(text)
    if match is None:
        raise QuantityError(f"{text[:60]!r} is not a figure as results write it")
    sign, whole, fraction = match.groups(default="")
    digits = whole + fraction.ljust(scale, "0")
    if len(fraction) > scale:
        raise _past_scale(text, scale)
    if len(digits) > 2 * MAX_DIGITS:
        raise QuantityError(f"{text[:60]!r} has more than {MAX_DIGITS} digits")
    scaled = _within_limit(int(digits), text, scale)
    if sign and not scaled:
        raise QuantityError(f"{text!r} is a zero with a sign; results write it 0")
    return -scaled if sign else scaled


def _within_limit(scaled: int, text: str, scale: int) -> int:
    if abs(scaled) >= _LIMIT:
        raise QuantityError(f"{text} has more than {MAX_DIGITS} digits at {scale} places")
    return scaled


def _past_scale(text: str, scale: int) -> QuantityError:
    return QuantityError(f"{text} has digits past place {scale}", fix="round it first, with gl.round")


def _column(schema: RowSchema, name: str, sparse: SparseSeries) -> _Column:
    if name not in schema.series:
        raise InternalError(f"rows have a series that their schema has not: {name}")
    rows = np.ascontiguousarray(sparse.rows)
    if rows.dtype not in (np.int32, np.int64):
        rows = rows.astype(np.int64)
    figures = np.frombuffer(sparse.figures, dtype=_FIGURE_TYPE)
    if len(rows) != len(figures):
        raise InternalError(f"series {name} has {len(rows)} rows and {len(figures)} figures")
    return _Column(schema.series.index(name), rows, figures)


def _label_column(name: str, labels: Mapping[str, Sequence[Label]], count: int) -> Sequence[Label]:
    values = labels.get(name)
    if values is None:
        return [None] * count
    if len(values) != count:
        raise InternalError(f"label {name} has {len(values)} values for {count} rows")
    return values
