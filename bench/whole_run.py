"""A whole `greenlang run`, from a CSV file to a proven, grouped report, beside DuckDB on the same file.

Both are processes of their own, so that what they import counts, and their memory can be told. DuckDB reads
the columns that it needs as DECIMAL, joins the factors and groups, in one thread; it proves nothing. Moves
with everything between `greenlang/carbon/tables/` and `greenlang/ledger/`.
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from .rows import Row

ROWS_OF_FILE = 5_000_000

REFERENCE = "DuckDB reading the same file, one thread"

ACTIVITIES = (
    ("natural gas", "MMBtu", "53.06"),
    ("diesel", "L", "2.68787"),
    ("coal", "t", "2345.6"),
    ("steam", "GJ", "66.33"),
    ("electricity", "kWh", "0.4179"),
)

PROGRAM = """
main = ghg.intake >> ghg.emissions(factors="factors.csv") >> ghg.inventory >> ghg.totals(by="site")
"""

QUERY = """
    SELECT site, sum(quantity * value)
    FROM read_csv('{data}', columns = {{'id': 'VARCHAR', 'period': 'VARCHAR', 'site': 'VARCHAR',
        'activity': 'VARCHAR', 'quantity': 'DECIMAL(18, 3)', 'unit': 'VARCHAR', 'region': 'VARCHAR',
        'method': 'VARCHAR', 'tags': 'VARCHAR'}})
    JOIN read_csv('{factors}', columns = {{'activity': 'VARCHAR', 'gas': 'VARCHAR', 'value': 'DECIMAL(18, 5)',
        'unit': 'VARCHAR', 'scope': 'VARCHAR'}}) USING (activity)
    GROUP BY site ORDER BY site
"""

#: What is run in place of `python -m greenlang`, so that pyarrow cannot be imported.
WITHOUT_ARROW = "import sys; sys.modules['pyarrow'] = None; from greenlang.cli import main; sys.exit(main())"

IN_DUCKDB = """
import duckdb, sys
print(duckdb.connect(config={'threads': 1}).execute(sys.argv[1]).fetchall())
"""


class WholeRun:
    """Five million rows, 50 sites, five activities, one gas."""

    params = ["with pyarrow", "without pyarrow"]
    param_names = ["csv_reader"]
    timeout = 600

    def setup(self, csv_reader: str) -> None:
        folder = files()
        self.program = ["-m", "greenlang"] if csv_reader == "with pyarrow" else ["-c", WITHOUT_ARROW]
        self.arguments = [
            "run", f"{folder}/program.gcel", "--input", f"{folder}/activities.csv", "--max-input-size", "1GB",
            "--format", "csv",
        ]  # fmt: skip
        self.query = QUERY.format(data=f"{folder}/activities.csv", factors=f"{folder}/factors.csv")

    def run(self) -> tuple[float, int]:
        """Seconds, and the most memory that the process held, in bytes."""
        return process([*self.program, *self.arguments])

    def in_duckdb(self) -> tuple[float, int]:
        return process(["-c", IN_DUCKDB, self.query])

    def track_against_duckdb(self, csv_reader: str) -> float:
        """At most 2 with pyarrow, 4 without."""
        return statistics.median(self.run()[0] / self.in_duckdb()[0] for _ in range(5))

    def track_memory_gb(self, csv_reader: str) -> float:
        """At most 1."""
        return self.run()[1] / 1e9


@functools.cache
def files() -> str:
    """The folder of the program and its data, made once a process and gone with it."""
    folder = tempfile.TemporaryDirectory(prefix="greenlang-bench-")
    path = Path(folder.name)
    _kept.append(folder)
    path.joinpath("program.gcel").write_text(PROGRAM)
    factors = [f"{activity},CO2,{value},kg/{unit},1\n" for activity, unit, value in ACTIVITIES]
    path.joinpath("factors.csv").write_text("activity,gas,value,unit,scope\n" + "".join(factors))
    random = np.random.default_rng(7)
    chunk = 100_000
    with path.joinpath("activities.csv").open("w") as data:
        data.write("id,period,site,activity,quantity,unit,region,method,tags\n")
        for start in range(0, ROWS_OF_FILE, chunk):
            columns = [random.integers(0, high, chunk).tolist() for high in (12, 50, 5, 10_000_000)]
            data.writelines(
                f"R-{row:07d},2025-{month + 1:02d},Site {site},{ACTIVITIES[activity][0]},"
                f"{amount // 1000}.{amount % 1000:03d},{ACTIVITIES[activity][1]},,,\n"
                for row, (month, site, activity, amount) in enumerate(zip(*columns, strict=True), start=start)
            )
    return folder.name


_kept: list[tempfile.TemporaryDirectory[str]] = []


#: Runs a command and tells its seconds and the most memory that it held. In a process of its own, because a
#: child's peak begins at what its parent held.
LAUNCHER = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def process(arguments: list[str]) -> tuple[float, int]:
    """Run Python to its end; seconds, and the most memory that it held, in bytes."""
    command = [sys.executable, "-c", LAUNCHER, sys.executable, *arguments]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, peak = told.split()
    return float(seconds), int(peak) * (1 if sys.platform == "darwin" else 1024)


def against_duckdb(csv_reader: str) -> float:
    case = WholeRun()
    case.setup(csv_reader)
    return case.track_against_duckdb(csv_reader)


def memory_gb(csv_reader: str) -> float:
    case = WholeRun()
    case.setup(csv_reader)
    return case.track_memory_gb(csv_reader)


ROWS = [
    Row("whole run over CSV, pyarrow installed", REFERENCE, 2, lambda: against_duckdb("with pyarrow")),
    Row("whole run over CSV, without pyarrow", REFERENCE, 4, lambda: against_duckdb("without pyarrow")),
    Row("its memory, pyarrow installed", "", 1, lambda: memory_gb("with pyarrow"), "GB"),
    Row("its memory, without pyarrow", "", 1, lambda: memory_gb("without pyarrow"), "GB"),
]
