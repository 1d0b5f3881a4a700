"""What nobody may compute with is refused by type, with row and column and what was probably meant."""

import io
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from greenlang.carbon import Quantity, read_csv
from greenlang.carbon.factors import load_factors
from greenlang.carbon.formulas import Formula
from greenlang.errors import DataError, FormulaError, InputError, QuantityError, UnitMismatch
from greenlang_core.decimals import CodeBook, DecimalColumn, DecimalTextError

FACTORS = "activity,gas,value,unit\nnatural gas,CO2,53.06,kg/mmBtu\n"

RATE = Formula("test.rate", "1.0.0", 'a: "1"\nb: "1"\nx = round(a / b, 6)')


# ---- floats ----------------------------------------------------------------------------------------------

FLOATS = [0.1, np.float64(0.1), np.float32(0.1), np.float16(0.1)]


@pytest.mark.parametrize("number", FLOATS, ids=["float", "float64", "float32", "float16"])
@pytest.mark.parametrize(
    "use",
    [
        lambda number: DecimalColumn.from_decimals([Decimal(1), number], 3),
        lambda number: DecimalColumn.from_integers([1, number], 3),
        lambda number: DecimalColumn.from_strings(["1", number], 3),
        lambda number: DecimalColumn.from_integers([1], 0) * number,
        lambda number: DecimalColumn.from_integers([1], 0) + number,
        lambda number: DecimalColumn.from_integers([1], 0) > number,
        lambda number: DecimalColumn.from_integers([1], 0).divide(number, 3),
        lambda number: CodeBook([1, number]),
        lambda number: RATE.of_record(1, number),
        lambda number: RATE.of_columns(a=DecimalColumn.from_integers([1], 0), b=number),
        lambda number: Quantity(number, "kWh"),
        lambda number: Quantity("1 kWh") * number,
    ],
    ids=[
        "decimals", "integers", "strings", "product", "sum", "comparison", "division", "code book", "record",
        "columns", "quantity", "quantity product",
    ],
)  # fmt: skip
def test_a_float_is_refused_with_the_number_that_was_meant(use, number):
    with pytest.raises((TypeError, InputError), match=r"float.*\b0\.1\b|\b0\.1\b.*float"):
        use(number)


@pytest.mark.parametrize("values", [np.array([0.1, 2.0]), np.array([0.1], dtype=np.float32)])
def test_an_array_of_floats_is_refused(values):
    with pytest.raises(TypeError, match="float"):
        DecimalColumn.from_integers(values, 3)
    with pytest.raises(TypeError, match="float"):
        DecimalColumn.from_decimals(values, 3)


# ---- numbers that are none -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-inf", "1e99999999", "1,234.5", "1 234", "1_000", ""]
)
def test_what_is_no_number_is_refused_with_row_and_column(text, activity_data):
    with pytest.raises(DecimalTextError, match="quantity, row 1: "):
        DecimalColumn.from_strings(["1", text], 3, name="quantity")
    with pytest.raises(DataError, match=r"data\.csv, row 3, column 'quantity': "):
        activity_data({}, {"quantity": text})


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999")])
def test_a_decimal_that_is_no_finite_number_of_38_digits_is_refused(number):
    with pytest.raises((ValueError, OverflowError)):
        DecimalColumn.from_decimals([number], 3)
    with pytest.raises((QuantityError, FormulaError)):
        RATE.of_record(number, 1)


def test_a_thousands_separator_is_told_with_what_to_write(activity_data):
    with pytest.raises(
        DataError, match=r"'1,234\.5' has a comma; write 1234\.5 without a thousands separator"
    ):
        activity_data({"quantity": "1,234.5"})


# ---- units, zero and signs -------------------------------------------------------------------------------


def test_a_unit_that_measures_something_else_is_refused(inventory_of):
    with pytest.raises(DataError, match="row 2, column 'unit': a quantity in kg, which measures mass"):
        inventory_of({"unit": "kg"}, factors=FACTORS)
    with pytest.raises(UnitMismatch):
        Quantity("1 kg").to("kWh")


def test_a_division_by_zero_is_refused_with_its_row():
    whole, zero = DecimalColumn.from_integers([1, 2], 0), DecimalColumn.from_integers([1, 0], 0)
    with pytest.raises(ZeroDivisionError, match="row 1"):
        whole.divide(zero, 3)
    with pytest.raises(FormulaError, match="row 1: this divides by 'b', which is 0"):
        RATE.of_columns(a=whole, b=zero)


def test_a_negative_factor_is_refused_with_its_row():
    with pytest.raises(DataError, match=r"own\.csv, row 3, column 'value': -1 is negative"):
        load_factors(f"{FACTORS}Coal,CO2,-1,kg/t\n", file="own.csv")


def test_a_negative_quantity_is_a_correction_and_counts(inventory_of):
    made = inventory_of({"quantity": "-2"}, {"quantity": "3"}, factors=FACTORS)
    assert Fraction(made.totals[0].co2e) == Fraction("53.06")


# ---- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["1,2025,natural gas,1", "1,2025,natural gas,1,MMBtu,US,,"])
def test_a_ragged_row_is_refused_with_its_number(row):
    text = f"id,period,activity,quantity,unit\n0,2025,natural gas,1,MMBtu\n{row}\n"
    table = read_csv(io.BytesIO(text.encode()), name="data.csv")
    assert [problem.row for problem in table.malformed.values()] == [3]


def test_a_parquet_file_that_is_cut_off_is_refused():
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    from greenlang.carbon import TABLE_FORMATS

    whole = io.BytesIO()
    parquet.write_table(arrow.table({"id": ["1", "2"], "quantity": ["1.5", "2"]}), whole)
    for kept in (4, len(whole.getvalue()) // 2, len(whole.getvalue()) - 1):
        with pytest.raises(DataError, match=r"cut off or damaged"):
            TABLE_FORMATS["parquet"].read(io.BytesIO(whole.getvalue()[:kept]), name="data.parquet")
