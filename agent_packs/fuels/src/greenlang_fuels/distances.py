"""How far a vehicle went: the tag `distance` of activity data, `17600 mi`, as a quantity column."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

from greenlang.carbon import StringColumn, as_vehicle_distance, conversion_ratio, parse_unit
from greenlang.errors import FactorError, InputError
from greenlang.exact import MAX_DIGITS, decimal_from_text, round_
from greenlang_core.decimals import DecimalColumn

__all__ = ["GIVEN", "VEHICLE_KM", "distance_column", "parse_distance"]

#: The unit of the distance column.
VEHICLE_KM = parse_unit("v.km")

#: Places of the distance column; the mile, foot and nautical mile need at most seven.
PLACES = 18

#: Digits before the point that are left for it.
DIGITS = MAX_DIGITS - PLACES

#: Says that a row has a distance; no tag can hold a semicolon.
GIVEN = "given;"


def parse_distance(text: str) -> Decimal:
    """Read `17600 mi`; gives vehicle-km at `PLACES`.

    Raises
    ------
    FactorError
        If it is not a number and a unit of distance.
    """
    number, _, unit_text = text.partition(" ")
    try:
        amount = decimal_from_text(number)
        unit = as_vehicle_distance(parse_unit(unit_text))
    except InputError as error:
        raise _refused(f"distance '{text}': {error.message}") from error
    if unit is None:
        raise _refused(f"distance '{text}' is not in a unit of distance")
    exact = Fraction(amount) * conversion_ratio(unit, VEHICLE_KM)
    if abs(exact) >= 10**DIGITS or 10**PLACES % exact.denominator:
        raise FactorError(
            f"distance '{text}' needs more than {DIGITS} digits before the point or {PLACES} after it "
            "in kilometres",
            fix="write it with fewer digits",
            place="tags",
        )
    return round_(exact, PLACES)


def _refused(message: str) -> FactorError:
    return FactorError(message, fix="write it as distance=17600 mi", place="tags")


def distance_column(texts: StringColumn) -> tuple[DecimalColumn, StringColumn]:
    """The tag of each row in vehicle-km, and `GIVEN`, nothing, or the text that is no distance."""
    amounts, states = [], []
    for text in texts.values:
        amount, state = round_(0, PLACES), text
        if text:
            with suppress(FactorError):  # told by whoever needs the distance of such a row
                amount, state = parse_distance(text), GIVEN
        amounts.append(amount)
        states.append(state)
    state_of = StringColumn.from_texts(states)
    return (
        DecimalColumn.from_decimals(amounts, PLACES).take(texts.codes),
        StringColumn(state_of.codes[texts.codes], state_of.values),
    )
