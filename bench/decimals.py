"""What exact columns cost beside the same arithmetic in `decimal`, and beside inexact floats.

Moves with `core_ext/greenlang_core/decimal_loops.pyx`, `wide.h` (multiplication, division by reciprocals)
and `buffers.pyx` (fresh memory).
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from greenlang_core.decimals import DecimalColumn

from .ratios import cost_ratio

SEED = 20_240_101
FACTORS = 200

#: Rows that the `decimal` side of a ratio computes; a whole column would take seconds.
REFERENCE_ROWS = 20_000


class Activity:
    """Quantities at 3 places, a factor at 5 places for each of 200 codes, and the code of every row."""

    def __init__(self, rows: int) -> None:
        random = np.random.default_rng(SEED)
        quantities = random.integers(0, 10_000_000, rows)
        factors = random.integers(1, 1_000_000, FACTORS)
        self.codes = random.integers(0, FACTORS, rows).astype(np.int32)
        self.quantity = DecimalColumn.from_integers(quantities, 3)
        self.factor = DecimalColumn.from_integers(factors, 5)
        self.float_quantity = quantities / 1e3
        self.float_factor = factors / 1e5
        #: Factor over a unit ratio that does not terminate: per 7 of something.
        self.numerators = [int(factor) for factor in factors]
        self.denominators = [7 * 10**5] * FACTORS

    def as_decimals(self, rows: int) -> tuple[list[Decimal], list[Decimal], list[int]]:
        """The first rows as Python objects: quantities, factors by code, codes."""
        return self.quantity[:rows].to_decimals(), self.factor.to_decimals(), self.codes[:rows].tolist()


def per_row(candidate: Callable[[], object], rows: int, reference: Callable[[], object]) -> float:
    """Cost of one of the candidate's rows over one of the reference's, which computes `REFERENCE_ROWS`."""
    return cost_ratio(candidate, reference, calls=1) * min(REFERENCE_ROWS, rows) / rows


class MultiplyAndSum:
    """Total of quantity * factor[code]."""

    params = [10_000, 1_000_000]
    param_names = ["n_rows"]

    def setup(self, n_rows: int) -> None:
        self.activity = Activity(n_rows)
        quantities, factors, codes = self.activity.as_decimals(REFERENCE_ROWS)
        self.rows = quantities, factors, codes
        exact = self.activity.quantity[:REFERENCE_ROWS] * self.activity.factor.take(codes)
        assert exact.sum() == self.in_decimal()

    def in_columns(self) -> Decimal:
        activity = self.activity
        return (activity.quantity * activity.factor.take(activity.codes)).sum()

    def in_decimal(self) -> Decimal:
        quantities, factors, codes = self.rows
        total = Decimal(0)
        for quantity, code in zip(quantities, codes, strict=True):
            total += quantity * factors[code]
        return total

    def in_floats(self) -> float:
        activity = self.activity
        return float((activity.float_quantity * activity.float_factor[activity.codes]).sum())

    def time_columns(self, n_rows: int) -> None:
        self.in_columns()

    def track_cost_beside_decimal(self, n_rows: int) -> float:
        return per_row(self.in_columns, n_rows, self.in_decimal)

    def track_cost_beside_float64(self, n_rows: int) -> float:
        return cost_ratio(self.in_columns, self.in_floats, calls=1)


class ScaleBy:
    """round(quantity * ratio[code], 12): an emission with a unit conversion that does not terminate."""

    params = [10_000, 1_000_000]
    param_names = ["n_rows"]

    PLACES = 12
    UNIT = Decimal("1e-12")

    def setup(self, n_rows: int) -> None:
        self.activity = Activity(n_rows)
        quantities, _, codes = self.activity.as_decimals(REFERENCE_ROWS)
        self.rows = quantities, codes
        self.context = decimal.Context(prec=76)
        assert self.in_columns()[: len(codes)].to_decimals() == self.in_decimal()

    def in_columns(self) -> DecimalColumn:
        activity = self.activity
        return activity.quantity.scale_by(
            activity.codes, activity.numerators, activity.denominators, self.PLACES
        )

    def in_decimal(self) -> list[Decimal]:
        quantities, codes = self.rows
        numerators, denominators, context = self.activity.numerators, self.activity.denominators, self.context
        return [
            context.divide(context.multiply(quantity, numerators[code]), denominators[code]).quantize(
                self.UNIT
            )
            for quantity, code in zip(quantities, codes, strict=True)
        ]

    def time_columns(self, n_rows: int) -> None:
        self.in_columns()

    def track_cost_beside_decimal(self, n_rows: int) -> float:
        return per_row(self.in_columns, n_rows, self.in_decimal)


class GroupSum:
    """Totals of 50 groups."""

    params = [10_000, 1_000_000]
    param_names = ["n_rows"]

    GROUPS = 50

    def setup(self, n_rows: int) -> None:
        self.activity = Activity(n_rows)
        self.codes = self.activity.codes % self.GROUPS

    def time_columns(self, n_rows: int) -> None:
        self.activity.quantity.group_sum(self.codes, self.GROUPS)


class Text:
    """Reading and writing plain decimal text, as tables do."""

    params = [10_000, 100_000]
    param_names = ["n_rows"]

    def setup(self, n_rows: int) -> None:
        self.quantity = Activity(n_rows).quantity
        self.texts = self.quantity.to_strings()

    def time_from_strings(self, n_rows: int) -> None:
        DecimalColumn.from_strings(self.texts, 3)

    def time_to_strings(self, n_rows: int) -> None:
        self.quantity.to_strings()

    def track_cost_of_reading_beside_decimal(self, n_rows: int) -> float:
        texts = self.texts
        return cost_ratio(
            lambda: DecimalColumn.from_strings(texts, 3), lambda: [Decimal(text) for text in texts], calls=1
        )
