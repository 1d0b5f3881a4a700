"""Batches on Dask: `dask` for a cluster on this machine, `dask://host:port` for one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenlang.agents import EngineBackend
from greenlang.agents.hooks import hookimpl

if TYPE_CHECKING:
    from greenlang_dask.engine import DaskEngine

__all__ = ["greenlang_engines"]


def _opened(url: str, workers: int | None = None) -> DaskEngine:
    # Dask is imported by who computes with it and by nobody else.
    from greenlang_dask.engine import DaskEngine

    return DaskEngine(url, workers)


@hookimpl
def greenlang_engines() -> list[EngineBackend]:
    """An engine for `--engine dask` and `--engine dask://host:port`."""
    return [EngineBackend(scheme="dask", summary="Computes batches on a Dask cluster.", open=_opened)]
