"""Exact decimal numbers: the context that agents run in, and the doors through which numbers come and go.

In: text that a person typed (`decimal_from_text`) or a value of a program (`exact_number`).  Out: text that
people read (`decimal_text`) and text that is hashed (`canonical_text`).  Between them `+ - *` are exact or
raise; what cannot be exact goes through `round_` and `divide` (`gl.round`, `gl.divide`), which say to how
many places.  A float is refused everywhere: it has lost digits before it came here.
"""

from __future__ import annotations

__all__ = [
    "DIGITS",
    "MAX_DIGITS",
    "ROUNDING_MODES",
    "canonical_text",
    "decimal_from_text",
    "decimal_text",
    "divide",
    "exact_context",
    "exact_number",
    "round_",
]

import re
import unicodedata
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

from greenlang.errors import QuantityError, clipped

#: Digits that a calculation keeps; a result that needs more is an error, never rounded in silence.
DIGITS = 76

#: Digits, and places after the point, that a number of a file or a program may have (Arrow's decimal128).
MAX_DIGITS = 38

#: The rounding modes, named as in the standard library's `decimal`.
ROUNDING_MODES = frozenset(
    {
        ROUND_05UP,
        ROUND_CEILING,
        ROUND_DOWN,
        ROUND_FLOOR,
        ROUND_HALF_DOWN,
        ROUND_HALF_EVEN,
        ROUND_HALF_UP,
        ROUND_UP,
    }
)

#: Beyond this exponent an operand is refused before its digits are written out and fill the memory.
_MAX_EXPONENT = 1_000

_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
_GROUPED_BY_COMMAS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_GROUPED_BY_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_SEPARATORS = re.compile(r"[\s_'’]")
_NOT_FINITE = frozenset({"nan", "snan", "inf", "infinity"})

#: Rounds on purpose, so `Inexact` is not trapped here; a result past `DIGITS` raises `InvalidOperation`.
_ROUNDING = Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])

_ONE = Decimal(1)


def exact_context() -> Context:
    """Make a context in which `+ - *` on decimals are exact or raise.

    Agents run inside one: with 76 digits the product of two full 38-digit numbers still fits, and
    `Inexact` and `FloatOperation` are trapped, so that no digit is ever lost unseen.
    """
    return Context(
        prec=DIGITS,
        rounding=ROUND_HALF_EVEN,
        Emin=MIN_EMIN,
        Emax=MAX_EMAX,
        capitals=1,
        clamp=0,
        flags=[],
        traps=[Inexact, FloatOperation, InvalidOperation, DivisionByZero, Overflow],
    )


def exact_number(value: object) -> int | Decimal | Fraction:
    """`value` itself if it is a number without error: an int, a finite Decimal or a Fraction.

    Raises
    ------
    QuantityError
        For floats (the message gives the text to write instead), truth values, NaN, infinities and all else.
    """
    if isinstance(value, Decimal):
        if value.is_finite():
            return value
        raise QuantityError(f"{value} is not a finite number", fix="give a number, or leave it out")
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        # NumPy's float64 is a float with another repr.
        digits = float.__repr__(value)
        mended = f'write Decimal("{digits}")' if _NUMBER.fullmatch(digits) else "give a finite number"
        raise QuantityError(f"{digits} is a float, which is not exact", fix=mended)
    raise QuantityError(
        f"{clipped(repr(value))} is of type {type(value).__name__}, which is not an exact number",
        fix="give an int, a Decimal or a Fraction",
    )


def round_(value: int | Decimal | Fraction, places: int, mode: str = ROUND_HALF_EVEN) -> Decimal:
    """`value` rounded once, from all of its digits, to `places` after the point (`gl.round`).

    Negative `places` round to tens, hundreds and so on. The result has exactly `places` digits after the
    point (none for negative ones) and is never `-0`.

    Raises
    ------
    QuantityError
        For a float, an unknown mode, or a result of more than 76 digits.

    Examples
    --------
    >>> round_(Decimal("2.675"), 2)
    Decimal('2.68')
    >>> round_(Fraction(2, 3), 4)
    Decimal('0.6667')
    """
    number = exact_number(value)
    _check_rounding(places, mode)
    if isinstance(number, Fraction):
        number = _with_sticky_digit(number.numerator, number.denominator, places)
    return _quantized(Decimal(number), places, mode)


def divide(
    numerator: int | Decimal | Fraction,
    denominator: int | Decimal | Fraction,
    places: int,
    mode: str = ROUND_HALF_EVEN,
) -> Decimal:
    """Divide, rounding once from the exact quotient to `places` after the point (`gl.divide`).

    Raises
    ------
    QuantityError
        For a float, a denominator of zero, an unknown mode, or a result of more than 76 digits.

    Examples
    --------
    >>> divide(1, 3, 6)
    Decimal('0.333333')
    """
    top, bottom = exact_number(numerator), exact_number(denominator)
    _check_rounding(places, mode)
    if not bottom:
        raise QuantityError(f"{top} is divided by zero", fix="give a denominator other than zero")
    top_over, top_under = _ratio(top)
    bottom_over, bottom_under = _ratio(bottom)
    over, under = top_over * bottom_under, top_under * bottom_over
    if under < 0:
        over, under = -over, -under
    return _quantized(_with_sticky_digit(over, under, places), places, mode)


def decimal_from_text(text: str) -> Decimal:
    """Read a number as a person typed it: sign, digits, a point, an exponent, and nothing else.

    The digits after the point are kept as written (`1.50` stays `1.50`); an exponent is written out.

    Raises
    ------
    QuantityError
        For an empty text, `NaN`, `inf`, separators of thousands, decimal commas, units, and for numbers of
        more than 38 digits or 38 places; `fix` says what to write.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _unreadable(text)
    sign, whole, fraction, bare_fraction, exponent_text = match.groups()
    digits = (whole or "") + (fraction or bare_fraction or "")
    coefficient = digits.lstrip("0")
    exponent = _exponent(exponent_text) - (len(digits) - len(whole or ""))
    if len(coefficient) + max(exponent, 0) > MAX_DIGITS or -exponent > MAX_DIGITS:
        raise QuantityError(
            f"'{clipped(text)}' needs more than {MAX_DIGITS} digits or {MAX_DIGITS} places",
            fix="give it in a larger or smaller unit, or with fewer digits",
        )
    # Written out as text, because Decimal's arithmetic would look at the caller's context.
    return Decimal(f"{sign}{coefficient or '0'}{'0' * exponent}E{min(exponent, 0)}")


def decimal_text(value: Decimal) -> str:
    """`value` in plain positional digits: no exponent, trailing zeros kept, never `-0`.

    Raises
    ------
    QuantityError
        For NaN and infinities, which no result may hold.
    """
    if not value.is_finite():
        raise QuantityError(f"{value} is not a finite number", fix="give a number, or leave it out")
    return format(value if value else value.copy_abs(), "f")


def canonical_text(value: int | Decimal) -> str:
    """Write a number so that equal numbers give equal texts, whatever zeros they came with.

    This is what hashes cover: `1.50`, `1.5` and `15E-1` are all `1.5`; `100` and `1E+2` are `100`.

    Raises
    ------
    QuantityError
        For floats, fractions, truth values, NaN and infinities.
    """
    number = exact_number(value)
    if isinstance(number, Fraction):
        raise QuantityError(f"{number} is a fraction", fix="round it first, with gl.round")
    text = decimal_text(Decimal(number))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _check_rounding(places: int, mode: str) -> None:
    if not isinstance(places, int) or isinstance(places, bool) or abs(places) > DIGITS:
        raise QuantityError(
            f"places is {clipped(repr(places))}", fix=f"give an integer from -{DIGITS} to {DIGITS}"
        )
    if mode not in ROUNDING_MODES:
        raise QuantityError(
            f"the rounding mode is {clipped(repr(mode))}",
            fix="give one of " + ", ".join(sorted(ROUNDING_MODES)),
        )


def _quantized(number: Decimal, places: int, mode: str) -> Decimal:
    try:
        rounded = number.quantize(Decimal((0, (1,), -places)), rounding=mode, context=_ROUNDING)
        if places < 0:
            rounded = rounded.quantize(_ONE, context=_ROUNDING)
    except InvalidOperation:
        raise QuantityError(
            f"{clipped(str(number))} rounded to {places} places needs more than {DIGITS} digits",
            fix="round to fewer places",
        ) from None
    return rounded if rounded else rounded.copy_abs()


def _with_sticky_digit(over: int, under: int, places: int) -> Decimal:
    """Make a decimal that rounds to `places` as `over / under` (`under` > 0) does, in every mode.

    One digit past the last place decides a tie; a second, 1 if anything is left over, breaks it.
    """
    shift = places + 1
    scaled_over = abs(over) * 10 ** max(shift, 0)
    quotient, rest = divmod(scaled_over, under * 10 ** max(-shift, 0))
    coefficient = quotient * 10 + (1 if rest else 0)
    # A text, because Decimal's arithmetic would look at the caller's context.
    return Decimal(f"{'-' if over < 0 else ''}{_digits(coefficient)}E{-shift - 1}")


def _digits(coefficient: int) -> str:
    if coefficient.bit_length() > 10 * _MAX_EXPONENT:
        raise QuantityError(
            f"a quotient has far more than {DIGITS} digits", fix="divide numbers of a more usual size"
        )
    return str(coefficient)


def _ratio(number: int | Decimal | Fraction) -> tuple[int, int]:
    if isinstance(number, Decimal) and number and abs(number.adjusted()) > _MAX_EXPONENT:
        raise QuantityError(
            f"{clipped(str(number))} is out of range for a division",
            fix=f"give a number of at most {DIGITS} digits",
        )
    return number.as_integer_ratio()


def _exponent(text: str | None) -> int:
    """Read an exponent, cut where no number of ours can have it: int() refuses 4,300 digits."""
    if text is None:
        return 0
    digits = text.lstrip("+-").lstrip("0")
    exponent = int(digits or "0") if len(digits) <= 4 else 10**9
    return -exponent if text.startswith("-") else exponent


def _unreadable(text: str) -> QuantityError:
    shown = f"'{clipped(text)}'"
    if not text.strip():
        return QuantityError("the number is empty", fix="write a number such as 1234.5")
    if text.strip().lstrip("+-").casefold() in _NOT_FINITE:
        return QuantityError(f"{shown} is not a finite number", fix="write a number, or leave the row out")
    if len(text) > 4 * MAX_DIGITS:
        return QuantityError(f"{shown} is not a number", fix="write digits and a decimal point, like 1234.5")
    # NFKC turns full-width and other digits of presentation into plain ones; U+2212 is the typographic minus.
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).replace("\u2212", "-"))
    if _NUMBER.fullmatch(plain):
        return QuantityError(
            f"{shown} is not written in plain digits", fix=f"write {plain} without spaces or separators"
        )
    if _GROUPED_BY_POINTS.fullmatch(plain):
        mended = plain.replace(".", "").replace(",", ".").rstrip(".")
        return QuantityError(
            f"{shown} has a decimal comma",
            fix=f"write {mended} with a decimal point and without a thousands separator",
        )
    if _GROUPED_BY_COMMAS.fullmatch(plain):
        mended = f"write {plain.replace(',', '')} without a thousands separator"
        if plain.count(",") == 1 and "." not in plain:
            mended += f", or {plain.replace(',', '.')} if the comma is a decimal comma"
        return QuantityError(f"{shown} has a comma", fix=mended)
    if _DECIMAL_COMMA.fullmatch(plain):
        return QuantityError(
            f"{shown} has a decimal comma", fix=f"write {plain.replace(',', '.')} with a decimal point"
        )
    return QuantityError(
        f"{shown} is not a number",
        fix="write digits and a decimal point alone, like 1234.5; a unit stands apart from its number",
    )
