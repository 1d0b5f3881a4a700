"""Finds ids that several rows of a batch have, though no worker sees all rows.

Each partition keeps a hash of 64 bits of every id.  Hashes that occur twice are rare, and the rows that they
are of are looked at: the first row with an id keeps it, later ones are refused, as in a table that is read
at once.
"""

from __future__ import annotations

__all__ = ["Repeated", "find_repeated", "hash_identities"]

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from greenlang.carbon import RowSource, StringColumn, numbered_rows
from greenlang.engine.batches.definition import Partition
from greenlang_core.texts import Texts

Hashes = npt.NDArray[np.uint64]

#: By partition, its rows whose id stands in an earlier one, and the number in the file of the row with it.
Repeated = dict[int, tuple[tuple[int, int], ...]]


def hash_identities(ids: StringColumn) -> Hashes:
    """A hash of each distinct id that is not empty."""
    hashes = _hash_of_each(ids)
    return np.delete(hashes, ids.values.index("")) if "" in ids.values else hashes


def find_repeated(
    source: RowSource, partitions: Sequence[Partition], hashes: Mapping[int, Hashes]
) -> Repeated:
    """The rows whose id stands in an earlier partition.

    Parameters
    ----------
    hashes : mapping
        By partition, ascending, each once.

    Returns
    -------
    dict
        By partition: rows, counted from its first, and the number in the file of the row that has the id.
    """
    every = np.sort(np.concatenate([hashes[partition.index] for partition in partitions]))
    twice = np.unique(every[1:][every[1:] == every[:-1]])
    del every
    if not len(twice):
        return {}
    first_row: dict[str, int] = {}
    found: Repeated = {}
    for partition in partitions:
        if not np.isin(twice, hashes[partition.index], assume_unique=True).any():
            continue
        table = numbered_rows(
            source.read(partition.first, partition.count, only=_columns(source)), partition.first
        )
        ids = table.column("id").stripped()
        wanted = np.isin(_hash_of_each(ids), twice)
        here: dict[str, int] = {}
        repeated = []
        for row in np.flatnonzero(wanted[ids.codes]).tolist():
            identity = ids[row]
            if identity in first_row:
                repeated.append((row, first_row[identity]))
            else:
                here.setdefault(identity, table.line(row))
        first_row |= here
        if repeated:
            found[partition.index] = tuple(repeated)
    return found


def _hash_of_each(ids: StringColumn) -> Hashes:
    """A hash of each distinct text, in their order."""
    texts = ids.values if isinstance(ids.values, Texts) else Texts(ids.values)
    return np.asarray(texts.hashes()).view(np.uint64)


def _columns(source: RowSource) -> list[str]:
    """The id, and what a table says of its rows' numbers."""
    return [name for name in source.columns if name.strip() == "id" or name.startswith("(")]
