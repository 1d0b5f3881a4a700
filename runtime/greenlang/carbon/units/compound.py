"""Compound units: products and powers of units, such as `kg/mmBtu (HHV)` or `t*km`.

In: text, or the units of two quantities that are multiplied. Out: the terms, with units of one kind
brought together (`MWh * kg/kWh` is `kg`, a thousand times), and the exact ratio to another compound
unit that measures the same.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from greenlang.carbon.units.definitions import Unit, dimension_hint, parse_unit
from greenlang.errors import UnitMismatch, UnknownUnit

__all__ = ["DIMENSIONLESS", "CompoundUnit", "compound_ratio", "parse_compound_unit"]

#: Dimensions that are products of others, so that 2 t times 3 km converts to 6 t.km.
_PRODUCTS = {
    "freight work": ("mass", "length"),
    "passenger distance": ("passengers", "length"),
    "vehicle distance": ("vehicles", "length"),
    "container distance": ("containers", "length"),
}

_POWER = re.compile(r"(.+?)\s*(?:\^|\*\*)\s*(-?[0-9]{1,2})")
_PER = re.compile(r"\s*/\s*|\s+per\s+")
_TIMES = re.compile(r"\s*(?:(?<!\*)\*(?!\*)|·)\s*")


@dataclass(frozen=True, slots=True)
class CompoundUnit:
    """Units with their powers, each unit once and no power zero; no terms at all is a plain number."""

    terms: tuple[tuple[Unit, int], ...] = ()

    def __str__(self) -> str:
        above = "*".join(_raised(str(unit), power) for unit, power in self.terms if power > 0)
        below = "".join(f"/{_raised(str(unit), -power)}" for unit, power in self.terms if power < 0)
        return f"{above or '1'}{below}" if below else above

    @property
    def ratio(self) -> Fraction:
        """How many of the product of the dimensions' bases one of it is."""
        return math.prod((unit.ratio**power for unit, power in self.terms), start=Fraction(1))

    @property
    def dimensions(self) -> Mapping[str, int]:
        """What it measures: powers of dimensions, none of them zero; heat is apart by its basis."""
        powers: Counter[str] = Counter()
        for unit, power in self.terms:
            kind = f"{unit.dimension} ({unit.basis})" if unit.basis else unit.dimension
            for dimension in _PRODUCTS.get(unit.dimension, (kind,)):
                powers[dimension] += power
        return {dimension: power for dimension, power in powers.items() if power}

    def times(self, other: CompoundUnit, power: int = 1) -> tuple[CompoundUnit, Fraction]:
        """The product with a power of another, in its simplest units, and what the number is multiplied by.

        Units of one dimension become the first of them; those that cancel leave only their ratio.
        """
        first: dict[tuple[str, str], Unit] = {}
        powers: Counter[Unit] = Counter()
        ratio = Fraction(1)
        for unit, exponent in (*self.terms, *((unit, exponent * power) for unit, exponent in other.terms)):
            kept = first.setdefault((unit.dimension, unit.basis), unit)
            powers[kept] += exponent
            ratio *= (unit.ratio / kept.ratio) ** exponent
        return _compound(powers), ratio


DIMENSIONLESS = CompoundUnit()


def compound_ratio(given: CompoundUnit, wanted: CompoundUnit) -> Fraction:
    """How many `wanted` one `given` is.

    Raises
    ------
    UnitMismatch
        If they measure different things; energy of no stated heat basis is another thing than heat on one.
    """
    if given.dimensions != wanted.dimensions:
        raise _mismatch(given, wanted)
    return given.ratio / wanted.ratio


def parse_compound_unit(
    text: str, *, region: str = "", known: Mapping[str, Unit] | None = None
) -> CompoundUnit:
    """Read units joined by `*` or `·` and by `/` or `per`, with whole powers `^2`; a `/` holds for one unit.

    `1` alone is the unit of plain numbers. `known` are units of the caller's own, by name.

    Raises
    ------
    UnknownUnit, AmbiguousUnit
        As `parse_unit`, for the part that is to blame.

    Examples
    --------
    >>> str(parse_compound_unit("kg per MMBtu (HHV)"))
    'kg/mmBtu (HHV)'
    """
    above, *below = _PER.split(text.strip())
    powers: Counter[Unit] = Counter()
    if above != "1":
        for unit, power in _factors(above, region, known or {}):
            powers[unit] += power
    for part in below:
        for unit, power in _factors(part, region, known or {}):
            powers[unit] -= power
    return _compound(powers)


def _compound(powers: Mapping[Unit, int]) -> CompoundUnit:
    return CompoundUnit(tuple((unit, power) for unit, power in powers.items() if power))


def _factors(text: str, region: str, known: Mapping[str, Unit]) -> Iterable[tuple[Unit, int]]:
    """The units of a product; `t·km` and `m^3` are names of one unit, so the whole is looked up first."""
    if text in known:
        return [(known[text], 1)]
    try:
        return [(parse_unit(text, region=region), 1)]
    except UnknownUnit:
        if _TIMES.search(text) is None and _POWER.fullmatch(text) is None:
            raise
    factors = []
    for part in _TIMES.split(text):
        power = _POWER.fullmatch(part)
        name, exponent = (power[1], int(power[2])) if power else (part, 1)
        factors.append((known.get(name) or parse_unit(name, region=region), exponent))
    return factors


def _mismatch(given: CompoundUnit, wanted: CompoundUnit) -> UnitMismatch:
    measured, asked = _dimensions_text(given.dimensions), _dimensions_text(wanted.dimensions)
    bases = {f"({unit.basis})" for unit, _ in (*given.terms, *wanted.terms) if unit.basis}
    if bases:
        fix = f"the heat basis is part of a unit: write {' or '.join(sorted(bases))} in both or neither"
    else:
        fix = dimension_hint(measured, asked)
    return UnitMismatch(f"'{given}' measures {measured} and '{wanted}' measures {asked}", fix=fix)


def _dimensions_text(dimensions: Mapping[str, int]) -> str:
    above = " × ".join(_raised(name, power) for name, power in dimensions.items() if power > 0)
    below = "".join(f" per {_raised(name, -power)}" for name, power in dimensions.items() if power < 0)
    return f"{above}{below}".strip() or "nothing (a plain number)"


def _raised(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
