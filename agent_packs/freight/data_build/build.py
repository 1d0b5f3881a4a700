"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. UK Government rows give each gas's
part in kg CO2e, already multiplied by a GWP; only the published CO2e row, the total, is in `source`. What is
changed is what a figure is called: headings are put before names that need them, and `WTT` before those of
the fuel's way to the tank. The pack has one agent for freight that is paid for and one for freight that is
not, so the category of a factor stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

#: By heading in lower case, what its names need before them to be understood elsewhere.
PREFIXES = {
    "vans": "Van, ",
    "hgv (all diesel)": "HGV, ",
    "hgv refrigerated (all diesel)": "Refrigerated HGV, ",
    "freight flights": "Freight flight, ",
}


def epa(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 8."""
    return (figure.factor(scope="3") for figure in figures)


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Goods moved by road, rail, air and sea, with or without the fuel's way to the tank."""
    for figure in figures:
        group = figure.group.casefold()
        name = PREFIXES.get(group.removeprefix("wtt- "), "") + figure.name.replace(" | ", ", ")
        yield figure.factor(activity=f"WTT, {name}" if group.startswith("wtt") else name, scope="3")


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "epa_freight": ("epa_freight", epa),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
