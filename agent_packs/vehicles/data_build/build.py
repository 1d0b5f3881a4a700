"""Makes this pack's factor files from the figures of the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. UK Government rows give each gas's
part in kg CO2e, already multiplied by a GWP; only the published CO2e row, the total, is in `source`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "company vehicles"

#: By heading in lower case, what its names need before them to be understood elsewhere.
PREFIXES = {
    "motorbike": "Motorbike, ",
    "vans": "Van, ",
    "hgv (all diesel)": "HGV, ",
    "hgvs refrigerated (all diesel)": "Refrigerated HGV, ",
}


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Passenger and delivery vehicles, per distance driven."""
    for figure in figures:
        name = vehicle(figure.group.casefold(), figure.name.replace(" | ", ", "))
        yield figure.factor(activity=name, scope="1", category=CATEGORY)


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
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
