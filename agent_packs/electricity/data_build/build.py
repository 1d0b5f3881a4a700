"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with; eGRID's CO2 rates have more digits in their cells than
the hub shows, and the note says what it shows.

Left out of the EPA's table 6, because no inventory may use them for scope 2: the non-baseload rates, which
estimate avoided emissions, and the grid gross loss, which is a fraction for scope 3 category 3.

UK Government rows give each gas's part in kg CO2e, already multiplied by a GWP; only the published CO2e
row, the total, is in `source`, and the biogenic CO2 that it leaves out (sheet `Outside of scopes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

ELECTRICITY = {"activity": "Electricity", "category": "purchased electricity", "kind": "grid-average"}


def egrid(figures: Sequence[Figure]) -> Iterable[Row]:
    """The total output rates of table 6: what an average MWh of a grid emits where it is generated."""
    for figure in figures:
        _, _, shown = figure.note.partition("; ")
        note = "; ".join(filter(None, (f"{figure.name}, {figure.group}", shown)))
        yield figure.factor(**ELECTRICITY, scope="2", note=note)


def steam(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 7, per mmBtu of steam or heat that is delivered."""
    for figure in figures:
        yield figure.factor(
            activity="Steam and Heat",
            unit=figure.unit.removesuffix(" of steam or heat"),
            scope="2",
            category="purchased steam and heat",
            note="by assumption raised from natural gas at 80 percent thermal efficiency",
        )


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Electricity of the UK grid; heat and steam, from a plant on the site or from a district network."""
    for figure in figures:
        if figure.name.startswith("Electricity"):
            unit = figure.unit if figure.gas == "CO2e" else figure.unit.replace("kg CO2e", "kg")
            yield figure.factor(**ELECTRICITY, unit=unit, scope="2")
        else:
            name = figure.name.removesuffix(" | kWh")
            yield figure.factor(activity=name, scope="2", category="purchased steam and heat")


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "egrid": ("epa_egrid", egrid),
            "steam": ("epa_steam", steam),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
