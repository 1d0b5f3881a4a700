"""The agent of waste."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["generated"]

FILES = (
    "data/epa_waste.csv",
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="waste.generated", version="1.0.0", effects=["pure", "calculates"])
def generated(data: ActivityData) -> Emissions:
    """Emissions of waste by material and by what is done with it.

    EPA GHG Emission Factors Hub, table 9, which is CO2e under AR4; UK Government conversion factors, waste
    disposal, under AR5.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="waste.generated",
        scope=3,
        category="waste generated in operations",
    )
