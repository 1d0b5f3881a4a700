"""Makes this pack's factor files from the figures of the US EPA's GHG Emission Factors Hub.

    python build.py FOLDER

FOLDER holds `epa_hub_electricity_egrid.csv` and `epa_hub_steam.csv`, one row for each figure of the
hub's workbook (tables 6 and 7) with its cell. Values are taken over as text and never computed with;
eGRID's CO2 rates have more digits in their cells than the hub shows, and the note says what it shows.

Left out of table 6, because no inventory may use them for scope 2: the non-baseload rates, which
estimate avoided emissions, and the grid gross loss, which is a fraction for scope 3 category 3.

`manifest.csv` records the SHA-256 and the number of rows of every file read and written.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "src" / "greenlang_electricity" / "data"

Row = dict[str, str]

COLUMNS = (
    *("activity", "gas", "value", "unit", "region", "source", "dataset", "edition", "table", "locator"),
    *("published", "applies_from", "citation", "scope", "category", "note"),
)
GRID_COLUMNS = (*COLUMNS, "data_year", "kind")


def egrid(rows: list[Row]) -> Iterable[Row]:
    """The total output rates of table 6: what an average MWh of a grid emits where it is generated."""
    for row in rows:
        if row["activity"] != "total output emission rate":
            continue
        shown = "" if row["value"] == row["value_displayed"] else f"; shown as {row['value_displayed']}"
        yield common(row) | {
            "activity": "Electricity",
            "unit": f"{row['unit_numerator']}/{row['unit_denominator']}",
            "data_year": "2023",
            "category": "purchased electricity",
            "kind": "grid-average",
            "note": f"{row['fuel_or_type']}, total output emission rate{shown}",
        }


def steam(rows: list[Row]) -> Iterable[Row]:
    """Table 7, per mmBtu of steam or heat that is delivered."""
    for row in rows:
        yield common(row) | {
            "activity": "Steam and Heat",
            "unit": f"{row['unit_numerator']}/{row['unit_denominator'].removesuffix(' of steam or heat')}",
            "category": "purchased steam and heat",
            "note": "by assumption raised from natural gas at 80 percent thermal efficiency",
        }


def common(row: Row) -> Row:
    """What is the same in both tables."""
    return {
        "gas": row["gas"],
        "value": row["value"],
        "region": row["region"],
        "source": "US EPA",
        "dataset": row["dataset"],
        "edition": row["edition"],
        "table": row["table"],
        "locator": row["source_locator"],
        "published": row["valid_from"],
        "applies_from": row["valid_from"],
        "citation": f"{row['citation']}, {row['table']}",
        "scope": "2",
    }


def build(folder: Path) -> None:
    """Write both factor files and the manifest."""
    grid_rows = list(egrid(read(folder / "epa_hub_electricity_egrid.csv")))
    steam_rows = list(steam(read(folder / "epa_hub_steam.csv")))
    write(DATA / "egrid.csv", GRID_COLUMNS, grid_rows)
    write(DATA / "steam.csv", COLUMNS, steam_rows)
    files = (
        *(folder / "epa_hub_electricity_egrid.csv", folder / "epa_hub_steam.csv"),
        *(DATA / "egrid.csv", DATA / "steam.csv"),
    )
    write(HERE / "manifest.csv", ("file", "sha256", "rows"), map(entry, files))


def read(path: Path) -> list[Row]:
    """Read the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write a CSV file; cells that a row does not have are empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def entry(path: Path) -> Row:
    """What the manifest says of a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": path.name, "sha256": digest, "rows": str(len(read(path)))}


if __name__ == "__main__":
    build(Path(sys.argv[1]))
