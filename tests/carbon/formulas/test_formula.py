"""A formula over records and over columns: operands, units, nulls, and what is said of a row."""

import pickle
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from greenlang.carbon.formulas import CO2E, MASS, Formula
from greenlang.errors import FormulaError, UnitMismatch
from greenlang_core.decimals import CodeBook, DecimalColumn

MOLE = Formula("test.mole", "1.0.0", 'part: "kg"\nwhole: "kg"\nshare = round(100 * part / whole, 4)')
HEAT = Formula(
    "test.heat", "1.0.0", 'quantity: "kWh"\nrate: "kg/mmBtu"\nmass: "kg" = round(quantity * rate, 6)'
)


def column(*texts: str, scale: int = 3) -> DecimalColumn:
    return DecimalColumn.from_strings(list(texts), scale)


# ---- records ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (0.5, r'operand \'part\': 0.5 is a float, which is not exact; write Decimal\("0.5"\)'),
        (np.float64(0.1), r'operand \'part\': .*float.*Decimal\("0.1"\)'),
        ("1", "operand 'part'"),
        (None, "operand 'part' is null"),
        (True, "operand 'part'"),
        (Decimal("NaN"), "operand 'part'"),
        (Decimal("Infinity"), "operand 'part'"),
    ],
)
def test_an_operand_that_is_no_exact_number_is_refused_by_name(part, message):
    with pytest.raises(FormulaError, match=rf"formula test\.mole.*{message}"):
        MOLE.of_record(part, 1)


def test_a_division_by_zero_names_the_divisor_and_the_operands():
    with pytest.raises(FormulaError, match="this divides by 'whole', which is 0, with part = 3, whole = 0"):
        MOLE.of_record(3, 0)


def test_a_branch_that_is_not_taken_may_divide_by_zero():
    guarded = Formula("test.guarded", "1.0.0", 'a: "1"\nb: "1"\nx = where(b == 0, 0, round(a / b, 2))')
    assert guarded.of_record(1, 0) == 0
    assert guarded.of_columns(a=column("1", "1"), b=column("0", "8")).to_strings() == ["0.00", "0.12"]


def test_a_result_past_38_digits_is_refused_with_its_operands():
    with pytest.raises(
        FormulaError, match=r"'mass' needs more than 38 digits at 6 places, with quantity = 1000"
    ):
        HEAT.of_record(10**35, 1)


def test_a_record_has_an_operand_for_each_declaration():
    with pytest.raises(TypeError, match="1 values are given; the operands are part, whole"):
        MOLE.of_record(1)


@pytest.mark.parametrize("number", ["1E+20", "1E-38", "0E-50", "-0", "123456789012345678901234567890.123"])
def test_numbers_of_any_scale_are_exact(number):
    twice = Formula("test.twice", "1.0.0", 'a: "1"\nx = round(2 * a, 6)')
    exact = Decimal(f"{round(Fraction(Decimal(number)) * 2 * 10**6)}E-6")
    assert twice.of_record(Decimal(number)) == exact


# ---- columns ---------------------------------------------------------------------------------------------


def test_operands_come_by_row_by_code_and_once():
    book = CodeBook([Decimal("53.06"), Fraction(1, 3)])
    codes = np.array([0, 1, 0], dtype=np.int32)
    by_code = MASS.of_columns(quantity=column("1", "3", "2"), rate=book[codes])
    assert by_code.to_decimals() == [Decimal("53.06"), 1, Decimal("106.12")]
    once = CO2E.of_columns(mass=by_code, gwp=28)
    assert once[1] == 28


def test_an_operand_in_another_unit_is_converted_exactly():
    in_mwh = HEAT.of_columns(quantity=column("1"), rate=Decimal(1), units={"quantity": "MWh"})
    assert in_mwh[0] == HEAT.of_record(1_000, 1)
    per_gj = HEAT.of_columns(quantity=column("1"), rate=Decimal(1), units={"rate": "kg/GJ"})
    assert per_gj[0] == Decimal("0.0036")


def test_a_unit_that_measures_something_else_is_refused_with_the_operand():
    with pytest.raises(UnitMismatch, match=r"formula test\.heat, operand 'quantity'"):
        HEAT.of_columns(quantity=column("1"), rate=Decimal(1), units={"quantity": "kg"})


def test_any_unit_is_one_unit_throughout():
    with pytest.raises(UnitMismatch, match="operand 'rate'"):
        MASS.of_columns(quantity=column("1"), rate=Decimal(1), units={"quantity": "kWh", "rate": "kg/L"})
    mass = MASS.of_columns(quantity=column("1"), rate=Decimal(1), units={"quantity": "MWh", "rate": "g/kWh"})
    assert mass[0] == 1


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ({"part": column("1")}, "operand 'whole' is not given; the operands are part, whole"),
        ({"part": column("1"), "whole": 1, "hole": 2}, "'hole' is no operand"),
        ({"part": column("1"), "whole": column("1", "2")}, "part has 1 rows, whole has 2 rows"),
        ({"part": 1, "whole": 1}, "all are numbers"),
        ({"part": column("1"), "whole": 0.5}, "operand 'whole': 0.5 is a float"),
    ],
)
def test_operands_that_make_no_rows_are_refused(operands, message):
    with pytest.raises(FormulaError, match=message):
        MOLE.of_columns(**operands)


def test_a_row_that_fails_is_named_with_its_values():
    with pytest.raises(
        FormulaError, match=r"formula test\.mole, row 2: .*'whole', which is 0, with part = 3"
    ):
        MOLE.of_columns(part=column("1", "2", "3"), whole=column("1", "1", "0"))


def test_a_code_outside_the_numbers_is_named_with_its_row():
    book = CodeBook([Decimal(1)])
    with pytest.raises(
        FormulaError, match=r"row 1: operand 'rate' has code 1, which is outside its 1 numbers"
    ):
        MASS.of_columns(quantity=column("1", "1"), rate=book[np.array([0, 1], dtype=np.int32)])


def test_a_null_makes_a_null_or_is_refused_with_its_row():
    part = column("1", "1").with_nulls([False, True])
    with pytest.raises(FormulaError, match="row 1: operand 'part' is null; fill it"):
        MOLE.of_columns(part=part, whole=1)
    assert MOLE.of_columns(part=part, whole=1, nulls=True).is_null().to_list() == [False, True]


def test_a_column_is_written_over():
    out = column("0", "0", scale=4)
    given = MOLE.of_columns(part=column("1", "2"), whole=4, out=out)
    assert given.to_strings() == ["25.0000", "50.0000"]
    assert np.shares_memory(
        np.frombuffer(memoryview(given), np.uint8), np.frombuffer(memoryview(out), np.uint8)
    )


def test_a_formula_is_used_by_several_threads_at_once():
    quantity = DecimalColumn.from_integers(np.arange(200_000), 3)
    expected = HEAT.of_columns(quantity=quantity, rate=Decimal("53.06")).sum()
    sums = []
    threads = [
        threading.Thread(
            target=lambda: sums.append(HEAT.of_columns(quantity=quantity, rate=Decimal("53.06")).sum())
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [expected] * 4


def test_a_formula_is_pickled_as_its_text():
    copy = pickle.loads(pickle.dumps(HEAT))  # noqa: S301  written a moment ago
    assert copy == HEAT
    assert copy.of_record(1, 1) == HEAT.of_record(1, 1)
