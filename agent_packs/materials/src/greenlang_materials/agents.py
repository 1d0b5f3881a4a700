"""The agent of materials."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["purchased"]

FILES = (
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="materials.purchased", version="1.0.0", effects=["pure", "calculates"])
def purchased(data: ActivityData) -> Emissions:
    """Emissions of making the materials that are bought, by where they come from.

    UK Government conversion factors, material use.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="materials.purchased",
        scope=3,
        category="purchased goods and services",
    )
