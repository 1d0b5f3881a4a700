"""The runtime's own tables of facts, as CSV: units, global warming potentials, regions."""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["read_table"]


def read_table(name: str) -> list[dict[str, str]]:
    """Read the rows of `NAME.csv` in this folder, each by column name."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
