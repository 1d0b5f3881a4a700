"""How uncertain figures are, estimated from the relative uncertainties of quantities and of factors.

An uncertainty is half of the 95 % confidence interval over the figure, in percent. It propagates as in the
IPCC 2006 Guidelines, volume 1, chapter 3, approach 1 (propagation of error): products by equation 3.1, sums
by 3.2. These are for parts that know nothing of each other. Here some do: all figures of a row share the
error of its quantity, and all rows that were multiplied by one factor share the factor's. What shares an
error is added up before it is squared, so that for a sum X of figures

    (U X)^2  =  sum over rows (u_quantity * figures of the row)^2
              + sum over factors (u_factor * figures that came of it)^2

which is 3.1 for one figure and 3.2 for figures with quantities and factors of their own. An estimate stands
beside the exact figure and enters no calculation; what has no uncertainty given adds nothing, and `Estimate`
says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isqrt

import numpy as np
import numpy.typing as npt

from greenlang.carbon.emissions import Emissions
from greenlang.carbon.factors import EmissionFactor, GasRate
from greenlang.carbon.percentages import share_of
from greenlang.carbon.tables import combine_codes
from greenlang.carbon.units import conversion_ratio
from greenlang_core.decimals import DecimalColumn

__all__ = ["METHOD", "Estimate", "estimate_groups"]

METHOD = (
    "IPCC 2006 Guidelines, vol. 1, ch. 3, approach 1, errors of one quantity or factor added before squaring"
)

#: Decimal places of a percentage.
PLACES = 2

#: Places that figures are cut to beside the largest: squares then have 28, and 10^8 of them fit a column.
_PLACES_OF_FIGURES = 14

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Half of the 95 % confidence interval of a figure, in percent of it."""

    percent: Decimal
    #: Whose uncertainties are in it: `quantities and factors`, `some quantities` ...
    of: str


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures of some rows, and the factors behind them."""

    rows: Rows
    figures: DecimalColumn
    choices: Rows  #: for each of the rows, which of `shares` holds
    shares: Sequence[Sequence[tuple[EmissionFactor, Fraction]]]  #: factors, and their parts of the figure


def estimate_groups(
    parts: Sequence[Emissions], groups: Rows, count: int, *, gas: str = ""
) -> dict[int, Estimate]:
    """Estimates for sums over groups of rows; none for a group without any uncertainty, or whose sum is zero.

    Parameters
    ----------
    parts : sequence of Emissions
        Whose figures are summed; of one inventory.
    groups : array of int32
        The group of every row of the data.
    count : int
        How many groups there are.
    gas : str
        Sum the mass of this gas; empty for CO2e.
    """
    if not _anything_given(parts):
        return {}
    found = [one for part in parts for one in _figures(part, gas)]
    if not found:
        return {}
    data = parts[0].data
    rows = np.concatenate([one.rows for one in found])
    figures = _beside_the_largest(DecimalColumn.concat(one.figures for one in found))
    totals = figures.group_sum(groups[rows], count).to_decimals()
    variances: dict[int, Fraction] = defaultdict(Fraction)
    said = _Said()
    held = np.unique(rows)
    given = data.uncertainty.codes[held]
    pairs, pair_count = combine_codes(groups[held], count, given, len(data.uncertainties))
    by_row = figures.group_sum(np.searchsorted(held, rows), len(held)).round(_PLACES_OF_FIGURES)
    squares = (by_row * by_row).group_sum(pairs, pair_count).to_decimals()
    for pair, position in zip(*np.unique(pairs, return_index=True), strict=True):
        group, share = int(groups[held[position]]), data.uncertainties[given[position]]
        said.quantity(group, share is not None)
        variances[group] += (share or 0) ** 2 * Fraction(squares[pair])
    for (group, factor), linear in _by_factor(found, groups, count).items():
        share = share_of(factor.uncertainty)
        said.factor(group, share is not None)
        variances[group] += ((share or 0) * linear) ** 2
    return {
        group: Estimate(_percent(variance, Fraction(totals[group])), said.of(group))
        for group, variance in sorted(variances.items())
        if totals[group] and said.of(group)
    }


def _figures(part: Emissions, gas: str) -> Iterator[_Figures]:
    for one in part.gases:
        figures = one.co2e if not gas else one.mass if one.gas == gas and one.co2e is not None else None
        if figures is None or not len(one.rows):
            continue
        choice = np.zeros(len(part.data), dtype=np.int32)
        shares: list[Sequence[tuple[EmissionFactor, Fraction]]] = []
        for selection, rows in zip(part.selections, part.selection_rows, strict=True):
            for rate in selection.rates:
                if (rate.gas, rate.biogenic) == (one.gas, one.biogenic):
                    choice[rows] = len(shares)
                    shares.append(_shares(rate))
        yield _Figures(one.rows, figures, choice[one.rows], shares)


def _shares(rate: GasRate) -> list[tuple[EmissionFactor, Fraction]]:
    """What part of a rate is of each factor; several have one where a period crosses editions, say."""
    first = rate.parts[0][0]
    if len(rate.parts) == 1:
        return [(first, Fraction(1))]
    of_each = [
        (
            factor,
            weight
            * Fraction(factor.value)
            * conversion_ratio(first.denominator, factor.denominator)
            * conversion_ratio(factor.numerator, first.numerator),
        )
        for factor, weight in rate.parts
    ]
    whole = sum(amount for _, amount in of_each)
    return [(factor, amount / whole) for factor, amount in of_each] if whole else []


def _by_factor(
    found: Sequence[_Figures], groups: Rows, count: int
) -> dict[tuple[int, EmissionFactor], Fraction]:
    """Sums of the figures of each group that came of each factor."""
    sums: dict[tuple[int, EmissionFactor], Fraction] = defaultdict(Fraction)
    largest = _largest(DecimalColumn.concat(one.figures for one in found))
    for one in found:
        pairs, pair_count = combine_codes(groups[one.rows], count, one.choices, len(one.shares))
        of_pairs = _scaled(one.figures, largest).group_sum(pairs, pair_count).to_decimals()
        for pair, position in zip(*np.unique(pairs, return_index=True), strict=True):
            for factor, share in one.shares[one.choices[position]]:
                sums[int(groups[one.rows[position]]), factor] += share * Fraction(of_pairs[pair])
    return sums


def _anything_given(parts: Sequence[Emissions]) -> bool:
    return any(share is not None for part in parts[:1] for share in part.data.uncertainties) or any(
        factor.uncertainty
        for part in parts
        for selection in part.selections
        for rate in selection.rates
        for factor, _ in rate.parts
    )


def _beside_the_largest(figures: DecimalColumn) -> DecimalColumn:
    return _scaled(figures, _largest(figures))


def _largest(figures: DecimalColumn) -> int:
    """The power of ten that every figure is less than."""
    return max(figures.max().adjusted(), figures.min().adjusted()) + 1


def _scaled(figures: DecimalColumn, power: int) -> DecimalColumn:
    """Figures over a power of ten, at a few places: what their squares need."""
    codes = np.zeros(len(figures), dtype=np.int32)
    return figures.scale_by(codes, [10 ** max(-power, 0)], [10 ** max(power, 0)], _PLACES_OF_FIGURES)


def _percent(variance: Fraction, total: Fraction) -> Decimal:
    """The root of a variance in percent of a total, half-up: by integers alone, so alike on every machine."""
    doubled = isqrt(int(variance / total**2 * 10 ** (4 + 2 * PLACES) * 4))
    return Decimal(f"{(doubled + 1) // 2}E-{PLACES}")


class _Said:
    """Which of the quantities and factors behind a group's sum have an uncertainty."""

    def __init__(self) -> None:
        self._quantities: dict[int, set[bool]] = defaultdict(set)
        self._factors: dict[int, set[bool]] = defaultdict(set)

    def quantity(self, group: int, given: bool) -> None:
        self._quantities[group].add(given)

    def factor(self, group: int, given: bool) -> None:
        self._factors[group].add(given)

    def of(self, group: int) -> str:
        """In words; empty where nothing has one."""
        told = []
        for what, said in (("quantities", self._quantities[group]), ("factors", self._factors[group])):
            if True in said:
                told.append(f"some {what}" if False in said else what)
        return " and ".join(told)
