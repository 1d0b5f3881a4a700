"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. UK Government rows give each gas's
part in kg CO2e, already multiplied by a GWP; only the published CO2e row, the total, is in `source`. What is
changed is what a figure is called: headings are put before names that need them, and `WTT` before those of
the fuel's way to the tank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "employee commuting"

#: By heading in lower case, what its names need before them to be understood elsewhere.
PREFIXES = {"motorbike": "Motorbike, ", "office equipment": "Homeworking, ", "heating": "Homeworking, "}


def epa(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 10, but for flights."""
    return (figure.factor(scope="3", category=CATEGORY) for figure in figures)


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Travel by land, with or without the fuel's way to the tank; hours worked at home."""
    for figure in figures:
        group = figure.group.casefold()
        name = vehicle(group.removeprefix("wtt- "), figure.name.replace(" | ", ", "))
        wtt = "WTT, " if group.startswith("wtt") else ""
        yield figure.factor(activity=wtt + name, scope="3", category=CATEGORY)


def vehicle(group: str, name: str) -> str:
    """What a vehicle is called: `Mini car, Diesel`, `Motorbike, Small`."""
    if group == "cars (by market segment)":
        segment, comma, fuel = name.partition(", ")
        return f"{segment} car{comma}{fuel}"
    return PREFIXES.get(group, "") + name


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "epa_commuting": ("epa_commuting", epa),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
