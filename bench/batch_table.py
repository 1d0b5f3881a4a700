"""The speed table of batches: `make bench-batch`, a pass or a fail for each target.

A batch reads Parquet, computes emissions row by row, keeps every figure with the hashes that prove it, and
sums. DuckDB reads the columns that it needs from the same file, joins the factors and sums, in two threads;
it keeps and proves nothing. Rates are those that a batch tells of itself, without the start of the process.
What is compared runs in turn, several times, and the best of each counts, for others may use the machine.
Moves with `greenlang/engine/batches/` and everything below it.

GREENLANG_BENCH_ROWS makes it smaller.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .rows import Row
from .whole_run import ACTIVITIES, process

ROWS_OF_FILE = int(os.environ.get("GREENLANG_BENCH_ROWS", "10000000"))

#: How often each side is measured.
ROUNDS = 3

#: Rows of a group, as DuckDB writes them: 120 ranges of the ledger.
GROUP_ROWS = 122_880

PROGRAM = 'ghg.intake >> ghg.emissions(factors="factors.csv") >> ghg.inventory\n'

DATA = """
    SELECT 'R-' || lpad(range::VARCHAR, 8, '0') AS id,
        '2025-' || lpad((1 + range * 7 % 12)::VARCHAR, 2, '0') AS period,
        'Site ' || (range * 13 % 50)::VARCHAR AS site, names[1 + range * 3 % 5] AS activity,
        (hash(range) % 10000000 / 1000)::DECIMAL(18, 3) AS quantity, units[1 + range * 3 % 5] AS unit
    FROM range({rows}), (SELECT {names} AS names, {units} AS units)
"""

QUERY = """
    SELECT activity, site, sum(quantity * value) FROM read_parquet('{data}')
    JOIN read_csv('{factors}', columns = {{'activity': 'VARCHAR', 'gas': 'VARCHAR', 'value': 'DECIMAL(18, 5)',
        'unit': 'VARCHAR', 'scope': 'VARCHAR'}}) USING (activity) GROUP BY activity, site
"""

IN_DUCKDB = """
import duckdb, sys, time
connection = duckdb.connect(config={'threads': 2})
start = time.perf_counter()
connection.execute(sys.argv[1]).fetchall()
print(time.perf_counter() - start)
"""


@functools.cache
def files() -> Path:
    """The folder of the program and its data, made once a process and gone with it."""
    import duckdb

    folder = tempfile.TemporaryDirectory(prefix="greenlang-bench-")
    _kept.append(folder)
    path = Path(folder.name)
    path.joinpath("program.gcel").write_text(PROGRAM)
    factors = [f"{activity},CO2,{value},kg/{unit},1\n" for activity, unit, value in ACTIVITIES]
    path.joinpath("factors.csv").write_text("activity,gas,value,unit,scope\n" + "".join(factors))
    names, units = ([one[place] for one in ACTIVITIES] for place in (0, 1))
    data = DATA.format(rows=ROWS_OF_FILE, names=names, units=units)
    target = path / "activities.parquet"
    duckdb.execute(f"COPY ({data}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE {GROUP_ROWS})")
    return path


_kept: list[tempfile.TemporaryDirectory[str]] = []


def batch(*options: str) -> tuple[float, int]:
    """Seconds that a batch took, without the start of its process, and the most memory in bytes."""
    folder = files()
    with tempfile.TemporaryDirectory(dir=folder) as root:
        arguments = ["-m", "greenlang", "batch", "run", f"{folder}/activities.parquet"]
        _, peak = process([*arguments, "--program", f"{folder}/program.gcel", "--folder", root, *options])
        listing = [sys.executable, "-m", "greenlang", "batch", "list", "--folder", root, "--format", "json"]
        (told,) = json.loads(subprocess.run(listing, stdout=subprocess.PIPE, check=True).stdout)
    return (told["finished_at"] - told["started_at"]) / 1e6, peak


def in_duckdb() -> float:
    folder = files()
    query = QUERY.format(data=f"{folder}/activities.parquet", factors=f"{folder}/factors.csv")
    command = [sys.executable, "-c", IN_DUCKDB, query]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def best_ratio(one: Callable[[], float], other: Callable[[], float]) -> float:
    """The best of one over the best of the other, run in turn."""
    ones, others = [], []
    for _ in range(ROUNDS):
        ones.append(one())
        others.append(other())
    return min(ones) / min(others)


def speed_up(engine: str) -> float:
    def seconds(workers: int) -> float:
        return batch("--engine", engine, "--workers", str(workers))[0]

    return best_ratio(lambda: seconds(1), lambda: seconds(2))


def against_duckdb() -> float:
    return best_ratio(lambda: batch("--workers", "2")[0], in_duckdb)


def dask_overhead() -> float:
    options = ["--workers", "2", "--partition-rows", "102400"]
    return best_ratio(lambda: batch("--engine", "dask", *options)[0], lambda: batch(*options)[0])


ROWS = [
    Row("two threads", "one thread", 1.7, lambda: speed_up("threads"), at_least=True),
    Row("two processes", "one process", 1.7, lambda: speed_up("processes"), at_least=True),
    Row("memory on two threads", "", 1.5, lambda: batch("--workers", "2")[1] / 1e9, "GB"),
    Row("two threads, every row proven", "DuckDB's join and sum, two threads", 2, against_duckdb),
    Row("Dask, parts of 102,400 rows", "two threads", 1.25, dask_overhead),
]
