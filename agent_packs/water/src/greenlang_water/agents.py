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
def used(data: ActivityData) -> Emissions:
    """Emissions of water that is supplied and of waste water that is treated.

    UK Government conversion factors, water supply and water treatment.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="water.used",
        scope=3,
        category="water supply and treatment",
    )
