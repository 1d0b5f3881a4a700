"""How far a vehicle went: the tag `distance` of activity data, `17600 mi`, as a quantity column."""

from __future__ import annotations

from fractions import Fraction

from greenlang.carbon import ActivityData, StringColumn, Unit, conversion_ratio, parse_unit, tag_columns
from greenlang.errors import FactorError, InputError
from greenlang.exact import MAX_DIGITS, decimal_from_text, round_
from greenlang_core.decimals import DecimalColumn

__all__ = ["VEHICLE_KM", "as_vehicle_distance", "distance_column", "parse_distance"]

#: The unit of the distance column.
VEHICLE_KM = parse_unit("v.km")

_KM = parse_unit("km")

#: Places of the distance column; the mile, foot and nautical mile need at most seven.
PLACES = 18

#: Digits before the point that are left for it.
DIGITS = MAX_DIGITS - PLACES


def as_vehicle_distance(unit: Unit) -> Unit | None:
    """The vehicle distance that a unit means, for `mi` said of a vehicle is `v.mi`; None if it is none."""
    if unit.dimension == VEHICLE_KM.dimension:
        return unit
    if unit.dimension != _KM.dimension:
        return None
    return Unit(f"v.{unit.symbol}", VEHICLE_KM.dimension, conversion_ratio(unit, _KM) * VEHICLE_KM.ratio)


def parse_distance(text: str) -> Fraction:
    """Read `17600 mi`; gives vehicle-km.

    Raises
    ------
    InputError
        If it is not a number and a unit of distance.
    """
    number, _, unit_text = text.partition(" ")
    try:
        amount = decimal_from_text(number)
        unit = as_vehicle_distance(parse_unit(unit_text))
    except InputError as error:
        raise FactorError(
            f"distance '{text}': {error.message}", fix="write it as distance=17600 mi", place="tags"
        ) from error
    if unit is None:
        raise FactorError(
            f"distance '{text}' is not in a unit of distance",
            fix="write it as distance=17600 mi",
            place="tags",
        )
    kilometres = Fraction(amount) * conversion_ratio(unit, VEHICLE_KM)
    if abs(kilometres) >= 10**DIGITS or Fraction(round_(kilometres, PLACES)) != kilometres:
        raise FactorError(
            f"distance '{text}' needs more than {DIGITS} digits before the point or {PLACES} after it "
            "in kilometres",
            fix="write it with fewer digits",
            place="tags",
        )
    return kilometres


def distance_column(data: ActivityData) -> tuple[DecimalColumn, StringColumn]:
    """The distance of each row in vehicle-km, and `given`, nothing, or the text that is no distance."""
    (texts,) = tag_columns(data, "distance")
    amounts, states = [], []
    for text in texts.values:
        try:
            amounts.append(round_(parse_distance(text), PLACES) if text else round_(0, PLACES))
            states.append("given" if text else "")
        except InputError:
            amounts.append(round_(0, PLACES))
            states.append(text)
    state = StringColumn.from_texts(states)
    return (
        DecimalColumn.from_decimals(amounts, PLACES).take(texts.codes),
        StringColumn(state.codes[texts.codes], state.values),
    )
