"""Columns, records and fractions give the same digits, whatever the formula and its operands."""

import decimal
import os
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from greenlang.carbon.formulas import Formula
from greenlang.carbon.formulas.evaluation import Failure, evaluate, rounded
from greenlang.carbon.formulas.language import parse_formula
from greenlang.carbon.formulas.planning import InRows, plan_program
from greenlang.errors import FormulaError
from greenlang_core.code_books import Gathered
from greenlang_core.decimals import CodeBook, DecimalColumn

LIMIT = 10**38 - 1
MODES = ["half-even", "half-up", "half-down", "up", "down", "ceiling", "floor", "05up"]

EXAMPLES = 10_000 if os.environ.get("GREENLANG_FUZZ") else 300

# ---- formulas and operands -----------------------------------------------------------------------------

BY_ROW, BY_CODE = ("a", "b", "c"), ("d", "e")

literals = st.sampled_from(["0", "1", "2", "7", "10", "0.001", "1e3", "3.785411784", "99999999999999999999"])
atoms = st.sampled_from(BY_ROW + BY_CODE) | literals
relations = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
places = st.integers(0, 20)
modes = st.sampled_from(MODES)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(atoms)

    def part() -> str:
        return draw(expressions(depth - 1))

    match draw(st.sampled_from(["+", "-", "*", "negative", "min", "max", "where", "*", "round", "round"])):
        case "negative":
            return f"-{part()}"
        case "min" | "max" as name:
            return f"{name}({part()}, {part()})"
        case "where":
            return f"where({part()} {draw(relations)} {part()}, {part()}, {part()})"
        case "round":
            return f'round({part()} {draw(st.sampled_from("*/"))} {part()}, {draw(places)}, "{draw(modes)}")'
        case sign:
            return f"({part()} {sign} {part()})"


boundaries = st.sampled_from([0, 1, 5, 2**63 - 1, 2**63, 2**64, 2**127 - 1, 10**18, 10**37, LIMIT])
sizes = st.sampled_from(
    [
        st.integers(-(10**7), 10**7),
        st.builds(
            lambda size, sign: max(-LIMIT, min(LIMIT, size * sign)), boundaries, st.sampled_from([1, -1])
        ),
        st.integers(-LIMIT, LIMIT),
    ]
)
numbers = st.one_of(
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**9),
    st.builds(lambda number, places: Decimal(f"{number}E-{places}"), st.integers(-(10**7), 10**7), places),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Formula, dict[str, DecimalColumn | Gathered], int]:
    """A formula that can be read, and operands of a few rows for it."""
    tail = draw(st.sampled_from(["", " / a", " / b", " * d", " / e"]))
    text = f'round({draw(expressions())}{tail}, {draw(places)}, "{draw(modes)}")'
    names = sorted(set(re.findall(r"\b[a-e]\b", text)))
    assume(any(name in BY_ROW for name in names))
    try:
        formula = Formula(
            "test", "1.0.0", "\n".join([*(f'{name}: "1"' for name in names), f"result = {text}"])
        )
    except FormulaError:
        assume(False)
    rows = draw(st.integers(1, 4))
    by_row = draw(sizes)
    columns = [np.array(draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows)), dtype=np.int32)] * 2
    if draw(st.booleans()):
        columns[1] = columns[0][::-1].copy()
    operands: dict[str, DecimalColumn | Gathered] = {}
    for name in names:
        if name in BY_ROW:
            integers = draw(st.lists(by_row, min_size=rows, max_size=rows))
            operands[name] = DecimalColumn.from_integers(integers, draw(st.integers(0, 38)))
        else:
            book = CodeBook(draw(st.lists(numbers, min_size=3, max_size=3)))
            operands[name] = book[columns[BY_CODE.index(name)]]
    return formula, operands, rows


def in_row(operand: DecimalColumn | Gathered, row: int) -> Decimal | int | Fraction:
    if isinstance(operand, DecimalColumn):
        return operand[row]
    return operand.book.numbers[memoryview(operand.codes)[row]]


def expected(formula: Formula, values: dict[str, Fraction]) -> Decimal | None:
    """By fractions alone; None where the formula has no result."""
    parsed = parse_formula(formula.text, name="test")
    found = evaluate(parsed.nodes, values)
    if isinstance(found, Failure) or abs(found * 10**parsed.places) > LIMIT:
        return None
    return Decimal(f"{int(found * 10**parsed.places)}E-{parsed.places}")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(cases())
def test_columns_and_records_give_what_fractions_give(case):
    formula, operands, rows = case
    note(formula.text)
    values = [{name: in_row(operand, row) for name, operand in operands.items()} for row in range(rows)]
    exact = [expected(formula, {name: Fraction(value) for name, value in of.items()}) for of in values]
    for of, result in zip(values, exact, strict=True):
        if result is None:
            with pytest.raises(FormulaError):
                formula.of_record(*of.values())
        else:
            found = formula.of_record(*of.values())
            assert (found, found.as_tuple().exponent) == (result, -formula.places)
    if None in exact:
        with pytest.raises(FormulaError, match=f"row {exact.index(None)}"):
            formula.of_columns(**operands)
    else:
        assert formula.of_columns(**operands).to_decimals() == exact


def never(row: int) -> int:
    raise AssertionError(f"row {row} left the compiled program")


@pytest.mark.parametrize("mode", MODES)
def test_the_compiled_program_itself_holds_256_bits(mode):
    """Products past the 128 bits of a chunk round as fractions do, and never come back to Python."""
    text = f'a: "1"\nb: "1"\nc: "1"\nd: "1"\nx = round((a * b + c * 7 - a) * 3 / d, 2, "{mode}")'
    parsed = parse_formula(text, name="test")
    scales = (9, 9, 9, 0)
    forms = {
        name: InRows(register, Fraction(1, 10 ** scales[register])) for register, name in enumerate("abcd")
    }
    program = plan_program(parsed.nodes, forms, scales, parsed.places)
    integers = [
        [10**30 + 7, -(10**30), 2**99 - 1, 1, -5],
        [10**30 - 1, 2**99, -(2**98), 5 * 10**25, 25],
        [10**37, -(10**30), 1, -(10**37), 5],
        [10**19 - 3, 10**19, -(10**19), 7, 8],
    ]
    columns = [DecimalColumn.from_integers(of, scale) for of, scale in zip(integers, scales, strict=True)]
    found = program.of_columns(columns, [], never).to_decimals()
    for row in range(5):
        values = {name: Fraction(column[row]) for name, column in zip("abcd", columns, strict=True)}
        assert found[row] == Decimal(f"{int(evaluate(parsed.nodes, values) * 100)}E-2")


@given(st.fractions(max_denominator=10**6), st.integers(0, 12), modes)
def test_rounding_of_fractions_is_that_of_decimals(value, digits, mode):
    """`decimal` has a quotient of 200 digits whose last one stands for all that follow."""
    word = f"ROUND_{mode.upper().replace('-', '_')}"
    context = decimal.Context(prec=200, rounding=decimal.ROUND_05UP)
    quotient = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    by_decimal = quotient.quantize(Decimal(1).scaleb(-digits), rounding=word, context=context)
    assert rounded(value, digits, word) == Fraction(by_decimal)


def test_many_rows_run_in_chunks_of_which_some_are_wide():
    formula = Formula("test", "1.0.0", 'a: "1"\nb: "1"\nx = round(where(b == 0, a, round(a / b, 9)) * a, 3)')
    random = np.random.default_rng(7)
    a, b = random.integers(-(10**9), 10**9, 5_000), random.integers(0, 40, 5_000)
    columns = {"a": DecimalColumn.from_integers(a, 4), "b": DecimalColumn.from_integers(b, 2)}
    columns["a"] = DecimalColumn.where(columns["b"].equal(1), 10**30, columns["a"])
    found = formula.of_columns(**columns)
    for row in range(0, 5_000, 7):
        assert found[row] == formula.of_record(columns["a"][row], columns["b"][row])
