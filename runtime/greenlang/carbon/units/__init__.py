"""Units of measure: what they mean, and exact numbers in front of them.

`definitions` holds the table of units, reads what people type and converts within a dimension by exact
ratios; `compound` makes products and quotients of units; `quantity` puts a number before a unit and
calculates.
"""

from __future__ import annotations

from greenlang.carbon.units.compound import DIMENSIONLESS, CompoundUnit, compound_ratio, parse_compound_unit
from greenlang.carbon.units.definitions import (
    Unit,
    as_vehicle_distance,
    conversion_ratio,
    dimension_hint,
    parse_unit,
    unit_table_hash,
    units,
)
from greenlang.carbon.units.quantity import Quantity

__all__ = [
    "DIMENSIONLESS",
    "CompoundUnit",
    "Quantity",
    "Unit",
    "as_vehicle_distance",
    "compound_ratio",
    "conversion_ratio",
    "dimension_hint",
    "parse_compound_unit",
    "parse_unit",
    "unit_table_hash",
    "units",
]
