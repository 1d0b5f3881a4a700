"""The page on factors is true: its columns are those of the format, its example gives what it says."""

import csv
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import get_args

from greenlang.carbon.factors.editions import FallbackKind
from greenlang.carbon.factors.files import FACTOR_COLUMNS, load_factors

PAGE = (Path(__file__).parents[2] / "docs" / "factors.md").read_text(encoding="utf-8")
FACTORS, ACTIVITIES = re.findall(r"^```csv\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """Cells of the rows of the table below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_column_of_the_format_is_described_in_its_order():
    described = [name for cells in table("The file") for name in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(described) == sorted(FACTOR_COLUMNS)


def test_the_file_of_the_example_is_read():
    assert len(load_factors(FACTORS, file="example.csv")) == 4


def test_the_example_gives_what_the_page_says(inventory_of):
    rows = list(csv.DictReader(io.StringIO(ACTIVITIES)))
    inventory = inventory_of(*rows, factors=FACTORS)
    by_row = inventory.co2e_by_row("market-based").to_decimals()
    recorded: dict[int, set[str]] = {row: set() for row in range(len(rows))}
    for one in inventory.fallbacks:
        for row in one.rows.tolist() if one.method != "location-based" else []:
            recorded[row].add(one.fallback.kind)
    expected = table("An example")
    assert [cells[0].strip("`") for cells in expected] == inventory.data.id.texts()
    for row, (_, kilograms, said) in enumerate(expected):
        assert by_row[row] == Decimal(kilograms)
        assert recorded[row] == set(re.findall(r"`([\w ]+)`", said))


def test_every_kind_of_fallback_is_described():
    assert [cells[0].strip("`") for cells in table("Fallbacks")] == list(get_args(FallbackKind))
