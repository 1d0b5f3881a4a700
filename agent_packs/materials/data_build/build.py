"""Makes this pack's factor files from the figures of the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. The activity is the
material and where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "purchased goods and services"


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Material use: `Glass, Closed-loop source`."""
    for figure in figures:
        name = figure.name.replace(" | ", ", ")
        yield figure.factor(activity=name, scope="3", category=CATEGORY)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
