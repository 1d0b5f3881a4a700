"""Units: what a text like `MMBtu` or `US gal` means, and how many of one unit make another, exactly.

Every ratio is a rational number that follows from the unit's definition (`data/units.csv`); no ratio
is ever rounded. What people write for a unit is in `data/unit_names.csv`. A name that is used for
several units means one of them only where the region settles it, and is refused elsewhere:

- `gal` and `ton` are US units in the US and imperial ones in Great Britain;
- `therm` is 100 000 Btu (IT), 0.1 mmBtu, in every region: that is what gas bills and the US EPA's
  factors imply. The US legal therm, 0.024 percent smaller, is meant only where `therm (US)` is written;
- `MBtu` (thousand or million) and `MT` (metric ton or megatonne) are always refused.

There is no parsing by prefix: the M of `Mscf` is a thousand, that of `MJ` a million.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache

from greenlang.carbon.data import read_table
from greenlang.carbon.regions import country_of
from greenlang.errors import AmbiguousUnit, UnitError, UnitMismatch, UnknownUnit, nearest

__all__ = [
    "Unit",
    "as_vehicle_distance",
    "conversion_ratio",
    "dimension_hint",
    "parse_unit",
    "unit_table_hash",
    "units",
]

#: Ways to write the heat basis behind an energy unit, without letter case.
_BASES = {
    "hhv": "HHV",
    "gcv": "HHV",
    "gross": "HHV",
    "gross cv": "HHV",
    "lhv": "LHV",
    "ncv": "LHV",
    "net": "LHV",
    "net cv": "LHV",
}

#: Spelled like these, a unit is a billionth of what was most likely meant.
_MILLI_FOR_MEGA = {"mWh": "MWh", "mJ": "MJ"}

#: What to write where two units differ in how they measure rather than in what.
_HINTS = {
    frozenset({"volume", "standard volume"}): (
        "gas volumes compare only at the same conditions: write scf, ccf or Mscf where those are standard"
    ),
    frozenset({"length", "vehicle distance"}): "write v.mi or v.km for a distance driven by a vehicle",
    frozenset({"length", "passenger distance"}): "write p.mi or p.km for a distance travelled by passengers",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure."""

    symbol: str  #: as in the table of units, without the heat basis: `mmBtu`
    dimension: str  #: what it measures: `energy`
    ratio: Fraction  #: how many of the dimension's base (J, kg, m3, m ...) one of it is
    basis: str = ""  #: heat basis of an energy unit: `HHV`, `LHV`, or empty where none is said

    def __str__(self) -> str:
        return f"{self.symbol} ({self.basis})" if self.basis else self.symbol

    def with_basis(self, basis: str) -> Unit:
        """The same unit on a heat basis.

        Raises
        ------
        UnitError
            If it is not a unit of energy.
        """
        if basis and self.dimension != "energy":
            raise UnitError(
                f"'{self.symbol}' measures {self.dimension}, and only units of energy have a heat basis",
                fix=f"write '{self.symbol}' without {basis}",
            )
        return replace(self, basis=basis)


@cache
def units() -> dict[str, Unit]:
    """Every unit of the table by its symbol."""
    return {
        row["symbol"]: Unit(
            row["symbol"], row["dimension"], Fraction(int(row["numerator"]), int(row["denominator"]))
        )
        for row in read_table("units")
    }


@cache
def unit_table_hash() -> str:
    """SHA-256 of the units and their ratios, as `sha256:` and 64 hex digits.

    Names that people write for units are not covered: a new one changes no result.
    """
    table = [
        [unit.symbol, unit.dimension, str(unit.ratio.numerator), str(unit.ratio.denominator)]
        for unit in sorted(units().values(), key=lambda unit: unit.symbol)
    ]
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def parse_unit(text: str, *, region: str = "") -> Unit:
    """Read the name of one unit.

    Parameters
    ----------
    text : str
        A symbol or another name of a unit, in any letter case that is not misleading, with its heat
        basis if it has one: `mmBtu (HHV)`, `kWh (net CV)`, `litres`.
    region : str
        Where the amount comes from; decides which gallon and which ton is meant.

    Raises
    ------
    UnknownUnit
        If no unit is called that; `fix` gives the nearest names.
    AmbiguousUnit
        If several are and the region does not settle which.
    FactorError
        If there is no such region.

    Examples
    --------
    >>> parse_unit("MMBTU HHV")
    Unit(symbol='mmBtu', dimension='energy', ratio=Fraction(52752792631, 50), basis='HHV')
    >>> parse_unit("gal", region="US-WA").symbol
    'gal (US)'
    """
    return _parse(text, country_of(region))


def conversion_ratio(given: Unit, wanted: Unit) -> Fraction:
    """How many `wanted` one `given` is.

    Heat bases that both units name must agree. Whether one that is not said may be taken as the other's
    is for the caller to decide, and to record.

    Raises
    ------
    UnitMismatch
        If the units measure different things, or heat on different bases.
    """
    if given.dimension != wanted.dimension:
        raise UnitMismatch(
            f"'{given}' measures {given.dimension} and '{wanted}' measures {wanted.dimension}",
            fix=dimension_hint(given.dimension, wanted.dimension),
        )
    if given.basis and wanted.basis and given.basis != wanted.basis:
        raise UnitMismatch(
            f"'{given}' is heat on another basis than '{wanted}', and their ratio depends on the fuel",
            fix=f"give the energy on the {wanted.basis} basis",
        )
    return given.ratio / wanted.ratio


def as_vehicle_distance(unit: Unit) -> Unit | None:
    """The vehicle distance that a unit means, for `mi` said of a vehicle is `v.mi`; None if it is none."""
    if unit.dimension == "vehicle distance":
        return unit
    if unit.dimension != "length":
        return None
    return Unit(f"v.{unit.symbol}", "vehicle distance", unit.ratio)


def dimension_hint(given: str, wanted: str) -> str:
    """What would mend a mix-up of two dimensions."""
    return _HINTS.get(frozenset({given, wanted}), f"give a unit of {wanted}")


@lru_cache(maxsize=4096)
def _parse(text: str, country: str) -> Unit:
    written = " ".join(text.replace("(", " (").split())
    if not written:
        raise UnknownUnit("the unit is empty", fix="write a unit such as kWh, kg or 'gal (US)'")
    name, basis = _split_basis(written)
    unit = units().get(name) or _named(name, country)
    return unit.with_basis(basis)


def _split_basis(text: str) -> tuple[str, str]:
    """Take the heat basis off the end of a unit's name: `kWh (gross CV)`, `mmBtu HHV`."""
    for words in (2, 1):
        name, *last = text.rsplit(" ", words)
        written = " ".join(last).casefold()
        basis = _BASES.get(written.removeprefix("(").removesuffix(")"))
        if len(last) == words and basis:
            return name, basis
    return text, ""


def _named(name: str, country: str) -> Unit:
    if name in _MILLI_FOR_MEGA:
        raise AmbiguousUnit(
            f"'{name}' is a thousandth by its letters",
            fix=f"write {_MILLI_FOR_MEGA[name]} if a million is meant",
        )
    by_region = _meanings(name)
    if not by_region:
        raise _unknown(name)
    symbols = sorted({symbol for symbols in by_region.values() for symbol in symbols})
    # A name of several units means the one of everywhere ('') no more than any other where no region is said.
    decided = symbols if len(symbols) == 1 else by_region.get(country, []) if country else []
    if len(decided) != 1:
        unsettled = f"region '{country}' does not settle which" if country else "nothing here says which"
        raise AmbiguousUnit(
            f"'{name}' may mean {_either(symbols)}, and {unsettled}", fix="write the one meant"
        )
    return units()[decided[0]]


def _meanings(name: str) -> dict[str, list[str]]:
    """The symbols of the units that a name is used for, by the country that uses it so."""
    as_written, in_any_case = _names()
    if name in as_written:
        return as_written[name]
    if len(name) == 1:
        return {}  # T, G and M are other things than t, g and m
    key = name.casefold()
    singular = key.removesuffix("s")
    return in_any_case.get(key) or (in_any_case.get(singular) if len(singular) > 2 else None) or {}


#: The meanings of each name by country: empty where all agree, `-` where none has settled.
_Names = dict[str, dict[str, list[str]]]


@cache
def _names() -> tuple[_Names, _Names]:
    """Every name of a unit, as written and without letter case."""
    as_written: _Names = defaultdict(lambda: defaultdict(list))
    in_any_case: _Names = defaultdict(lambda: defaultdict(list))
    for row in _rows():
        for symbols in (
            as_written[row["name"]][row["region"]],
            in_any_case[row["name"].casefold()][row["region"]],
        ):
            if row["symbol"] not in symbols:
                symbols.append(row["symbol"])
    return dict(as_written), dict(in_any_case)


def _rows() -> list[dict[str, str]]:
    own = [{"name": symbol, "symbol": symbol, "region": ""} for symbol in units()]
    return own + read_table("unit_names")


def _unknown(name: str) -> UnknownUnit:
    symbols = {row["name"]: row["symbol"] for row in _rows()}
    # Two names of one unit are one suggestion.
    close = list(dict.fromkeys(symbols[spelled] for spelled in nearest(name, symbols)))
    return UnknownUnit(
        f"there is no unit '{name}'",
        fix=f"did you mean {_either(close)}?" if close else "write a unit such as kWh, kg or 'gal (US)'",
    )


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)
