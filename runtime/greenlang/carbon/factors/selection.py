"""What was chosen for a row: rates by gas, the factors behind them, and everything that was assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from greenlang.carbon.factors.editions import Fallback
from greenlang.carbon.factors.factor import EmissionFactor
from greenlang.carbon.periods import Period
from greenlang.carbon.units import Unit

__all__ = ["GasRate", "Selection", "Wanted", "blend"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row asks a factor for."""

    activity: str
    unit: Unit
    regions: tuple[str, ...]  #: the row's region, then those around it; the last is empty, the world
    period: Period
    kinds: tuple[str, ...] = ("",)  #: kinds of factor that will do (see `EmissionFactor.kind`)
    holder: str = ""  #: the supplier or instrument asked for
    vehicle: str = ""  #: vehicle or equipment asked for
    engine: str = ""
    model_year: int | None = None


@dataclass(frozen=True, slots=True)
class GasRate:
    """How much of one gas comes with one of the row's unit."""

    gas: str
    biogenic: bool | None  #: whether its carbon is of biological origin; None where nobody says
    rate: Fraction  #: kg per unit of the row; kg CO2e where the gas is `CO2e`
    parts: tuple[tuple[EmissionFactor, Fraction], ...]  #: factors and their weights


@dataclass(frozen=True, slots=True)
class Selection:
    """The rates a row is multiplied by, and what was assumed."""

    activity: str  #: as the factor's publisher names it
    rates: tuple[GasRate, ...]
    fallbacks: tuple[Fallback, ...] = ()
    #: Of one that was blended: the gases of each of its parts.
    blended: tuple[frozenset[str], ...] = ()

    def gases(self) -> frozenset[str]:
        """The gases it has a rate for."""
        return frozenset(rate.gas for rate in self.rates)

    def covers(self, gas: str) -> bool:
        """Whether the whole quantity has a rate for a gas; a published CO2e total stands for all gases."""
        return all(not gases.isdisjoint((gas, "CO2e")) for gases in self.blended or (self.gases(),))

    def without_gases(self, gases: frozenset[str]) -> Selection:
        """The same selection without its rates of some gases."""
        return replace(self, rates=tuple(rate for rate in self.rates if rate.gas not in gases))


def blend(shares: Sequence[tuple[Selection, Fraction]]) -> Selection:
    """One selection of several, each for a share of the row's quantity; the shares add up to 1."""
    rates: dict[tuple[str, bool | None], GasRate] = {}
    for selection, share in shares:
        for rate in selection.rates:
            key = rate.gas, rate.biogenic
            before = rates.get(key, GasRate(*key, Fraction(0), ()))
            parts = tuple((factor, weight * share) for factor, weight in rate.parts)
            rates[key] = GasRate(*key, before.rate + rate.rate * share, before.parts + parts)
    return Selection(
        shares[0][0].activity,
        tuple(rates[key] for key in sorted(rates, key=str)),
        tuple(sorted({fallback for selection, _ in shares for fallback in selection.fallbacks})),
        tuple(selection.gases() for selection, _ in shares),
    )
