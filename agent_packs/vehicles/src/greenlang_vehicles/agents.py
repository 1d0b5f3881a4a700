"""The agent of company vehicles."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["driven"]

FILES = (
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="vehicles.driven", version="1.0.0", effects=["pure", "calculates"])
def driven(data: ActivityData) -> Emissions:
    """Emissions of company vehicles by the distance that they drive.

    Passenger vehicles (2024, 2025) and delivery vehicles (2025) of the UK Government conversion factors.
    Where the fuel is known, `fuels.mobile` is more exact; a vehicle must not be in both.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="vehicles.driven",
        scope=1,
        category="company vehicles",
    )
