"""Builds the nodes of a formula: equal ones once, numbers folded, units converted by exact ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from greenlang.carbon.formulas.nodes import (
    Choice,
    Difference,
    Node,
    Number,
    Product,
    Rounding,
    Sum,
)
from greenlang.carbon.units import CompoundUnit, compound_ratio
from greenlang.errors import FormulaError
from greenlang.exact import MAX_DIGITS

__all__ = ["Nodes", "Term"]

#: Far more than any formula needs.
MOST_NODES = 1_000


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression: its node, its unit, and whether it is a quotient that is not rounded yet."""

    node: int
    unit: CompoundUnit
    quotient: bool = False


class Nodes:
    """The nodes of one formula, in the order that they are made."""

    def __init__(self, formula: str) -> None:
        self._formula = formula
        self._positions: dict[Node, int] = {}
        self.nodes: list[Node] = []
        #: What each node is called in messages.
        self.texts: list[str] = []

    def node(self, node: Node, text: str) -> int:
        """The position of a node; a product of two numbers is one number."""
        if isinstance(node, Product):
            left, right = self.nodes[node.left], self.nodes[node.right]
            if isinstance(left, Number) and isinstance(right, Number):
                node = Number(left.value * right.value)
        if node not in self._positions:
            if len(self.nodes) == MOST_NODES:
                raise FormulaError(
                    f"the formula has more than {MOST_NODES:,} operations",
                    fix="make several formulas of it",
                    place=f"formula {self._formula}",
                )
            self._positions[node] = len(self.nodes)
            self.nodes.append(node)
            self.texts.append(text)
        return self._positions[node]

    def times(self, term: Term, ratio: Fraction, text: str) -> Term:
        """A term times a number."""
        if ratio == 1:
            return term
        by = self.node(Number(ratio), str(ratio))
        return Term(self.node(Product(term.node, by), text), term.unit, term.quotient)

    def converted(self, term: Term, unit: CompoundUnit) -> Term:
        """A term in another unit; `UnitMismatch` if that measures something else."""
        if self.is_zero(term):
            return Term(term.node, unit)
        ratio = compound_ratio(term.unit, unit)
        converted = self.times(term, ratio, self.texts[term.node])
        return Term(converted.node, unit, term.quotient)

    def is_zero(self, term: Term) -> bool:
        """Whether it is the number 0, which is nothing in any unit."""
        return self.nodes[term.node] == Number(Fraction(0))

    def places(self, position: int) -> int | None:
        """Places after the point that a node has whatever its operands are; None where they decide."""
        found: list[int | None] = []
        for node in self.nodes[: position + 1]:
            match node:
                case Rounding(_, places, _):
                    found.append(places)
                case Number(value):
                    found.append(_places_of(value))
                case Product(left, right):
                    found.append(_together(found[left], found[right], sum))
                case Sum(left, right) | Difference(left, right) | Choice(_, _, _, left, right):
                    found.append(_together(found[left], found[right], max))
                case _:
                    found.append(None)
        return found[position]


def _places_of(value: Fraction) -> int | None:
    return next((places for places in range(MAX_DIGITS + 1) if 10**places % value.denominator == 0), None)


def _together(left: int | None, right: int | None, join: Callable[[tuple[int, int]], int]) -> int | None:
    return None if left is None or right is None else join((left, right))
