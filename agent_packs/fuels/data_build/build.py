"""Makes this pack's factor files from the figures of the US EPA's GHG Emission Factors Hub.

    python build.py FOLDER

FOLDER holds `epa_hub_stationary.csv` and `epa_hub_mobile.csv`, one row for each figure of the hub's
workbook (tables 1 to 5) with its cell. Values are taken over as text and never computed with. What is
changed is what a figure is called, so that a row of activity data can ask for it:

- the wood furnishes of table 1 are named as the kraft pulping liquor that they stand for; `Straw` alone
  would pass for a fuel;
- tables 3 to 5 are by vehicle or equipment first; here the fuel is the activity, under its name in
  table 2, and vehicle, engine and model years have columns of their own;
- the heading of the light-duty trucks of table 3 runs over two cells, `Gasoline Light-Duty Trucks` and
  `(Vans, Pickup Trucks, SUVs)`: both are the same trucks;
- a fuel that the hub lists as biomass (or not) is so for its CH4 and N2O too.

`manifest.csv` records the SHA-256 and the number of rows of every file read and written.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "src" / "greenlang_fuels" / "data"

Row = dict[str, str]

COLUMNS = (
    *("activity", "gas", "value", "unit", "region", "source", "dataset", "edition", "table", "locator"),
    *("published", "applies_from", "citation", "biogenic", "scope", "category"),
)
STATIONARY_COLUMNS = (*COLUMNS, "note")
MOBILE_COLUMNS = (*COLUMNS, "vehicle", "engine", "model_year_from", "model_year_to")

KRAFT_LIQUOR = "Biomass Fuels - Kraft Pulping Liquor, by Wood Furnish"

#: Fuels of tables 3 to 5 under their names in table 2; table 2 has no methanol.
FUELS = {
    "Aviation Gasoline": "Aviation Gasoline",
    "Biodiesel": "Biodiesel (100%)",
    "CNG": "Compressed Natural Gas (CNG)",
    "Diesel": "Diesel Fuel",
    "Ethanol": "Ethanol (100%)",
    "Gasoline": "Motor Gasoline",
    "Jet Fuel": "Kerosene-Type Jet Fuel",
    "LNG": "Liquefied Natural Gas (LNG)",
    "LPG": "Liquefied Petroleum Gases (LPG)",
    "Methanol": "Methanol",
    "Residual Fuel Oil": "Residual Fuel Oil",
}

VEHICLES = {"(Vans, Pickup Trucks, SUVs)": "Gasoline Light-Duty Trucks"}


def stationary(rows: list[Row]) -> Iterable[Row]:
    """Table 1, with the heading of each fuel as its note."""
    biogenic = {row["fuel_or_type"]: row["biogenic"] for row in rows if row["gas"] == "CO2"}
    for row in rows:
        fuel = row["fuel_or_type"]
        heading = row["notes"].removesuffix("; HHV basis")
        yield common(row) | {
            "activity": f"Kraft Pulping Liquor ({fuel})" if heading == KRAFT_LIQUOR else fuel,
            "biogenic": biogenic[fuel],
            "category": "stationary combustion",
            "note": heading,
        }


def mobile(rows: list[Row]) -> Iterable[Row]:
    """Tables 2 to 5."""
    biogenic = {row["fuel_or_type"]: row["biogenic"] for row in rows if row["gas"] == "CO2"}
    for row in rows:
        named = {"vehicle fuel": by_fuel, "on-road": by_vehicle, "non-road": by_equipment}[row["activity"]](
            row
        )
        yield (
            common(row)
            | named
            | {
                "biogenic": biogenic.get(named["activity"], ""),
                "category": "mobile combustion",
            }
        )


def by_fuel(row: Row) -> Row:
    """`Diesel Fuel`."""
    return {"activity": row["fuel_or_type"]}


def by_vehicle(row: Row) -> Row:
    """`Passenger Cars | Diesel | model year 1983-2006`, with or without the years."""
    vehicle, fuel, *years = row["fuel_or_type"].split(" | ")
    first, last = model_years(years[0]) if years else ("", "")
    return {
        "activity": FUELS[fuel],
        "vehicle": VEHICLES.get(vehicle, vehicle),
        "model_year_from": first,
        "model_year_to": last,
    }


def by_equipment(row: Row) -> Row:
    """`Locomotives | Diesel`, or with more than the fuel: `Ships and Boats | Gasoline (2 stroke)`."""
    equipment, engine = row["fuel_or_type"].split(" | ")
    fuel = next(name for name in FUELS if engine == name or engine.startswith(f"{name} "))
    return {"activity": FUELS[fuel], "vehicle": equipment, "engine": "" if engine == fuel else engine}


def model_years(text: str) -> tuple[str, str]:
    """First and last of `model year 1984-1993`, `model year 1994` or `model year ≤1980`."""
    until = re.fullmatch(r"model year ≤(\d{4})", text)
    if until:
        return "", until[1]
    first, _, last = text.removeprefix("model year ").partition("-")
    return first, last or first


def common(row: Row) -> Row:
    """What is the same in all tables."""
    return {
        "gas": row["gas"],
        "value": row["value"],
        "unit": f"{row['unit_numerator']}/{row['unit_denominator']}",
        "region": row["region"],
        "source": "US EPA",
        "dataset": row["dataset"],
        "edition": row["edition"],
        "table": row["table"],
        "locator": row["source_locator"],
        "published": row["valid_from"],
        "applies_from": row["valid_from"],
        "citation": f"{row['citation']}, {row['table']}",
        "scope": "1",
    }


def build(folder: Path) -> None:
    """Write both factor files and the manifest."""
    stationary_rows = list(stationary(read(folder / "epa_hub_stationary.csv")))
    mobile_rows = list(mobile(read(folder / "epa_hub_mobile.csv")))
    write(DATA / "stationary.csv", STATIONARY_COLUMNS, stationary_rows)
    write(DATA / "mobile.csv", MOBILE_COLUMNS, mobile_rows)
    files = (
        *(folder / "epa_hub_stationary.csv", folder / "epa_hub_mobile.csv"),
        *(DATA / "stationary.csv", DATA / "mobile.csv"),
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
