"""Activity data as people hand it in, and the command as they run it."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from greenlang.agents import Resource
from greenlang.carbon import AccountingPolicy, ActivityData, InventoryInput, read_activity_data, read_csv

Greenlang = Callable[..., subprocess.CompletedProcess[str]]

COLUMNS = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags")

#: What a row has where a test does not care.
USUAL = {"period": "2025-03", "activity": "natural gas", "quantity": "1500", "unit": "MMBtu", "region": "US"}


@pytest.fixture(scope="session")
def activity_data() -> Callable[..., ActivityData]:
    """Makes `ActivityData` of rows (dicts of what is unusual), factor files and an accounting policy."""

    def make(*rows: dict[str, str], factors: str = "", **policy: object) -> ActivityData:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for number, row in enumerate(rows, start=1):
            cells = {"id": f"A-{number}", **USUAL, **row}
            writer.writerow([cells.get(column, "") for column in COLUMNS])
        table = read_csv(io.BytesIO(text.getvalue().encode()), name="data.csv")
        files = (Resource.of("own.csv", factors),) if factors else ()
        return read_activity_data(InventoryInput(table, AccountingPolicy(**policy), files))

    return make


@pytest.fixture
def greenlang(tmp_path: Path) -> Greenlang:
    """Runs the command as a user does, in an empty folder and with a configuration of its own."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONWARNINGS": "error"}

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "greenlang", *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done

    return run
