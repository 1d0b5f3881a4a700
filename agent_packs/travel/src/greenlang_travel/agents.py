"""The agent of business travel."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["business"]

FILES = (
    "data/epa_travel.csv",
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="travel.business", version="1.0.0", effects=["pure", "calculates"])
def business(data: ActivityData) -> Emissions:
    """Emissions of business travel: flights, trains, cars, taxis, ferries and hotels.

    EPA GHG Emission Factors Hub, table 10; UK Government conversion factors, business travel and hotel stay.
    Whether radiative forcing counts is part of a flight's name: `…, With RF` or `…, Without RF`.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="travel.business",
        scope=3,
        category="business travel",
    )
