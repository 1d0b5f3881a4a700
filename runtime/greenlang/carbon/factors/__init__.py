"""Emission factors: read, kept by edition, and chosen for a row.

`files` reads factors from CSV into the rows of `factor`; `editions` finds the edition that covers a period,
and `selection` the factors that one kind of activity needs, with every fallback on the record.
"""

from __future__ import annotations

from greenlang.carbon.factors.editions import Fallback, ambiguous, choose_edition, recorded
from greenlang.carbon.factors.factor import FACTOR_KINDS, EmissionFactor, FactorSet, activity_key
from greenlang.carbon.factors.files import FACTOR_COLUMNS, load_aliases, load_factors
from greenlang.carbon.factors.selection import FactorBook, GasRate, Selection, Wanted, blend

__all__ = [
    "FACTOR_COLUMNS",
    "FACTOR_KINDS",
    "EmissionFactor",
    "FactorBook",
    "FactorSet",
    "Fallback",
    "GasRate",
    "Selection",
    "Wanted",
    "activity_key",
    "ambiguous",
    "blend",
    "choose_edition",
    "load_aliases",
    "load_factors",
    "recorded",
]
