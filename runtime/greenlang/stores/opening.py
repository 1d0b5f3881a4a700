"""A store from its URL: `memory:`, `sqlite:PATH` or a plain path."""

from __future__ import annotations

__all__ = ["open_store"]

from greenlang.errors import InputError
from greenlang.stores.protocol import Seal, Store


def open_store(url: str, seal: Seal) -> Store:
    """The store behind `url`; its file and schema are made if they do not exist.

    Parameters
    ----------
    url : str
        `memory:` (lost with the process), or `sqlite:PATH` or a path.
    seal : callable
        Links committed records to the chain.

    Raises
    ------
    InputError
        If the URL names no kind of store that there is.
    StoreError
        If it cannot be opened.
    """
    from greenlang.stores.sqlite import MEMORY, SqliteStore

    if url == "memory:":
        return SqliteStore(MEMORY, seal)
    kind, separator, rest = url.partition(":")
    path = rest.removeprefix("//") if kind == "sqlite" else url
    if separator and kind not in ("sqlite",) and "/" not in kind:
        raise InputError(f"'{url}' names no store", fix="write memory:, or sqlite:PATH")
    if not path:
        raise InputError(f"'{url}' names no file", fix="write sqlite:PATH")
    return SqliteStore(path, seal)
