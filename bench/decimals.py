"""What exact columns cost beside the same arithmetic in `decimal`, and beside inexact floats.

Moves with `core_ext/greenlang_core/decimal_loops.pyx`, `code_books.pyx`, `wide.h` (multiplication, division
by reciprocals) and `buffers.pyx` (fresh memory).
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import decimal
import importlib
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from greenlang_core.decimals import CodeBook, DecimalColumn

from .ratios import cost_ratio
from .rows import Row

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
    """quantity * factor[code], every product written, and their total.

    NumPy gets codes of its own width, floats, and `out=` too; `decimal` computes some rows, at whose pace the
    whole column is reckoned. Ratios are costs: below 1 is cheaper than the reference.
    """

    params = [10_000, 1_000_000, 5_000_000]
    param_names = ["n_rows"]

    def setup(self, n_rows: int) -> None:
        self.activity = activity = Activity(n_rows)
        quantities, factors, codes = activity.as_decimals(REFERENCE_ROWS)
        self.rows = quantities, factors, codes
        self.book = CodeBook(factors)
        self.out = activity.quantity * self.book[activity.codes]
        self.float_codes = activity.codes.astype(np.intp)
        self.float_factors = np.empty(n_rows)
        self.float_out = np.empty(n_rows)
        assert self.out[: len(quantities)].sum() == self.in_decimal()

    def into_out(self) -> Decimal:
        activity = self.activity
        return activity.quantity.multiply(self.book[activity.codes], out=self.out).sum()

    def into_fresh(self) -> Decimal:
        activity = self.activity
        return (activity.quantity * self.book[activity.codes]).sum()

    def in_decimal(self) -> Decimal:
        quantities, factors, codes = self.rows
        total = Decimal(0)
        for quantity, code in zip(quantities, codes, strict=True):
            total += quantity * factors[code]
        return total

    def floats_into_out(self) -> float:
        np.take(self.activity.float_factor, self.float_codes, out=self.float_factors, mode="clip")
        np.multiply(self.activity.float_quantity, self.float_factors, out=self.float_out)
        return float(self.float_out.sum())

    def floats_into_fresh(self) -> float:
        activity = self.activity
        return float((activity.float_quantity * activity.float_factor[self.float_codes]).sum())

    def time_into_out(self, n_rows: int) -> None:
        self.into_out()

    def time_into_fresh(self, n_rows: int) -> None:
        self.into_fresh()

    def track_cost_beside_decimal(self, n_rows: int) -> float:
        return per_row(self.into_out, n_rows, self.in_decimal)

    def track_cost_beside_float64_with_out(self, n_rows: int) -> float:
        return cost_ratio(self.into_out, self.floats_into_out, calls=1)

    def track_cost_beside_float64(self, n_rows: int) -> float:
        return cost_ratio(self.into_fresh, self.floats_into_fresh, calls=1)


class GroupedBesideArrow:
    """quantity * factor[code] grouped into 50 totals, beside decimal128 in pyarrow, one thread."""

    params = [1_000_000, 5_000_000]
    param_names = ["n_rows"]

    GROUPS = 50

    def setup(self, n_rows: int) -> None:
        try:
            self.arrow = importlib.import_module("pyarrow")
            self.compute = importlib.import_module("pyarrow.compute")
        except ModuleNotFoundError:
            raise NotImplementedError("pyarrow is the reference of this one") from None
        self.activity = activity = Activity(n_rows)
        self.groups = (activity.codes % self.GROUPS).astype(np.int32)
        self.book = CodeBook(activity.factor)
        self.out = activity.quantity * self.book[activity.codes]
        self.quantity = self.arrow.array(activity.quantity).cast(self.arrow.decimal128(18, 3))
        self.factor = self.arrow.array(activity.factor).cast(self.arrow.decimal128(18, 5))
        self.arrow_codes, self.arrow_groups = self.arrow.array(activity.codes), self.arrow.array(self.groups)
        assert sorted(self.in_columns().to_decimals()) == sorted(self.in_arrow())

    def in_columns(self) -> DecimalColumn:
        product = self.activity.quantity.multiply(self.book[self.activity.codes], out=self.out)
        return product.group_sum(self.groups, self.GROUPS)

    def in_arrow(self) -> list[Decimal]:
        products = self.compute.multiply(self.quantity, self.factor.take(self.arrow_codes))
        table = self.arrow.table({"group": self.arrow_groups, "product": products})
        totals: list[Decimal] = (
            table.group_by("group", use_threads=False)
            .aggregate([("product", "sum")])["product_sum"]
            .to_pylist()
        )
        return totals

    def time_columns(self, n_rows: int) -> None:
        self.in_columns()

    def track_cost_beside_arrow(self, n_rows: int) -> float:
        return cost_ratio(self.in_columns, self.in_arrow, calls=1, rounds=5)


class GroupedBesideDuckDB:
    """The same beside DuckDB's DECIMAL, joined and grouped in one thread."""

    params = [1_000_000, 5_000_000]
    param_names = ["n_rows"]

    QUERY = (
        "SELECT sum(quantity * factor) FROM activity JOIN factors USING (code) GROUP BY code % 50 ORDER BY 1"
    )

    def setup(self, n_rows: int) -> None:
        try:
            duckdb = importlib.import_module("duckdb")
        except ModuleNotFoundError:
            raise NotImplementedError("DuckDB is the reference of this one") from None
        self.columns = GroupedBesideArrow()
        self.columns.setup(n_rows)
        arrow, columns = self.columns.arrow, self.columns
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.register(
            "q", arrow.table({"code": columns.arrow_codes, "quantity": columns.quantity})
        )
        codes = arrow.array(range(FACTORS), arrow.int32())
        self.connection.register("f", arrow.table({"code": codes, "factor": columns.factor}))
        self.connection.execute("CREATE TABLE activity AS SELECT * FROM q")
        self.connection.execute("CREATE TABLE factors AS SELECT * FROM f")
        totals = [total for (total,) in self.in_duckdb()]
        assert sorted(columns.in_columns().to_decimals()) == sorted(totals)

    def in_duckdb(self) -> list[tuple[Decimal]]:
        rows: list[tuple[Decimal]] = self.connection.execute(self.QUERY).fetchall()
        return rows

    def track_cost_beside_duckdb(self, n_rows: int) -> float:
        return cost_ratio(self.columns.in_columns, self.in_duckdb, calls=1, rounds=5)


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


def measured(subject: type[MultiplyAndSum | GroupedBesideArrow | GroupedBesideDuckDB], name: str) -> float:
    """A ratio of a class above, on five million rows."""
    case = subject()
    case.setup(5_000_000)
    ratio: float = getattr(case, f"track_cost_beside_{name}")(5_000_000)
    return ratio


#: Costs: a speed that is to be three times the reference's is a cost of a third.
ROWS = [
    Row(
        "quantity x factor[code] into reused output, total",
        "NumPy float64 with out=",
        1,
        lambda: measured(MultiplyAndSum, "float64_with_out"),
    ),
    Row("the same into fresh output", "NumPy float64", 1 / 0.7, lambda: measured(MultiplyAndSum, "float64")),
    Row(
        "the same, grouped into 50 totals",
        "DuckDB DECIMAL join and group, one thread",
        1 / 3,
        lambda: measured(GroupedBesideDuckDB, "duckdb"),
    ),
    Row(
        "the same totals",
        "pyarrow decimal128",
        1 / 3,
        lambda: measured(GroupedBesideArrow, "arrow"),
    ),
    Row(
        "quantity x factor[code], total",
        "a loop in decimal",
        1 / 40,
        lambda: measured(MultiplyAndSum, "decimal"),
    ),
]
