"""Makes a pack's factor files from a publisher's figures, for the script in `data_build` that does so.

Beside the script, in `source`, stands one CSV file for each table or workbook, one row a figure:

================  ====================================================================================
column            meaning
================  ====================================================================================
table, group      where the publisher has it: table or sheet, and the heading there
name              what it is for, as the publisher names it
region            code of the region it is for
gas, value, unit  as in a factor file (`greenlang.carbon.factors.factor`)
biogenic          `yes` or `no` where the publisher says it
locator           the cell, or the publisher's own id
note              anything else
================  ====================================================================================

`source/publications.csv` says for each of these files (`source_file`) what all its figures have in common:
`source`, `dataset`, `edition`, `published`, `data_year`, `applies_from`, `applies_to`, `gwp_basis` and
`citation`.

Values are taken over as text. `manifest.csv` beside the script records the SHA-256 and the number of rows of
every file read and written, so that anybody can see that the data are what the script makes of the source.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from greenlang.carbon.factors.files import FACTOR_COLUMNS, load_factors

__all__ = ["Figure", "build_factor_files"]

_PUBLICATIONS = "publications.csv"

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a publisher, with what is said of its publication."""

    table: str
    group: str
    name: str
    region: str
    gas: str
    value: str
    unit: str
    biogenic: str
    locator: str
    note: str
    publication: Row

    def factor(self, **columns: str) -> dict[str, str]:
        """The figure as a row of a factor file.

        Parameters
        ----------
        **columns : str
            Columns of the format that the figure does not have itself (`activity`, `category`, `scope`), or
            that are to differ from it.
        """
        published = {column: text for column, text in self.publication.items() if column in FACTOR_COLUMNS}
        return published | {
            "activity": self.name,
            "gas": self.gas,
            "value": self.value,
            "unit": self.unit,
            "region": self.region,
            "biogenic": self.biogenic,
            "table": self.table,
            "locator": self.locator,
            "citation": f"{self.publication['citation']}, {self.table}",
            "gwp_basis": self.publication["gwp_basis"] if self.gas == "CO2e" else "",
            **columns,
        }


def build_factor_files(
    folder: Path, made: Mapping[str, tuple[str, Callable[[Sequence[Figure]], Iterable[Row]]]]
) -> None:
    """Write factor files and the manifest of a pack.

    Parameters
    ----------
    folder : path
        That of the script. The files go to `data` in the package under `src` beside it.
    made : mapping
        For each factor file to write, the source file that it is made from, both without `.csv`, and a
        function that turns the figures into rows of the factor file; `Figure.factor` makes one.

    Raises
    ------
    DataError
        If a file would not be read as factors.
    """
    data = next((folder.parent / "src").glob("*/data"))
    publications = {row["source_file"]: row for row in _read(folder / "source" / _PUBLICATIONS)}
    for name, (source, convert) in made.items():
        rows = list(convert(_figures(folder / "source" / f"{source}.csv", publications[source])))
        columns = [column for column in FACTOR_COLUMNS if any(row.get(column) for row in rows)]
        _write(data / f"{name}.csv", columns, rows)
        load_factors((data / f"{name}.csv").read_text(encoding="utf-8"), file=f"{name}.csv")
    read = [folder / "source" / f"{source}.csv" for source in sorted({source for source, _ in made.values()})]
    files = [folder / "source" / _PUBLICATIONS, *read, *(data / f"{name}.csv" for name in made)]
    _write(folder / "manifest.csv", ("file", "sha256", "rows"), map(_entry, files))


def _figures(path: Path, publication: Row) -> list[Figure]:
    return [Figure(**row, publication=publication) for row in _read(path)]


def _entry(path: Path) -> dict[str, str]:
    """What the manifest says of a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"source/{path.name}" if path.parent.name == "source" else f"data/{path.name}"
    return {"file": name, "sha256": digest, "rows": str(len(_read(path)))}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
