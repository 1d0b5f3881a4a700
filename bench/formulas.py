"""Formulas over columns beside two engines that compute decimals, and over one record beside `decimal`.

The formula is CO2e of three gases: quantities in kWh, factors of 200 codes per mmBtu, CO2 in kg and the
others in g, GWPs, and a result in kg at 6 places. It is measured as it is written, rounded once; and rounded
gas by gas, which leaves less to be worked out once a code. The engines get what helps them: factors that were
joined and converted beforehand, and a conversion cut to 12 places, which is not exact.

Moves with `core_ext/greenlang_core/formulas.pyx`, `formula_steps.pyx`, `decimal_loops.pyx`, and
`greenlang/carbon/formulas/planning.py`.
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import importlib
import os
import time
from decimal import Decimal

import numpy as np

from greenlang.carbon.formulas import Formula
from greenlang_core.code_books import Gathered
from greenlang_core.decimals import CodeBook, DecimalColumn

from .ratios import cost_ratio
from .rows import Row

SEED = 20_240_101
CODES = 200
ROWS_OF_COLUMN = 5_000_000

#: Largest unscaled factors, at 2 places.
MOST = {"co2": 20_000, "ch4": 4_000, "n2o": 800}

OPERANDS = """
quantity: "kWh"
co2: "kg/mmBtu"
ch4: "g/mmBtu"
n2o: "g/mmBtu"
"""

ROUNDED_ONCE = OPERANDS + 'co2e: "kg" = round(quantity * (co2 + 28 * ch4 + 265 * n2o), 6)'

ROUNDED_BY_GAS = (
    OPERANDS
    + """
co2_mass: "kg" = round(quantity * co2, 6)
ch4_mass: "kg" = round(quantity * ch4, 6)
n2o_mass: "kg" = round(quantity * n2o, 6)
co2e: "kg" = co2_mass + 28 * ch4_mass + 265 * n2o_mass
"""
)

TEXTS = {"once": ROUNDED_ONCE, "by gas": ROUNDED_BY_GAS}

#: mmBtu in a kWh, which has no end; 12 places are what the engines' 38 digits leave room for.
CONVERSION = Decimal("0.003412141633")

#: The quantity in mmBtu for DuckDB, which needs room for what it is multiplied by.
CONVERTED = f"CAST(quantity * CAST({CONVERSION} AS DECIMAL(12, 12)) AS DECIMAL(28, 15))"

IN_DUCKDB = {
    "once": f"round({CONVERTED} * (co2 + 28 * ch4 + 265 * n2o), 6)",
    "by gas": f"round({CONVERTED} * co2, 6) + 28 * round({CONVERTED} * ch4, 6)"
    f" + 265 * round({CONVERTED} * n2o, 6)",
}


class ThreeGases:
    """Five million rows; the results are written to a column, which the engines write too."""

    params = [["once", "by gas"], [1_000_000, ROWS_OF_COLUMN]]
    param_names = ["rounded", "n_rows"]

    def setup(self, rounded: str, n_rows: int) -> None:
        random = np.random.default_rng(SEED)
        self.codes = random.integers(0, CODES, n_rows).astype(np.int32)
        self.quantity = DecimalColumn.from_integers(random.integers(0, 10_000_000, n_rows), 3)
        #: Unscaled, at 2 places: kg of CO2, g of the others.
        factors = {name: random.integers(1, most, CODES) for name, most in MOST.items()}
        self.books = {name: CodeBook(DecimalColumn.from_integers(of, 2)) for name, of in factors.items()}
        self.formula = Formula("bench.three-gases", "1.0.0", TEXTS[rounded])
        self.out = self.into_fresh()
        arrow = importlib.import_module("pyarrow")
        columns = {"quantity": arrow.array(self.quantity).cast(arrow.decimal128(10, 3))}
        for name, of in factors.items():
            in_kg = DecimalColumn.from_integers(of, 2 if name == "co2" else 5)
            columns[name] = arrow.array(in_kg).cast(arrow.decimal128(8, in_kg.scale)).take(self.codes)
        self.table = arrow.table(columns)

    def into_fresh(self) -> DecimalColumn:
        return self.formula.of_columns(quantity=self.quantity, **self.taken())

    def into_out(self) -> DecimalColumn:
        return self.formula.of_columns(quantity=self.quantity, **self.taken(), out=self.out)

    def taken(self) -> dict[str, Gathered]:
        return {name: book[self.codes] for name, book in self.books.items()}

    def time_into_fresh(self, rounded: str, n_rows: int) -> None:
        self.into_fresh()

    def time_into_out(self, rounded: str, n_rows: int) -> None:
        self.into_out()

    def track_cost_beside_duckdb(self, rounded: str, n_rows: int) -> float:
        connection = importlib.import_module("duckdb").connect(config={"threads": 1})
        connection.register("given", self.table)
        connection.execute("CREATE TABLE activity AS SELECT * FROM given")
        create = "CREATE OR REPLACE TEMP TABLE result AS SELECT "
        query = create + IN_DUCKDB[rounded] + " AS co2e FROM activity"
        return cost_ratio(self.into_fresh, lambda: connection.execute(query), calls=1, rounds=3)

    def track_cost_beside_polars(self, rounded: str, n_rows: int) -> float:
        os.environ["POLARS_MAX_THREADS"] = "1"  # it reads this when it is imported
        polars = importlib.import_module("polars")
        frame = polars.from_arrow(self.table)
        quantity, co2, ch4, n2o = map(polars.col, self.table.column_names)
        converted = quantity * polars.lit(CONVERSION)
        masses = [(converted * gas).round(6) for gas in (co2, ch4, n2o)]
        once = (converted * (co2 + ch4 * 28 + n2o * 265)).round(6)
        co2e = once if rounded == "once" else masses[0] + masses[1] * 28 + masses[2] * 265
        return cost_ratio(self.into_fresh, lambda: frame.select(co2e=co2e), calls=1, rounds=7)


class OneRecord:
    """The same formula on a record of Decimals."""

    params = ["once", "by gas"]
    param_names = ["rounded"]

    def setup(self, rounded: str) -> None:
        self.record = tuple(map(Decimal, ("1234.567", "53.06", "1.00", "0.10")))
        self.of_record = Formula("bench.three-gases", "1.0.0", TEXTS[rounded]).of_record
        self.in_decimal = rounded_once if rounded == "once" else rounded_by_gas
        assert self.of_record(*self.record) == self.in_decimal(*self.record)

    def time_record(self, rounded: str) -> None:
        self.of_record(*self.record)

    def track_cost_beside_decimal(self, rounded: str) -> float:
        of_record, in_decimal, record = self.of_record, self.in_decimal, self.record
        return cost_ratio(
            lambda: of_record(*record),
            lambda: in_decimal(*record),
            calls=20_000,
            clock=time.process_time,
        )


GRAM, METHANE, NITROUS_OXIDE, SIX_PLACES = map(Decimal, ("0.001", "28", "265", "0.000001"))


def rounded_once(quantity: Decimal, co2: Decimal, ch4: Decimal, n2o: Decimal) -> Decimal:
    rate = co2 + METHANE * GRAM * ch4 + NITROUS_OXIDE * GRAM * n2o
    return (quantity * CONVERSION * rate).quantize(SIX_PLACES)


def rounded_by_gas(quantity: Decimal, co2: Decimal, ch4: Decimal, n2o: Decimal) -> Decimal:
    converted = quantity * CONVERSION
    co2_mass = (converted * co2).quantize(SIX_PLACES)
    ch4_mass = (converted * GRAM * ch4).quantize(SIX_PLACES)
    n2o_mass = (converted * GRAM * n2o).quantize(SIX_PLACES)
    return co2_mass + METHANE * ch4_mass + NITROUS_OXIDE * n2o_mass


def beside_the_faster(rounded: str) -> float:
    """Cost beside whichever of the engines is faster."""
    case = ThreeGases()
    case.setup(rounded, ROWS_OF_COLUMN)
    return max(
        case.track_cost_beside_polars(rounded, ROWS_OF_COLUMN),
        case.track_cost_beside_duckdb(rounded, ROWS_OF_COLUMN),
    )


def beside_decimal(rounded: str) -> float:
    case = OneRecord()
    case.setup(rounded)
    return case.track_cost_beside_decimal(rounded)


ENGINES = "Polars or DuckDB, whichever is faster, one thread"

ROWS = [
    Row("three gases x GWP, converted, rounded once", ENGINES, 1 / 2, lambda: beside_the_faster("once")),
    Row("the same, rounded gas by gas", ENGINES, 1 / 2, lambda: beside_the_faster("by gas")),
    Row(
        "the same formula on one record, rounded once",
        "the same in decimal",
        2,
        lambda: beside_decimal("once"),
        quick=True,
    ),
    Row(
        "the same formula on one record, gas by gas",
        "the same in decimal",
        2,
        lambda: beside_decimal("by gas"),
        quick=True,
    ),
]
