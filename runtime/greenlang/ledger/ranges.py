"""Lists as Merkle trees over fixed ranges of 1,024 entries, counted from the list's own beginning.

An entry's range depends on its global index alone, so workers may cut the work wherever they like: the
ranges, and so the root, come out the same.  `ItemTree` is the tree of a list of JSON items (rows of an input
table, skipped rows); `greenlang.ledger.rows` has the one for figures.
"""

from __future__ import annotations

__all__ = [
    "FIRST_ROW",
    "ROWS_PER_RANGE",
    "ItemTree",
    "RangeTree",
    "list_header",
    "range_header",
    "table_header",
]

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.errors import InputError, InternalError
from greenlang.ledger.canonical import JSON, canonical_bytes, digest, encode_plain
from greenlang.ledger.merkle import leaf_hash, root_of
from greenlang_core.hashing import RangeBytes
from greenlang_core.texts import Texts

#: Entries in a range; the last one of a list may hold fewer.
ROWS_PER_RANGE = 1_024

#: The number of a table's first row as people count it: the header is row 1.
FIRST_ROW = 2

#: Which range, and how many entries are in it.
_PLACE = struct.Struct("<QI")

_TABLE_ROWS = list[list[str | None]]


def range_header(list_digest: bytes, index: int, count: int) -> bytes:
    """What the bytes of every range begin with: of which list, which range, how many entries (44 bytes)."""
    return list_digest + _PLACE.pack(index, count)


class RangeTree:
    """What the trees over ranges share: the hashes of the full ranges so far, and the root over them.

    Parameters
    ----------
    first_range : int
        Where the list begins that this tree is given: a worker's part may begin at any range, and `join` puts
        the parts together.
    """

    def __init__(self, first_range: int = 0) -> None:
        self.first_range = first_range
        #: Leaf hash of each finished range, in order.
        self.leaves: list[bytes] = []
        self._count = 0
        self._finished = False

    def __len__(self) -> int:
        """How many entries were added."""
        return self._count

    def finish(self) -> str:
        """Close the last range and give the root, as `sha256:` and hex; nothing can be added afterwards.

        The root is that of the whole list only if the tree begins at its first range.
        """
        if not self._finished:
            self._close_last_range()
            self._finished = True
        return f"sha256:{root_of(self.leaves).hex()}"

    def join(self, following: RangeTree) -> None:
        """Take over the ranges of a tree that begins where this one, so far of full ranges, ends."""
        self._check_open()
        end = self.first_range * ROWS_PER_RANGE + self._count
        if end != following.first_range * ROWS_PER_RANGE:
            raise InternalError(f"a tree that ends at {end} cannot go on at range {following.first_range}")
        following.finish()
        self.leaves += following.leaves
        self._count += following._count
        self._finished = self._count % ROWS_PER_RANGE != 0

    @property
    def _next_range(self) -> int:
        return self.first_range + len(self.leaves)

    def _close_last_range(self) -> None:
        """Turn what is left into a leaf, if anything is."""
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._finished:
            raise InternalError("entries were added to a finished tree")


class ItemTree(RangeTree):
    """The tree of a list of JSON items: a range's bytes are its header and the canonical JSON of its items.

    Parameters
    ----------
    header : Mapping
        What the list is (`table_header`, `list_header`); it is part of every leaf, so that no list passes for
        another.
    """

    def __init__(self, header: Mapping[str, JSON], first_range: int = 0) -> None:
        super().__init__(first_range)
        self._list_digest = bytes.fromhex(digest(header).removeprefix("sha256:"))
        #: JSON of the items of the range that is being filled: of one item a piece, or of several.
        self._pending: list[bytes] = []
        self._waiting = 0

    def add(self, item: object) -> bytes:
        """Add one item; gives its canonical JSON."""
        encoded = canonical_bytes(item)
        self.add_encoded(encoded)
        return encoded

    def add_encoded(self, item: bytes) -> None:
        """Add an item whose canonical JSON is known."""
        self._check_open()
        self._put(item, 1)

    def add_joined(self, items: bytes, count: int) -> None:
        """Add items whose canonical JSON is known, joined by commas; the range has room for them."""
        self._check_open()
        if self._waiting + count > ROWS_PER_RANGE:
            raise InternalError(f"{count} items were joined across the end of a range")
        self._put(items, count)

    def add_columns(self, columns: Sequence[tuple[npt.NDArray[np.int32], Sequence[str]]], count: int) -> None:
        """Add rows of a table from its columns: the texts of each, and which of them stands in every row."""
        self._check_open()
        coded = [(codes, texts if isinstance(texts, Texts) else Texts(texts)) for codes, texts in columns]
        room = RangeBytes()
        start = 0
        while start < count:
            step = min(count - start, ROWS_PER_RANGE - self._waiting)
            room.clear()
            if step < ROWS_PER_RANGE:
                room.put_rows(coded, start, step)
                self._put(bytes(room), step)
            else:
                room.put(b"\x00" + range_header(self._list_digest, self._next_range, step) + b"[")
                room.put_rows(coded, start, step)
                room.put(b"]")
                self.leaves.append(hashlib.sha256(room).digest())
                self._count += step
            start += step

    def add_table_rows(self, rows: Iterable[Sequence[str | None]]) -> list[bytes]:
        """Add rows of an input table: text, or null where a format has nulls; gives their canonical JSON.

        Raises
        ------
        InputError
            For a cell that is neither, and for text with lone surrogates (a file read in a wrong encoding).
        """
        try:
            table_rows = msgspec.convert(list(rows), _TABLE_ROWS)
        except msgspec.ValidationError as error:
            raise InputError(f"a cell of the input table is not text: {error}") from error
        encoded = [encode_plain(row) for row in table_rows]
        for item in encoded:
            self.add_encoded(item)
        return encoded

    def _put(self, items: bytes, count: int) -> None:
        self._pending.append(items)
        self._waiting += count
        self._count += count
        if self._waiting == ROWS_PER_RANGE:
            self._close_last_range()

    def _close_last_range(self) -> None:
        if self._pending:
            header = range_header(self._list_digest, self._next_range, self._waiting)
            self.leaves.append(leaf_hash(header + b"[" + b",".join(self._pending) + b"]"))
            self._pending.clear()
            self._waiting = 0


def table_header(columns: Sequence[str]) -> dict[str, JSON]:
    """The header of an input table with these columns."""
    return {"schema": "greenlang.table/1", "columns": list(columns), "rows_per_range": ROWS_PER_RANGE}


def list_header(name: str) -> dict[str, JSON]:
    """The header of a list that goes with a result under this name, such as `skipped`."""
    return {"schema": "greenlang.list/1", "name": name, "rows_per_range": ROWS_PER_RANGE}
