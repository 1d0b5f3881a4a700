"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. The activity is the
material and what is done with it. Cells of the EPA's table 9 that say NA are no zeros, and are left out; its
figures are CO2e under AR4, unlike the rest of the hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "waste generated in operations"


def epa(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 9: `Newspaper, landfilled`."""
    for figure in figures:
        name = f"{figure.name}, {figure.group}"
        yield figure.factor(activity=name, scope="3", category=CATEGORY)


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Waste disposal: `Books, Landfill`."""
    for figure in figures:
        name = figure.name.replace(" | ", ", ")
        yield figure.factor(activity=name, scope="3", category=CATEGORY)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "epa_waste": ("epa_waste", epa),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
