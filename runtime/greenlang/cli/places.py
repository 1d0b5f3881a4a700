"""Where results go: looked at before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from greenlang.errors import InputError

__all__ = ["check_places"]


def check_places(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Refuse files that cannot be written to, and those that something else is read from or written to.

    Raises
    ------
    InputError
        For the first of them.
    """
    from greenlang.ledger import check_writable

    taken = {path.resolve(): "read from" for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        check_writable(path)
        if use := taken.get(path.resolve()):
            raise InputError(f"'{path}' is {use} already", fix="name another file to write")
        if not str(path).startswith("/dev/"):
            taken[path.resolve()] = "written to"
