"""Global warming potentials over 100 years, each with its citation; always of a named set.

Methane has three published AR6 values, and which one is meant is part of a set's name:

- `AR6` is another name of `AR6-7.SM.7`, the single value of that table (27.9);
- `AR6-7.15` has one value for methane of fossil origin (29.8) and one for all other (27.0); the other
  gases are those of `AR6-7.SM.7`.

`AR5` has no climate-carbon feedbacks, as the US EPA and the UK Government use it; `AR5-CCF` has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from greenlang.carbon.data import read_table
from greenlang.errors import FactorError, nearest

__all__ = ["GWP_SETS", "GwpSet", "GwpValue", "gases", "gwp_set"]

#: The sets by name.
GWP_SETS = ("AR4", "AR5", "AR5-CCF", "AR6-7.SM.7", "AR6-7.15")

_ALIASES = {"AR6": "AR6-7.SM.7"}

#: The set that has the gases which a set itself says nothing new about.
_BASES = {"AR6-7.15": "AR6-7.SM.7"}


@dataclass(frozen=True, slots=True)
class GwpValue:
    """The warming potential of one gas in one set."""

    gas: str
    origin: str  #: `fossil`, `non-fossil`, or empty where the set has one value for both
    factor: Decimal  #: kg CO2e per kg of the gas
    citation: str


@dataclass(frozen=True, slots=True)
class GwpSet:
    """The warming potentials of one table of one assessment report."""

    name: str
    names: tuple[str, ...]  #: its name and its aliases
    values: Mapping[tuple[str, str], GwpValue] = field(repr=False, hash=False)  #: by gas and origin

    def value(self, gas: str, biogenic: bool | None = None) -> GwpValue:
        """The warming potential of a gas, with its citation.

        Parameters
        ----------
        gas : str
            `CH4`, `HFC-134a` ...
        biogenic : bool, optional
            Whether its carbon is of biological origin; asked for only where the set tells the two apart.

        Raises
        ------
        FactorError
            If the set has no such gas, or needs to know the origin and it is not given.
        """
        one = self.values.get((gas, ""))
        if one is not None:
            return one
        if (gas, "fossil") not in self.values:
            names = sorted({name for name, _ in self.values})
            close = nearest(gas, names)
            raise FactorError(
                f"GWP set {self.name} has no gas '{gas}'",
                fix=f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(names[:8])} ...",
            )
        if biogenic is None:
            raise FactorError(
                f"GWP set {self.name} has two values for {gas}, by origin, and the origin is not known",
                fix="fill in the factor's column 'biogenic', or choose a set with one value such as AR6",
            )
        return self.values[gas, "non-fossil" if biogenic else "fossil"]

    def factor(self, gas: str, biogenic: bool | None = None) -> Decimal:
        """Give kg CO2e per kg of a gas; see `value`."""
        return self.value(gas, biogenic).factor


@cache
def gwp_set(name: str) -> GwpSet:
    """A GWP set by its name or alias.

    Raises
    ------
    FactorError
        If there is no such set.

    Examples
    --------
    >>> gwp_set("AR6").factor("CH4")
    Decimal('27.9')
    """
    canonical = _ALIASES.get(name, name)
    if canonical not in GWP_SETS:
        known = [*GWP_SETS, *_ALIASES]
        raise FactorError(
            f"there is no GWP set '{name}'", fix=f"choose one of {', '.join(nearest(name, known) or known)}"
        )
    aliases = tuple(alias for alias, meant in _ALIASES.items() if meant == canonical)
    return GwpSet(canonical, (canonical, *aliases), _values(canonical))


@cache
def gases() -> frozenset[str]:
    """Every gas that any set has a value for."""
    return frozenset(row["gas"] for row in read_table("gwp"))


def _values(name: str) -> dict[tuple[str, str], GwpValue]:
    values = {
        (row["gas"], row["origin"]): GwpValue(row["gas"], row["origin"], Decimal(row["gwp"]), row["citation"])
        for row in read_table("gwp")
        if row["set"] == name
    }
    own = {gas for gas, _ in values}
    base = _values(_BASES[name]) if name in _BASES else {}
    return values | {key: value for key, value in base.items() if value.gas not in own}
