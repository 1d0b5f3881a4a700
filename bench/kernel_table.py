"""Prints the speed table of the kernel, a row a target, and fails if one is missed: `make bench-kernel`.

python -m bench.kernel_table [WORD ...]    only the rows whose names hold one of the words
"""

from __future__ import annotations

import importlib
import sys

from .rows import Row, print_rows

#: Modules with rows, in the order of the table.
MODULES = ["bench.decimals", "bench.formulas", "bench.ledger", "bench.whole_run"]


def main(words: list[str]) -> int:
    rows: list[Row] = [row for name in MODULES for row in importlib.import_module(name).ROWS]
    return print_rows([row for row in rows if not words or any(word in row.name for word in words)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
