"""The agent of upstream of energy."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["energy"]

FILES = (
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="upstream.energy", version="1.0.0", effects=["pure", "calculates"])
def energy(data: ActivityData) -> Emissions:
    """What fuels and energy emitted before they were bought, and what was lost on their way.

    UK Government conversion factors: transmission and distribution (2024, 2025) and well-to-tank (2025).
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="upstream.energy",
        scope=3,
        category="fuel- and energy-related activities",
    )
