"""The speed tables: which modules each is made of. Prints one, a row a target, and fails if one is missed.

python -m bench.speed_tables TABLE [WORD ...]    only the rows whose names hold one of the words
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from .rows import Row, print_rows


@dataclass(frozen=True, slots=True)
class SpeedTable:
    #: Each with a list `ROWS`, in the order of the table.
    modules: tuple[str, ...]
    #: Whether a server has the first core to itself, so that the load has to leave it.
    serves: bool = False
    #: Whether client and server only take turns and get one core: on two, what a turn takes hangs on where
    #: the server's process for this client happens to be, and stays so.
    in_turns: bool = False

    def rows(self) -> list[Row]:
        """Its rows; what they are measured with is imported now, and needs the libraries of the table."""
        return [row for name in self.modules for row in importlib.import_module(f"bench.{name}").ROWS]

    @contextlib.contextmanager
    def on_its_cores(self) -> Iterator[None]:
        """Keep to those meanwhile; what is started keeps to them too."""
        cores = sorted(os.sched_getaffinity(0))
        if self.in_turns:
            os.sched_setaffinity(0, cores[-1:])
        elif self.serves and len(cores) > 1:
            os.sched_setaffinity(0, cores[1:])
        try:
            yield
        finally:
            os.sched_setaffinity(0, cores)


TABLES = {
    "gcel": SpeedTable(("gcel_scheduling", "tracing", "building")),
    "kernel": SpeedTable(("decimals", "formulas", "ledger", "whole_run")),
    "http": SpeedTable(("http_table",), serves=True),
    "batch": SpeedTable(("batch_table",)),
    "redis": SpeedTable(("redis_table",)),
    "postgresql": SpeedTable(("postgresql_table",), in_turns=True),
    "identity": SpeedTable(("identity_table",), serves=True),
    "observing": SpeedTable(("observing_table",), serves=True),
    "discovery": SpeedTable(("discovery",)),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.speed_tables", description="Print a speed table.")
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("words", nargs="*", help="only rows whose names hold one of them")
    given = parser.parse_args(arguments)
    table = TABLES[given.table]
    rows = [row for row in table.rows() if not given.words or any(word in row.name for word in given.words)]
    if not rows:
        parser.error(f"no row of {given.table} has {' or '.join(given.words)} in its name")
    with table.on_its_cores():
        return print_rows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
