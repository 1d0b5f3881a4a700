"""The formulas of the inventory: named, versioned, hashed.

Both are one product rounded once, which is what keeps a row's result the same whether it is
computed alone or among ten million: unit conversion and weights stay inside the rate as an exact
ratio, and only the finished mass is rounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from greenlang.exact import round_
from greenlang_core.decimals import DecimalColumn

__all__ = ["CO2E", "KG_PLACES", "MASS", "Formula"]

#: Decimal places of kg that a row's mass and CO2e are rounded to.
KG_PLACES = 12


@dataclass(frozen=True, slots=True)
class Formula:
    """`round(amount * rate, places)`, half-even: a product whose rate is an exact ratio.

    Parameters
    ----------
    formula_id, version : str
        Names it in a calculation record.
    text : str
        What it says, in the names of the domain.
    places : int
        Decimal places of its result.
    """

    formula_id: str
    version: str
    text: str
    places: int

    @property
    def formula_hash(self) -> str:
        """`sha256:` and the digest of its id, version and text."""
        text = "\n".join(("greenlang.formula/1", self.formula_id, self.version, self.text))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def of_record(self, amount: Decimal, rate: Fraction) -> Decimal:
        """The result for one record."""
        return round_(Fraction(amount) * rate, self.places)

    def of_column(
        self, amounts: DecimalColumn, codes: npt.NDArray[np.int32], rates: Sequence[Fraction]
    ) -> DecimalColumn:
        """The results for a column: row i is `of_record(amounts[i], rates[codes[i]])`, digit for digit.

        Raises
        ------
        OverflowError
            Naming the first row whose result leaves 38 digits.
        """
        numerators = [rate.numerator for rate in rates]
        denominators = [rate.denominator for rate in rates]
        return amounts.scale_by(codes, numerators, denominators, self.places, ROUND_HALF_EVEN)


#: GHG Protocol Corporate Standard, chapter 6: activity data times emission factor.
MASS = Formula(
    "ghg.mass",
    "1.0.0",
    f"mass_kg = round(quantity * unit_ratio * emission_factor, {KG_PLACES}, 'half-even')",
    KG_PLACES,
)

#: GHG Protocol Corporate Standard, chapter 6: mass of a gas times its global warming potential.
CO2E = Formula("ghg.co2e", "1.0.0", f"co2e_kg = round(mass_kg * gwp, {KG_PLACES}, 'half-even')", KG_PLACES)
