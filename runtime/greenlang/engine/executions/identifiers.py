"""Identifiers that nobody can guess."""

from __future__ import annotations

__all__ = ["new_id", "random_hex"]

import os

#: Random bytes are taken from the system so many at once: each call of it lets another thread go first, and
#: with a store that writes in one that costs more than all else of a small request.
_AT_ONCE = 4096

_left = memoryview(b"")


def random_hex(size: int) -> str:
    """`size` random bytes in hex, fit for secrets."""
    global _left
    if len(_left) < size:
        _left = memoryview(os.urandom(_AT_ONCE))
    taken, _left = _left[:size], _left[size:]
    return taken.hex()


def new_id(kind: str, at: int) -> str:
    """An identifier that nobody can guess and that sorts by time: `exec_` and 32 hex digits.

    48 bits of milliseconds come first, as in a UUID of version 7, so that new rows go to the end of an index.
    """
    return f"{kind}_{at // 1000:012x}{random_hex(10)}"


def _forget() -> None:
    global _left
    _left = memoryview(b"")


# Two processes must not give out the same bytes.
os.register_at_fork(after_in_child=_forget)
