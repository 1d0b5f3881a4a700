"""Orders that things are asked for: lists of (number, identifier), lowest first.

The number is a time or a place in the queue.  Nearly everything new goes to the end of its order, which
costs nothing; what goes elsewhere is found by halving.
"""

from __future__ import annotations

__all__ = ["Order", "enter", "leave", "up_to"]

from bisect import bisect_left, insort
from typing import TypeVar

Identifier = TypeVar("Identifier", str, int)

Order = list[tuple[int, Identifier]]


def enter(order: Order[Identifier], place: tuple[int, Identifier]) -> None:
    """Put one where it belongs."""
    if not order or place > order[-1]:
        order.append(place)
    else:
        insort(order, place)


def leave(order: Order[Identifier], place: tuple[int, Identifier]) -> None:
    """Take out one that is there."""
    del order[bisect_left(order, place)]


def up_to(order: Order[Identifier], number: int) -> list[Identifier]:
    """Identifiers of all whose number is not past `number`."""
    # Shorter than any place of the same number, this one goes before them all.
    return [identifier for _, identifier in order[: bisect_left(order, (number + 1,))]]
