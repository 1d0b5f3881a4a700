"""What GCEL takes for a table: whatever gives its rows one by one and is put end to end with its like.

Nothing here knows a table's class, and no table has to know of this: `greenlang.carbon.Table` is one, and so
is any class with these methods. `*`, `/` and the built-ins run over its rows; `merge` joins tables.
"""

from __future__ import annotations

__all__ = ["RowTable"]

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable


@runtime_checkable
class RowTable(Protocol):
    """Rows that are records with the same fields."""

    def __len__(self) -> int:
        """How many rows there are."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """The rows in order, each a record of its own that a step may keep."""

    def joined(self, others: Sequence[Self]) -> Self:
        """The table with the rows of others after its own; InputError where their columns differ."""
