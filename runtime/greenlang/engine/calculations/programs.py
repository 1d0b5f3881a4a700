"""The program that computes emissions where nobody names another: an inventory by every installed agent."""

from __future__ import annotations

__all__ = ["standard_program"]

from collections.abc import Collection

from greenlang.errors import InputError

#: The agents of the first-party packs; each takes the activities that are its own.  Those that know one word
#: (a car is driven, hired or commuted in) leave it to the row's `method`.
_AGENTS = (
    "fuels.stationary",
    "fuels.mobile",
    "refrigerants.leakage",
    "electricity.location_based",
    "electricity.market_based",
    "materials.purchased",
    "upstream.energy",
    "freight.upstream",
    "freight.downstream",
    "waste.generated",
    "travel.business",
    "commuting.employees",
    "vehicles.driven",
    "water.used",
)


def standard_program(installed: Collection[str]) -> str:
    """The inventory over those of the first-party agents that are installed.

    Raises
    ------
    InputError
        If none of them is.
    """
    agents = [name for name in _AGENTS if name in installed]
    if not agents:
        raise InputError(
            "no agent that computes emissions is installed",
            fix="pip install greenlang-fuels greenlang-electricity, or name a program of your own with "
            "--calculation-program",
        )
    return f"ghg.intake >> ({' | '.join(agents)}) >> ghg.inventory"
