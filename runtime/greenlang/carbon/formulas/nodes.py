"""What a formula is once its text was read: nodes that refer to the ones before them, the last its result.

Units are settled here: a conversion is a product with an exact number like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

__all__ = ["Choice", "Difference", "Given", "Node", "Number", "Product", "Quotient", "Rounding", "Sum"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the text, a ratio of units, or what comes of several."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Given:
    """An operand, in its declared unit."""

    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Of two nodes, by their positions."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two nodes."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Product:
    """Of two nodes."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Quotient:
    """Of two nodes; it meets nothing but products before it is rounded."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`then` where `left` is to `right` as `relation` says, else `otherwise`."""

    relation: str
    left: int
    right: int
    then: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Rounding:
    """To `places` after the point, in a mode of `decimal`."""

    of: int
    places: int
    mode: str


Node: TypeAlias = Number | Given | Sum | Difference | Product | Quotient | Choice | Rounding
