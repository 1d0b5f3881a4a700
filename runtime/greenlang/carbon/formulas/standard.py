"""The formulas of every inventory."""

from __future__ import annotations

from greenlang.carbon.formulas.formula import Formula

__all__ = ["CO2E", "KG_PLACES", "MASS"]

#: Decimal places of kg that a row's mass and CO2e are rounded to.
KG_PLACES = 12

#: `rate` is kg of the gas for one unit of the row: factors by their weights, their units converted by exact
#: ratios, none of which is rounded. So only the finished mass is.
MASS = Formula(
    "ghg.mass",
    "2.0.0",
    f"""
    quantity: "unit"
    rate: "kg/unit"
    mass: "kg" = round(quantity * rate, {KG_PLACES}, "half-even")
    """,
    citation="GHG Protocol Corporate Standard, chapter 6: activity data times emission factor",
)

CO2E = Formula(
    "ghg.co2e",
    "2.0.0",
    f"""
    mass: "kg"
    gwp: "1"
    co2e: "kg" = round(mass * gwp, {KG_PLACES}, "half-even")
    """,
    citation="GHG Protocol Corporate Standard, chapter 6: mass of a gas times its global warming potential",
)
