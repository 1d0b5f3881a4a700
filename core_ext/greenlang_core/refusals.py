"""What a decimal column refuses: builtins, with the row beside the message."""

from __future__ import annotations

__all__ = ["DecimalOverflow", "DecimalTextError", "float_refusal", "integer_of", "is_float"]

from operator import index


class DecimalOverflow(OverflowError):
    """A value that leaves the 38 digits of a column.

    Attributes
    ----------
    row : int | None
        The first row (for `group_sum` the group) that overflows; None for a scalar operand.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, row)
        self.row = row

    def __str__(self) -> str:
        return str(self.args[0])


class DecimalTextError(ValueError):
    """Text that is no number, or none that the column holds exactly.

    Attributes
    ----------
    row : int
        The first row refused.
    text : str
        What stands there.
    """

    def __init__(self, message: str, row: int, text: str) -> None:
        super().__init__(message, row, text)
        self.row = row
        self.text = text

    def __str__(self) -> str:
        return str(self.args[0])


def is_float(value: object) -> bool:
    """Whether `value` is binary floating point: Python's, or a NumPy scalar of any width."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")  # NumPy's letter for a family of types
    return isinstance(value, float | complex) or kind in ("f", "c")


def float_refusal(value: object, place: str = "") -> TypeError:
    """The error for a float, with the decimal that was probably meant."""
    shown = str(value)  # not format(): it widens a NumPy float32 to the digits of a double
    return TypeError(f"{place}{shown} is a float; write Decimal('{shown}')")


def integer_of(value: object, place: str = "") -> int:
    """`value` as a Python integer, or a `TypeError` that says what to give instead."""
    if is_float(value):
        raise float_refusal(value, place)
    try:
        return index(value)  # type: ignore[arg-type]  # refusing what has no __index__ is its work
    except TypeError:
        raise TypeError(f"{place}{value!r} is not an integer") from None
