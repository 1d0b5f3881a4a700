"""Formulas: named, versioned arithmetic that gives one record and ten million rows the same digits.

The text of a formula is read (`language`, `spelling`) into nodes (`nodes`, `building`), which are planned for
the operands at hand (`planning`) as a program of the compiled core; `evaluation` computes the same nodes with
fractions, for what leaves the core's 256 bits and to say what is wrong with a row. `formula` puts these
together, and `standard` holds the formulas of every inventory.
"""

from __future__ import annotations

from greenlang.carbon.formulas.formula import Formula, Operand
from greenlang.carbon.formulas.standard import CO2E, KG_PLACES, MASS

__all__ = ["CO2E", "KG_PLACES", "MASS", "Formula", "Operand"]
