"""Makes this pack's factor files from the figures of the UK Government in `source`.

    python build.py

Values are taken over as text and never computed with. The publisher gives the
same figure per cubic metre and, with more digits, per million litres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

#: Of the GHG Protocol: water is bought, and waste water is waste.
CATEGORIES = {
    "Water supply": "purchased goods and services",
    "Water treatment": "waste generated in operations",
}


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Water that is supplied, and waste water that is treated."""
    return (figure.factor(scope="3", category=CATEGORIES[figure.name]) for figure in figures)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
