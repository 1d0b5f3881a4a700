"""A store from its URL: `memory:`, `sqlite:PATH`, a plain path, or the scheme of a plugin."""

from __future__ import annotations

__all__ = ["open_store"]

from greenlang.agents import StoreBackend, default_registry
from greenlang.errors import InputError
from greenlang.stores.protocol import Seal, Store


def open_store(url: str, seal: Seal) -> Store:
    """The store behind `url`; its file and schema are made if they do not exist.

    Parameters
    ----------
    url : str
        `memory:` (lost with the process), or `sqlite:PATH` or a path; else a scheme that a plugin brings by
        the hook `greenlang_stores`.
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
    if separator and kind != "sqlite" and "/" not in kind:
        return _backend(kind, url).open(url, seal)  # type: ignore[no-any-return]  # what a plugin says is one
    if not path:
        raise InputError(f"'{url}' names no file", fix="write sqlite:PATH")
    return SqliteStore(path, seal)


def _backend(scheme: str, url: str) -> StoreBackend:
    brought = default_registry().contributions(StoreBackend, reserved={"memory", "sqlite"})
    if scheme not in brought:
        schemes = ", ".join(f"{name}://" for name in sorted(brought))
        known = f"write memory:, sqlite:PATH or {schemes}" if brought else "write memory:, or sqlite:PATH"
        raise InputError(f"'{url}' names no store", fix=known)
    return brought[scheme]
