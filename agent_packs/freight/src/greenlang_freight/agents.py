"""The agents of freight."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["downstream", "upstream"]

FILES = (
    "data/epa_freight.csv",
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="freight.upstream", version="1.0.0", effects=["pure", "calculates"])
def upstream(data: ActivityData) -> Emissions:
    """Emissions of freight that the company pays for.

    EPA GHG Emission Factors Hub, table 8; UK Government conversion factors, freighting goods.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="freight.upstream",
        scope=3,
        category="upstream transportation and distribution",
    )


@gl.agent(name="freight.downstream", version="1.0.0", effects=["pure", "calculates"])
def downstream(data: ActivityData) -> Emissions:
    """Emissions of freight of sold goods that the company does not pay for.

    EPA GHG Emission Factors Hub, table 8; UK Government conversion factors, freighting goods.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="freight.downstream",
        scope=3,
        category="downstream transportation and distribution",
    )
