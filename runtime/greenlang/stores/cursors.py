"""Cursors of lists: where a page ends, as text that every store reads alike."""

from __future__ import annotations

__all__ = ["cursor_after", "place_of"]

from greenlang.errors import InputError
from greenlang.stores.protocol import ExecutionRow

#: Longer numbers fit in no store.
_LONGEST_TIME = 18


def cursor_after(last: ExecutionRow) -> str:
    """The cursor of the page that begins behind `last`."""
    return f"{last.created_at}.{last.id}"


def place_of(cursor: str) -> tuple[int, str]:
    """When the execution behind which the page begins was made, and its id.

    Raises
    ------
    InputError
        If it is no cursor of ours.
    """
    created_at, _, execution_id = cursor.partition(".")
    well_formed = created_at.isascii() and created_at.isdigit() and len(created_at) <= _LONGEST_TIME
    if not well_formed or not execution_id or "\0" in execution_id:
        raise InputError(
            f"'{cursor[:80]}' is no cursor of this list", fix="take it from the page before", place="cursor"
        )
    return int(created_at), execution_id
