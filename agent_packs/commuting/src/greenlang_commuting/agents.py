"""The agent of employee commuting."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["employees"]

FILES = (
    "data/epa_commuting.csv",
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="commuting.employees", version="1.0.0", effects=["pure", "calculates"])
def employees(data: ActivityData) -> Emissions:
    """Emissions of employees on their way to work, and of working at home.

    EPA GHG Emission Factors Hub, table 10; UK Government conversion factors, land travel and homeworking.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="commuting.employees",
        scope=3,
        category="employee commuting",
    )
