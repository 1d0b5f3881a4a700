"""Activities computed on request: one columnar run, one record in the ledger, a proof for every row.

`programs` says what computes them; the `calculator` runs it and commits the record; the `outcome` is what
came of every row, kept beside the record, and `verifying` checks both at any later time.
"""

from __future__ import annotations

from greenlang.engine.calculations.calculator import (
    Calculated,
    Calculator,
    CalculatorSettings,
    read_calculation,
)
from greenlang.engine.calculations.outcome import KeptSeries, Outcome, Refused, prove_outcome_row
from greenlang.engine.calculations.programs import standard_program
from greenlang.engine.calculations.verifying import verify_calculation

__all__ = [
    "Calculated",
    "Calculator",
    "CalculatorSettings",
    "KeptSeries",
    "Outcome",
    "Refused",
    "prove_outcome_row",
    "read_calculation",
    "standard_program",
    "verify_calculation",
]
