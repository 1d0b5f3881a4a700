"""Quantities: exact numbers with units (`gl.Quantity`).

A quantity holds a rational number, so that arithmetic and conversion never round; only `round` does, to
places that it is told. Units are checked in every sum and comparison, and simplified in every product.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from greenlang.carbon.units.compound import DIMENSIONLESS, CompoundUnit, compound_ratio, parse_compound_unit
from greenlang.carbon.units.definitions import Unit
from greenlang.errors import QuantityError
from greenlang.exact import canonical_text, decimal_from_text, exact_number, round_

__all__ = ["Quantity"]

Number = int | Decimal | Fraction

#: A number in any notation people use; `decimal_from_text` says what is wrong with one that is not plain.
_NUMBER_FIRST = re.compile(
    r"([+-]?(?:[0-9][0-9.,_'’]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?:/[0-9]+)?)\s*(.*)", re.DOTALL
)
_FRACTION = re.compile(r"([+-]?[0-9]{1,76})/([0-9]{1,76})")


class Quantity:
    """An amount of something, immutable.

    Parameters
    ----------
    value : str, int, Decimal or Fraction
        A number, or a whole quantity as text: `"1500 MWh"`, `"0.71 kg/kWh"`. Floats are refused.
    unit : str, Unit or CompoundUnit, optional
        Left out where the text has it, and for plain numbers.
    region : str
        Decides what `gal` and `ton` mean in a text.

    Raises
    ------
    QuantityError
        For a number that is not exact or not plainly written.
    UnitError
        For a unit that is unknown or ambiguous.

    Examples
    --------
    >>> str((Quantity("1500 MWh") * Quantity("0.71 kg/kWh")).to("t"))
    '1065 t'
    """

    __slots__ = ("_number", "_unit")

    _number: Fraction
    _unit: CompoundUnit

    def __init__(
        self, value: str | Number, unit: str | Unit | CompoundUnit | None = None, *, region: str = ""
    ) -> None:
        if isinstance(value, str):
            number_text, unit_text = _split(value) if unit is None else (value, "")
            number = _parse_number(number_text)
            unit = unit_text if unit is None else unit
        else:
            number = Fraction(exact_number(value))
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_unit", _as_unit(unit or DIMENSIONLESS, region))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Quantity does not change; '{name}' cannot be set")

    @property
    def value(self) -> Decimal | Fraction:
        """The number in front of the unit: a Decimal where its digits end, else a Fraction."""
        return _decimal(self._number)

    @property
    def unit(self) -> CompoundUnit:
        """The unit; `str(q.unit)` writes it out."""
        return self._unit

    def to(self, unit: str | Unit | CompoundUnit, *, region: str = "") -> Quantity:
        """The same amount in another unit, exactly.

        Raises
        ------
        UnitMismatch
            If that unit measures something else. The heat basis counts: kWh is not kWh (HHV).
        """
        wanted = _as_unit(unit, region)
        return Quantity(self._number * compound_ratio(self._unit, wanted), wanted)

    def round(self, places: int, mode: str = ROUND_HALF_EVEN) -> Quantity:
        """The same in its unit with `places` digits after the point at most, rounded as `gl.round` does."""
        return Quantity(round_(self._number, places, mode), self._unit)

    def __mul__(self, other: Quantity | Number) -> Quantity:
        return self._times(other, 1)

    __rmul__ = __mul__

    def __truediv__(self, other: Quantity | Number) -> Quantity:
        return self._times(other, -1)

    def __rtruediv__(self, other: Number) -> Quantity:
        return Quantity(other)._times(self, -1)

    def __add__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        return Quantity(self._number + other._in(self._unit), self._unit)

    def __radd__(self, other: int) -> Quantity:
        # The built-in sum() starts with 0, which is nothing in any unit.
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        return Quantity(self._number - other._in(self._unit), self._unit)

    def __neg__(self) -> Quantity:
        return Quantity(-self._number, self._unit)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __lt__(self, other: Quantity) -> bool:
        return self._number < other._in(self._unit) if isinstance(other, Quantity) else NotImplemented

    def __le__(self, other: Quantity) -> bool:
        return self._number <= other._in(self._unit) if isinstance(other, Quantity) else NotImplemented

    def __gt__(self, other: Quantity) -> bool:
        return self._number > other._in(self._unit) if isinstance(other, Quantity) else NotImplemented

    def __ge__(self, other: Quantity) -> bool:
        return self._number >= other._in(self._unit) if isinstance(other, Quantity) else NotImplemented

    def __str__(self) -> str:
        value = self.value
        number = canonical_text(value) if isinstance(value, Decimal) else str(value)
        return f"{number} {self._unit}".rstrip()

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __reduce__(self) -> tuple[type[Quantity], tuple[Fraction, CompoundUnit]]:
        return Quantity, (self._number, self._unit)

    def _times(self, other: Quantity | Number, power: int) -> Quantity:
        factor = other if isinstance(other, Quantity) else Quantity(other)
        if power < 0 and not factor._number:
            raise QuantityError(f"{self} is divided by {factor}", fix="divide by something other than zero")
        unit, ratio = self._unit.times(factor._unit, power)
        return Quantity(self._number * factor._number**power * ratio, unit)

    def _in(self, unit: CompoundUnit) -> Fraction:
        return self._number * compound_ratio(self._unit, unit)

    def _identity(self) -> tuple[Fraction, frozenset[tuple[str, int]]]:
        """What equal quantities share whatever units they are written in."""
        return self._number * self._unit.ratio, frozenset(self._unit.dimensions.items())


def _as_unit(unit: str | Unit | CompoundUnit, region: str) -> CompoundUnit:
    if isinstance(unit, CompoundUnit):
        return unit
    if isinstance(unit, Unit):
        return CompoundUnit(((unit, 1),))
    return parse_compound_unit(unit, region=region)


def _split(text: str) -> tuple[str, str]:
    """The number at the start of a text and the unit after it."""
    match = _NUMBER_FIRST.fullmatch(text.strip())
    if match is None:
        number, _, unit = text.strip().partition(" ")
        return number, unit
    number, unit = match.groups()
    if unit[:1].isdigit() and not unit.startswith("1/"):
        # Digits grouped by spaces: hand them on together, to be refused together.
        grouped = re.match(r"[0-9.,\s]+", unit)
        return (f"{number} {grouped[0].strip()}" if grouped else number), ""
    return number, unit


def _parse_number(text: str) -> Fraction:
    fraction = _FRACTION.fullmatch(text)
    if fraction is None:
        return Fraction(decimal_from_text(text))
    if not int(fraction[2]):
        raise QuantityError(f"'{text}' is divided by zero", fix="write a number such as 1234.5")
    return Fraction(int(fraction[1]), int(fraction[2]))


def _decimal(number: Fraction) -> Decimal | Fraction:
    """The number as a Decimal of as few digits as it has, or itself where they never end."""
    rest = number.denominator
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    fives = 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    if rest != 1:
        return number
    places = max(twos, fives)
    # From text, because Decimal's arithmetic would round to the caller's context.
    return Decimal(f"{number.numerator * 10**places // number.denominator}E-{places}")
