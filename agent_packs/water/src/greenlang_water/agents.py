"""The agent of water."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["used"]

FILES = (
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="water.used", version="1.0.0", effects=["pure", "calculates"])
def used(data: ActivityData) -> list[Emissions]:
    """Emissions of water that is supplied and of waste water that is treated.

    UK Government conversion factors, water supply and water treatment. Water is a purchased good, and waste
    water is waste.
    """
    pack = load_pack_data(__package__ or "", FILES)
    return [
        pack.of_category(category).emissions(
            data,
            agent="water.used",
            scope=3,
            category=category,
            takes_own=False,
        )
        for category in ("purchased goods and services", "waste generated in operations")
    ]
