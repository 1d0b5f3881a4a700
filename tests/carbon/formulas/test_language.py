"""What the language of formulas takes and refuses, and where it says so."""

from decimal import Decimal
from fractions import Fraction

import pytest

from greenlang.carbon.formulas import Formula
from greenlang.errors import FormulaError, UnitError, UnitMismatch


def formula(text: str) -> Formula:
    return Formula("test.formula", "1.0.0", text)


# ---- syntax ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("a + b * c", "34"),
        ("(a + b) * c", "40"),
        ("a - b - c", "-10"),
        ("a - (b - c)", "-2"),
        ("a / b * c", "1"),
        ("a / (b * c)", "0.0625"),
        ("a * b / c * 5 / 7", "2.857143"),
        ("-a + +b - c", "2"),
        ("min(a, b, c)", "2"),
        ("max(c, b, a)", "8"),
        ("min(a) * b * c", "64"),
        ("where(a < b, a, b) * c", "8"),
        ("where(a >= b, a, b) * c", "32"),
        ("where(a * c == b, 1, 0) * b", "8"),
        ("(0.1 + 0.2) * a * b * c", "19.2"),
        ("1e-3 * a * b * c * .5", "0.032"),
    ],
)
def test_arithmetic_is_that_of_python_and_exact(expression, result):
    of = formula(f'a: "1"\nb: "1"\nc: "1"\nx = round({expression}, 6)')
    assert of.of_record(2, 8, 4) == Decimal(result)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("x = 1 +", "line 1, column 8", "cannot be read"),
        ('part: "1"\nx = prat * 2', "line 2, column 5", "'prat' is not defined; did you mean part"),
        ('a: "1"\na = a * 2', "line 2, column 1", "'a' is defined already"),
        ('a: "1"\nround = a * 2', "line 2, column 1", "'round' cannot be a name"),
        ('_a: "1"\nx = round(_a, 2)', "line 1, column 1", "'_a' cannot be a name"),
        ("import os", "line 1, column 1", "neither an operand nor a definition"),
        ("x, y = 1, 2", "line 1, column 1", "neither an operand nor a definition"),
        ("a: float = 1", "line 1, column 4", "not a unit"),
        ('a: "1"\nx = round(a ** 2, 1)', "line 2, column 11", "`a ** 2` is not of the language"),
        ('a: "1"\nx = round(a.real, 1)', "line 2, column 11", "`a.real` is not of the language"),
        ('a: "1"\nx = round(abs(a), 1)', "line 2, column 11", "`abs(a)` is not of the language"),
        ('a: "1"\nx = round(a if a else 1, 1)', "line 2, column 11", "not of the language"),
        ('a: "1"\nx = round(where(a, 1, 2), 1)', "line 2, column 11", "not of the language"),
        ('a: "1"\nx = round(where(1 < a < 2, 1, 2), 1)', "line 2, column 17", "not one comparison"),
        ('a: "1"\nx = round(a)', "line 2, column 5", "does not say its places"),
        ('a: "1"\nx = round(a, 2.0)', "line 2, column 5", "does not say its places"),
        ('a: "1"\nx = round(a, 39)', "line 2, column 5", "39 places are too many"),
        ('a: "1"\nx = round(a, 2, "nearest")', "line 2, column 17", "no mode of rounding; write one of"),
        ('a: "1"\nx = round(a * 0x10, 2)', "line 2, column 15", "`0x10` is not a number"),
        ('a: "1"\nx = round(a * 1_000, 2)', "line 2, column 15", "`1_000` is not a number"),
        ('a: "1"\nx = round(a * True, 2)', "line 2, column 15", "`True` is not a number"),
        ('a: "1"\nx = round(a * 1j, 2)', "line 2, column 15", "`1j` is not a number"),
        ('a: "1"\nx = round(a / 0, 2)', "line 2, column 11", "divides by 0"),
        ('a: "1"\nb: "1"\nx = round(a / b + 1, 2)', "line 3, column 11", "quotient that is not rounded"),
        ('a: "1"\nb: "1"\nx = round(a / (a / b), 2)', "line 3, column 11", "divides by a quotient"),
        ('a: "1"\nx = a * 2', "line 2, column 1", "'x' has no certain number of places"),
        (
            'a: "kg"\nx: "kg" = round(a, 2) * 1',
            "line 2, column 11",
            "rounds a value in kg inside an expression",
        ),
    ],
)
def test_a_text_is_refused_where_it_is_wrong(text, place, message):
    with pytest.raises(FormulaError) as refused:
        formula(text)
    assert f"formula test.formula, {place}" in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the last line defines nothing"),
        ('a: "1"', "the last line defines nothing"),
        ('a: "1"\nb: "1"\nx = round(a, 2)', "'b' is defined and not used"),
        ('a: "1"\ny = a * 2\nx = round(a, 2)', "'y' is defined and not used"),
        ("a\0b", "null character"),
        ("x = " + "(" * 300 + "1" + ")" * 300, "cannot be read|nested too deeply"),
        ("x = " + "-" * 3_000 + "1", "nested too deeply|cannot be read"),
        ("# " + "x" * 10_000, "10,000 is the most"),
        (
            'a: "1"\nx = round(' + "*".join(f"(a+{of})" for of in range(999)) + ", 2)",
            "more than 1,000 operations|deeply",
        ),
    ],
)
def test_a_text_that_is_none_is_refused(text, message):
    with pytest.raises(FormulaError, match=message):
        formula(text)


# ---- units -----------------------------------------------------------------------------------------------


def test_units_that_convert_are_converted_by_their_exact_ratio():
    sum_of_two = formula('a: "kg"\nb: "short ton"\nx: "kg" = round(a + b, 8)')
    assert sum_of_two.of_record(0, 1) == Decimal("907.18474")
    heat = formula('a: "kWh"\nx: "mmBtu" = round(a, 30)')
    exact = Fraction(3_600_000 * 10**30) / Fraction("1055055852.62")
    assert heat.of_record(1) == Decimal(f"{round(exact)}E-30")


def test_a_product_of_units_is_the_unit_of_a_product():
    freight = formula(
        'mass: "t"\ndistance: "mi"\nfactor: "kg/t.km"\nx: "kg" = round(mass * distance * factor, 6)'
    )
    assert freight.of_record(2, 10, 1) == Decimal("32.18688")
    assert str(freight.unit) == "kg"


def test_minimum_and_choice_take_like_units():
    assert formula('a: "kg"\nb: "t"\nx: "kg" = round(min(a, b), 1)').of_record(1_500, 1) == 1_000
    assert formula('a: "kg"\nb: "t"\nx: "t" = round(where(a > b, a, b), 1)').of_record(1_500, 1) == Decimal(
        "1.5"
    )


def test_zero_goes_with_any_unit():
    assert formula('a: "kg"\nx: "kg" = round(max(a, 0), 1)').of_record(-4) == 0


@pytest.mark.parametrize(
    "text",
    [
        'a: "kg"\nb: "L"\nx: "kg" = round(a + b, 2)',
        'a: "kg"\nb: "L"\nx: "kg" = round(min(a, b), 2)',
        'a: "kg"\nb: "L"\nx: "kg" = round(where(a < b, a, a), 2)',
        'a: "kg"\nx: "L" = round(a, 2)',
        'a: "kg"\nx: "kg" = round(a + 1, 2)',
        'a: "kg"\nx: "kg" = round(a * a, 2)',
    ],
)
def test_units_that_do_not_go_together_are_refused_with_the_place(text):
    with pytest.raises(UnitMismatch, match=r"formula test\.formula, line \d, column \d+"):
        formula(text)


def test_an_unknown_unit_is_refused_with_the_place():
    with pytest.raises(UnitError, match=r"formula test\.formula, line 1, column 4"):
        formula('a: "kgg"\nx: "kg" = round(a, 2)')


# ---- identity --------------------------------------------------------------------------------------------

TEXT = 'part: "kg"\nwhole: "kg"\nshare = round(100 * (part / whole), 4)'


@pytest.mark.parametrize(
    "text",
    [
        'part : "kg"  # of it\n\nwhole: "kg"\nshare = round(100.0 * (part / whole), 4, "half-even")',
        '    part: "kg"\n    whole: "kg"\n    share = round((1e2) * ((part) / (whole)), 4)',
        TEXT.replace("\n", "\r\n"),
    ],
)
def test_a_hash_covers_what_a_text_says_and_not_its_spelling(text):
    assert formula(text) == formula(TEXT)
    assert formula(formula(text).text) == formula(TEXT)


def test_a_hash_is_the_same_on_every_python():
    digest = "1ad69d361476665f4622daa85659250f907db99119fa9424dfed5169b2f646ae"
    assert formula(TEXT).formula_hash == f"sha256:{digest}"


@pytest.mark.parametrize(
    "other",
    [
        Formula("test.formula", "1.0.1", TEXT),
        Formula("test.other", "1.0.0", TEXT),
        Formula("test.formula", "1.0.0", TEXT.replace("4)", "5)")),
        Formula("test.formula", "1.0.0", TEXT.replace('"kg"', '"t"')),
        Formula("test.formula", "1.0.0", TEXT.replace("4)", '4, "down")')),
    ],
)
def test_name_version_units_and_rounding_count_in_a_hash(other):
    assert other.formula_hash != formula(TEXT).formula_hash


def test_a_formula_says_where_it_rounds():
    twice = formula(
        'a: "kg"\nb: "1"\nm: "g" = round(a * b, 2, "up")\nx: "kg" = round(m * round(b * 0.5, 1), 3)'
    )
    assert [(of.what, of.unit, of.places, of.mode) for of in twice.roundings] == [
        ("m", "g", 2, "up"),
        ("round(b * 0.5, 1)", "1", 1, "half-even"),
        ("x", "kg", 3, "half-even"),
    ]
