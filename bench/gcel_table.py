"""Prints the speed table of GCEL, a row a target, and fails if one is missed: `make bench-gcel`.

python -m bench.gcel_table [WORD ...]    only the rows whose names hold one of the words
"""

from __future__ import annotations

import importlib
import sys

from .rows import Row, print_rows

#: Modules with rows, in the order of the table.
MODULES = ["bench.gcel_scheduling", "bench.tracing", "bench.building"]


def all_rows() -> list[Row]:
    given = [row for name in MODULES for row in importlib.import_module(name).ROWS]
    # A row whose name tells its unit may be a plain tuple.
    return [row if isinstance(row, Row) else Row(*row, unit="") for row in given]


def main(words: list[str]) -> int:
    rows = [row for row in all_rows() if not words or any(word in row.name for word in words)]
    return print_rows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
