"""Units along an edge: what a step gives in one unit and the next takes in another.

A unit is said of a number in its annotation, `Annotated[Quantity, gl.unit("kWh")]`, anywhere in a type. Units
that measure different things never fit. Where one converts into the other, a `Quantity` carries its unit and
its formula converts; a bare number carries none and would be taken for the other unit, so it is refused.
"""

from __future__ import annotations

__all__ = ["UnitEdge", "unit_edges"]

import functools
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from msgspec import Struct

from greenlang.agents.flows import declared_fields, record_type
from greenlang.errors import UnitMismatch
from greenlang.gcel.types import RecordType, field_types, is_collection, item_type

if TYPE_CHECKING:
    from greenlang.carbon.units import Unit


class UnitEdge(Struct, frozen=True):
    """Two units that differ: in `field` of the value, or in the value itself where that is empty."""

    field: str
    given: str
    wanted: str
    #: Why the edge is refused and what would mend it; empty where a formula converts.
    refusal: str
    fix: str


def unit_edges(given: Any, wanted: Any) -> tuple[UnitEdge, ...]:
    """Every pair of units that differ between what is given and what is wanted."""
    try:
        return _unit_edges(given, wanted)
    except TypeError:
        # An annotation that has no hash, such as a list: a hole.
        return ()


@functools.lru_cache(maxsize=4096)
def _unit_edges(given: Any, wanted: Any, field: str = "") -> tuple[UnitEdge, ...]:
    if given == wanted or given is Any or wanted is Any:
        return ()
    given_unit, wanted_unit = _unit_of(given), _unit_of(wanted)
    if given_unit is not None and wanted_unit is not None:
        return () if given_unit == wanted_unit else (_edge(field, given, given_unit, wanted_unit),)
    given_types, wanted_types = _fields(given), _fields(wanted)
    if given_types and wanted_types:
        return tuple(
            edge
            for name, kind in given_types.items()
            if name in wanted_types
            for edge in _unit_edges(kind, wanted_types[name], f"{field}.{name}" if field else name)
        )
    if is_collection(given) and is_collection(wanted):
        return _unit_edges(item_type(given), item_type(wanted), field)
    return ()


def _edge(field: str, kind: Any, given: Unit, wanted: Unit) -> UnitEdge:
    from greenlang.carbon.units import Quantity, conversion_ratio

    refusal = fix = ""
    try:
        conversion_ratio(given, wanted)
    except UnitMismatch as mismatch:
        refusal, fix = mismatch.message, mismatch.fix
    else:
        number = get_args(kind)[0]
        if number is not Quantity:
            refusal = "a bare number does not say its unit, so nothing converts it"
            fix = f"let both take and give Quantity, or make both {wanted}"
    return UnitEdge(field, str(given), str(wanted), refusal, fix)


def _unit_of(kind: Any) -> Unit | None:
    if get_origin(kind) is not Annotated:
        return None
    from greenlang.carbon.units import Unit

    return next((said for said in get_args(kind)[1:] if isinstance(said, Unit)), None)


def _fields(kind: Any) -> dict[str, Any]:
    """The types of a record's fields; empty for what is no record itself."""
    if isinstance(kind, RecordType):
        return dict(kind.fields)
    return field_types(record_type(kind)) if declared_fields(kind) and not is_collection(kind) else {}
