"""Identifiers that nobody can guess."""

from __future__ import annotations

__all__ = ["new_id", "random_hex"]

import os
import threading

#: Random bytes are taken from the system so many at once: each call of it lets another thread go first, and
#: with a store that writes in one that costs more than all else of a small request.
_AT_ONCE = 4096


class _Left(threading.local):
    """What a thread has not given out yet: no two threads may take the same bytes."""

    data = memoryview(b"")


_left = _Left()


def random_hex(size: int) -> str:
    """`size` random bytes in hex, fit for secrets."""
    left = _left.data
    if len(left) < size:
        left = memoryview(os.urandom(max(size, _AT_ONCE)))
    _left.data = left[size:]
    return left[:size].hex()


def new_id(kind: str, at: int) -> str:
    """An identifier that nobody can guess and that sorts by time: `exec_` and 32 hex digits.

    48 bits of milliseconds come first, as in a UUID of version 7, so that new rows go to the end of an index.
    """
    return f"{kind}_{at // 1000:012x}{random_hex(10)}"


def _forget() -> None:
    _left.data = memoryview(b"")


# Two processes must not give out the same bytes.
os.register_at_fork(after_in_child=_forget)
