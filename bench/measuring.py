"""Measures a row in a process of its own, so that nothing measured before it has a part in the figure.

python -m bench.measuring TABLE NAME
"""

from __future__ import annotations

import subprocess
import sys

from .speed_tables import TABLES


def measured(table: str, name: str) -> float:
    """The figure of the row; what its process says of a failure goes where ours goes."""
    command = [sys.executable, "-m", "bench.measuring", table, name]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(told.splitlines()[-1])


def main(table_name: str, row_name: str) -> None:
    table = TABLES[table_name]
    (row,) = (row for row in table.rows() if row.name == row_name)
    with table.on_its_cores():
        print(repr(row.measure()))


if __name__ == "__main__":
    main(*sys.argv[1:])
