"""A store from its URL: `memory:`, `sqlite:PATH`, a plain path, or the scheme of a plugin."""

from __future__ import annotations

__all__ = ["open_store"]

from greenlang.agents import StoreBackend, default_registry
from greenlang.errors import InputError
from greenlang.stores.protocol import Seal, Store

_OWN = frozenset({"memory", "sqlite", "postgresql", "postgres"})

#: Paths by which SQLite means a database that each of our connections would have for itself.
_NO_FILE = frozenset({"", ":memory:"})


def open_store(url: str, seal: Seal) -> Store:
    """The store behind `url`; its file and schema are made if they do not exist.

    Parameters
    ----------
    url : str
        `memory:` (lost with the process), `sqlite:PATH` or a path, or `postgresql://…`; else a scheme that a
        plugin brings by the hook `greenlang_stores`.
    seal : callable
        Links committed records to the chain.

    Raises
    ------
    InputError
        If the URL names no kind of store that there is.
    StoreError
        If it cannot be opened.
    """
    if url == "memory:":
        from greenlang.stores.memory import MemoryStore

        return MemoryStore(seal)
    kind, separator, rest = url.partition(":")
    if kind in ("postgresql", "postgres"):
        return _open_postgresql(url, seal)
    path = rest.removeprefix("//") if kind == "sqlite" else url
    if separator and kind != "sqlite" and "/" not in kind:
        return _backend(kind).open(url, seal)  # type: ignore[no-any-return]  # what a plugin says is one
    if path in _NO_FILE:
        raise InputError(f"'{url}' names no file", fix="write sqlite:PATH, or memory:")
    from greenlang.stores.sqlite import SqliteStore

    return SqliteStore(path, seal)


def _open_postgresql(url: str, seal: Seal) -> Store:
    try:
        from greenlang.stores.postgresql import PostgresqlStore
    except ImportError as error:
        raise InputError(
            f"'{error.name}' is not installed, and a store in PostgreSQL needs it",
            fix="pip install 'greenlang-runtime[postgresql]'",
        ) from error
    return PostgresqlStore(url, seal)


def _backend(scheme: str) -> StoreBackend:
    brought = default_registry().contributions(StoreBackend, reserved=_OWN)
    if scheme not in brought:
        known = ["memory:", "sqlite:PATH", "postgresql://…", *(f"{name}://…" for name in sorted(brought))]
        raise InputError(f"'{scheme}:' names no store", fix=f"write {', '.join(known[:-1])} or {known[-1]}")
    return brought[scheme]
