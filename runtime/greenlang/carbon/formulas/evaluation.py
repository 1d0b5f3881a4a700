"""Formulas computed node by node with Python's fractions: right for numbers of any size, and slow.

Columns and records are computed by compiled programs; a row that these cannot hold or that fails is computed
here, so that a mistake is told in the words of the formula. Tests compare all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
)
from fractions import Fraction

from greenlang.carbon.formulas.nodes import (
    Choice,
    Difference,
    Given,
    Node,
    Number,
    Product,
    Quotient,
    Rounding,
    Sum,
)

__all__ = ["Failure", "evaluate", "holds", "rounded"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A node that has no value: it counts only if the result depends on it."""

    node: int  #: the operand that is null, or the divisor that is zero


def evaluate(nodes: Sequence[Node], operands: Mapping[str, Fraction | None]) -> Fraction | Failure:
    """The value of the last node; an operand of None is null."""
    values: list[Fraction | Failure] = []
    for position, node in enumerate(nodes):
        values.append(_value(node, position, values, operands))
    return values[-1]


def _value(
    node: Node, position: int, values: Sequence[Fraction | Failure], operands: Mapping[str, Fraction | None]
) -> Fraction | Failure:
    match node:
        case Number(value):
            return value
        case Given(name):
            given = operands[name]
            return Failure(position) if given is None else given
        case Choice(relation, left, right, then, otherwise):
            a, b = values[left], values[right]
            if isinstance(a, Failure) or isinstance(b, Failure):
                return a if isinstance(a, Failure) else b
            return values[then] if holds(relation, a, b) else values[otherwise]
        case Rounding(of, places, mode):
            whole = values[of]
            return whole if isinstance(whole, Failure) else rounded(whole, places, mode)
        case Sum(left, right) | Difference(left, right) | Product(left, right) | Quotient(left, right):
            a, b = values[left], values[right]
            if isinstance(a, Failure) or isinstance(b, Failure):
                return a if isinstance(a, Failure) else b
            return _arithmetic(node, a, b, right)


def _arithmetic(node: Node, left: Fraction, right: Fraction, divisor: int) -> Fraction | Failure:
    match node:
        case Sum():
            return left + right
        case Difference():
            return left - right
        case Product():
            return left * right
        case _:
            return left / right if right else Failure(divisor)


def holds(relation: str, left: Fraction, right: Fraction) -> bool:
    """Whether `left` is to `right` as one of `< <= > >= == !=` says."""
    order = (left > right) - (left < right)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "==": order == 0}.get(
        relation, order != 0
    )


def rounded(value: Fraction, places: int, mode: str) -> Fraction:
    """`value` rounded once, from all of its digits, in any of `decimal`'s modes."""
    scaled = value * 10**places
    quotient, rest = divmod(abs(scaled.numerator), scaled.denominator)
    if rest:
        quotient += _moves_away(mode, scaled < 0, quotient, 2 * rest - scaled.denominator)
    return Fraction(-quotient if scaled < 0 else quotient, 10**places)


def _moves_away(mode: str, negative: bool, quotient: int, past_half: int) -> bool:
    """Whether a truncated quotient, which has a remainder, moves one away from zero."""
    if mode == ROUND_HALF_EVEN:
        return past_half > 0 or (past_half == 0 and quotient % 2 == 1)
    if mode == ROUND_HALF_UP:
        return past_half >= 0
    if mode == ROUND_HALF_DOWN:
        return past_half > 0
    if mode == ROUND_05UP:
        return quotient % 5 == 0
    return mode == ROUND_UP or (mode == ROUND_CEILING and not negative) or (mode == ROUND_FLOOR and negative)
