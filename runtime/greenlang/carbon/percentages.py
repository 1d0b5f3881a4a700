"""Relative uncertainties as people write them: `5%`, half of the 95 % confidence interval over the figure."""

from __future__ import annotations

from fractions import Fraction

from greenlang.errors import InputError
from greenlang.exact import canonical_text, decimal_from_text

__all__ = ["percent_text", "share_of"]


def percent_text(text: str) -> str:
    """The one way to write a percentage; empty for none.

    Raises
    ------
    InputError
        For what is no percentage: a number alone may be meant as one or as a share.
    """
    if not text:
        return ""
    if not text.endswith("%"):
        raise InputError(f"'{text}' is not a percentage", fix="write an uncertainty like 5% or 0.5%")
    number = decimal_from_text(text.removesuffix("%").rstrip())
    if number < 0:
        raise InputError(f"'{text}' is less than nothing", fix="write half of the 95 % confidence interval")
    return f"{canonical_text(number)}%"


def share_of(text: str) -> Fraction | None:
    """A percentage as a share of 1; None where none is given."""
    written = percent_text(text)
    return Fraction(written.removesuffix("%")) / 100 if written else None
