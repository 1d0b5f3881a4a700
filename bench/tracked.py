"""Every row of every speed table as asv tracks it: a page of the dashboard for each table.

asv holds lower to be better, so a row whose best is high is tracked as its inverse. Rows that take minutes
are left out where GREENLANG_BENCH_QUICK is set.
"""

# ruff: noqa: RUF012  the shape that asv asks for

from __future__ import annotations

import os

from .speed_tables import TABLES

QUICK = bool(os.environ.get("GREENLANG_BENCH_QUICK"))


class _Tracked:
    param_names = ["row"]
    unit = "cost"
    #: Seconds: a batch of ten million rows runs six times, on both sides.
    timeout = 1800

    def __init__(self) -> None:
        self.table = TABLES[type(self).__name__.lower()]
        self.rows = {row.name: row for row in self.table.rows()}
        self.params = list(self.rows)

    def setup(self, name: str) -> None:
        if QUICK and not self.rows[name].quick:
            raise NotImplementedError("not in the quick form")

    def track_cost(self, name: str) -> float:
        row = self.rows[name]
        with self.table.on_its_cores():
            return row.cost(row.measure())


class Gcel(_Tracked):
    """Plans of GCEL."""


class Kernel(_Tracked):
    """Exact columns, the ledger and whole runs."""


class Http(_Tracked):
    """The HTTP service."""


class Batch(_Tracked):
    """Batches of ten million rows."""


class Redis(_Tracked):
    """What nodes share through Redis."""


class Postgresql(_Tracked):
    """Tenants kept apart in PostgreSQL."""


class Identity(_Tracked):
    """Knowing who asks."""


class Observing(_Tracked):
    """Being watched."""


class Discovery(_Tracked):
    """Finding what is installed."""
