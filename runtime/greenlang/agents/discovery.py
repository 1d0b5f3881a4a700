"""Which plugins are installed: looked for once, and remembered from one process to the next."""

from __future__ import annotations

__all__ = ["discover"]

from greenlang.agents.discovered import Discovery


def discover() -> Discovery:
    """Find what is installed, or remember it where nothing changed since it was found.

    A distribution that cannot be used is told in `problems` and left out; this never raises for one.
    """
    from greenlang.agents import snapshots

    snapshot = snapshots.Snapshot.of_this_process()
    if snapshot is not None and (plugins := snapshot.load()) is not None:
        return Discovery(plugins, ())
    # Imported here: what is remembered needs none of it.
    from greenlang.agents.scanning import scan

    found = scan()
    if snapshot is not None and not found.problems:
        snapshot.save(found.plugins)
    return found
