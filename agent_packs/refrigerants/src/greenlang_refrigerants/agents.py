"""The agent of refrigerants and process gases."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import ActivityData, Emissions, load_pack_data

__all__ = ["leakage"]

FILES = (
    "data/substances.csv",
    "data/blends.csv",
    "data/uk_2024.csv",
    "data/uk_2025.csv",
)


@gl.agent(name="refrigerants.leakage", version="1.0.0", effects=["pure", "calculates"])
def leakage(data: ActivityData) -> Emissions:
    """Emissions of refrigerants and other gases that leak, are vented or are refilled.

    A gas emits itself and a blend what it consists of, so that CO2e follows the GWP set of the inventory. The
    totals that the UK Government publishes have names of their own: `R410A (all products)`.
    """
    return load_pack_data(__package__ or "", FILES).emissions(
        data,
        agent="refrigerants.leakage",
        scope=1,
        category="fugitive emissions",
        kinds=("", "composition"),
        expected=(),
    )
