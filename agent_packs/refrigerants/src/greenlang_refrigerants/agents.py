"""The agent of refrigerants and process gases."""

from __future__ import annotations

import greenlang as gl
from greenlang.carbon import (
    ActivityData,
    Component,
    Emissions,
    Selection,
    calculate,
    kinds_of_rows,
    load_pack_data,
    own_activities,
    wanted_of,
)

__all__ = ["leakage"]

CATEGORY = "fugitive emissions"

#: As in the EPA's own totals of blends.
NOT_COUNTED = "no gas of the Kyoto Protocol: the GHG Protocol has it reported apart from the scopes"

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
    HCFCs of blends are told as missing. The totals that the UK Government publishes have names of their own:
    `R410A (all products)`.
    """
    pack = load_pack_data(__package__ or "", FILES)
    book = pack.book(data.policy, data.own_factors, (CATEGORY,))
    own = own_activities(data.own_factors, (CATEGORY,))
    return calculate(
        data,
        agent="refrigerants.leakage",
        scope=1,
        category=CATEGORY,
        kinds=kinds_of_rows(
            pack.rows_taken(data, ("", CATEGORY), own),
            (data.activity, data.unit, data.region, data.period),
        ),
        choose=lambda row: [_counted(book.select(wanted_of(data, row, kinds=("", "composition"))))],
        expected=(),
        activities=tuple(sorted(pack.names(own))),
        row_by_row=True,
    )


def _counted(selection: Selection) -> Component:
    """A blend without its HCFCs. A factor of the user's own for one counts as it says."""
    hcfcs = [
        rate.gas
        for rate in selection.rates
        if rate.gas.startswith("HCFC-") and all(factor.kind == "composition" for factor, _ in rate.parts)
    ]
    return Component(
        selection.without_gases(frozenset(hcfcs)), left_out=tuple((gas, NOT_COUNTED) for gas in hcfcs)
    )
