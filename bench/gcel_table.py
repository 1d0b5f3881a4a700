"""Prints the speed table of GCEL, a row a target, and fails if one is missed: `make bench-gcel`.

python -m bench.gcel_table [WORD ...]    only the rows whose names hold one of the words
"""

from __future__ import annotations

import importlib
import sys

from .rows import Row

#: Modules with rows, in the order of the table.
MODULES = ["bench.gcel_scheduling", "bench.building"]


def all_rows() -> list[Row]:
    given = [row for name in MODULES for row in importlib.import_module(name).ROWS]
    # A row whose name tells its unit may be a plain tuple.
    return [row if isinstance(row, Row) else Row(*row, unit="") for row in given]


def main(words: list[str]) -> int:
    rows = [row for row in all_rows() if not words or any(word in row.name for word in words)]
    name_width = max(len(row.name) for row in rows)
    reference_width = max(len(row.reference) for row in rows)
    print(f"{'case':<{name_width}}  {'reference':<{reference_width}}  {'measured':>12}  {'target':>12}")
    missed = 0
    for row in rows:
        figure = row.measure()
        passed = figure <= row.target
        missed += not passed
        unit = f" {row.unit}" if row.unit not in {"", "x"} else row.unit
        print(
            f"{row.name:<{name_width}}  {row.reference:<{reference_width}}  "
            f"{f'{figure:.3g}{unit}':>12}  {f'<= {row.target:g}{unit}':>12}  {'pass' if passed else 'FAIL'}",
            flush=True,
        )
    print(f"{len(rows) - missed} of {len(rows)} targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
