"""Emission factors: read, kept by edition, and chosen for a row.

`files` reads factors from CSV into the rows of `factor`; `editions` finds the edition that covers a period,
and `book` the factors that one kind of activity needs: a `selection`, with every fallback on the record;
`pinned` refuses editions that nobody has.
`explanation` tells of every candidate why it won or lost, `library` searches and compares what is installed,
and `figures` makes the factor files of packs.
"""

from __future__ import annotations

from greenlang.carbon.factors.book import Aliases, FactorBook
from greenlang.carbon.factors.editions import Fallback, ambiguous, choose_edition, recorded
from greenlang.carbon.factors.explanation import Candidate, Explanation, explain
from greenlang.carbon.factors.factor import FACTOR_KINDS, EmissionFactor, FactorSet, activity_key
from greenlang.carbon.factors.figures import Figure, build_factor_files
from greenlang.carbon.factors.files import FACTOR_COLUMNS, load_aliases, load_factors
from greenlang.carbon.factors.library import (
    OWN,
    Change,
    FactorLibrary,
    Listed,
    Sought,
    compare_editions,
)
from greenlang.carbon.factors.pinned import check_pinned
from greenlang.carbon.factors.selection import GasRate, Selection, Wanted, blend

__all__ = [
    "FACTOR_COLUMNS",
    "FACTOR_KINDS",
    "OWN",
    "Aliases",
    "Candidate",
    "Change",
    "EmissionFactor",
    "Explanation",
    "FactorBook",
    "FactorLibrary",
    "FactorSet",
    "Fallback",
    "Figure",
    "GasRate",
    "Listed",
    "Selection",
    "Sought",
    "Wanted",
    "activity_key",
    "ambiguous",
    "blend",
    "build_factor_files",
    "check_pinned",
    "choose_edition",
    "compare_editions",
    "explain",
    "load_aliases",
    "load_factors",
    "recorded",
]
