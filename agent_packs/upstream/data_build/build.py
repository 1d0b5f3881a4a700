"""Makes this pack's factor files from the figures of the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. What is changed is what
a figure is called: `WTT` stands before what a fuel emits on its way to the tank, `T&D` before what is lost in
transmission and distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "fuel- and energy-related activities"

#: The few names that say too little without their heading.
NAMES = {
    "T&D- UK electricity": "T&D, Electricity",
    "Distribution - district heat & steam": "T&D, District heat and steam (5% loss)",
    "WTT- UK electricity (generation)": "WTT, Electricity (generation)",
    "WTT- UK electricity (T&D)": "WTT, Electricity (T&D)",
    "WTT- district heat & steam distribution": "WTT, District heat and steam (5% loss)",
}


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Well-to-tank of fuels, electricity and heat; transmission and distribution losses."""
    for figure in figures:
        name = NAMES.get(figure.group) or f"WTT, {figure.name.removesuffix(' | kWh')}"
        yield figure.factor(activity=name, scope="3", category=CATEGORY)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
