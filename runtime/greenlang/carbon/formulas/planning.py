"""Plans a formula for its operands: which integers are computed in which steps.

A value is kept as integers, by row or by code, times one exact ratio, which takes in scales, units and
constants alike; so products cost no alignment, and only sums and comparisons bring their sides to a common
ratio. What depends on one column of codes alone is computed here once for each code, not for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import (
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
)
from fractions import Fraction
from math import gcd, lcm

from greenlang.carbon.formulas.evaluation import Failure, evaluate
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
from greenlang_core.formulas import Program

__all__ = ["Coded", "Form", "InRows", "plan_program"]

Ratio = tuple[int, int]

#: Kind, registers, exponents, detail, mode, table, codes: see `greenlang_core.formulas.Program`.
Step = tuple[int, tuple[int, ...], tuple[int, ...], int, int, int, int]

#: Digits that a register of a program holds; longer constants are left to Python, row by row.
REGISTER_DIGITS = 38

#: A ratio that no machine integers hold, for what cannot be computed: it leaves its rows to Python.
BEYOND_RATIO = (1, 1 << 200)

# As in formula_steps.pxd.
TAKE, ADD, SUBTRACT, MULTIPLY, CHOOSE, ROUND, DIVIDE = range(7)

#: Sets of bits: 1 for less, 2 for equal, 4 for greater.
RELATIONS = {"<": 1, "<=": 3, ">": 4, ">=": 6, "==": 2, "!=": 5}

#: In the order of wide.h.
MODES = (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_HALF_DOWN,
    ROUND_UP,
    ROUND_DOWN,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_05UP,
)


@dataclass(frozen=True, slots=True)
class InRows:
    """An operand with a value for every row: the integer in its register times `unit`."""

    register: int
    unit: Fraction


@dataclass(frozen=True, slots=True)
class Coded:
    """An operand that rows look up by a column of codes; None for an entry that cannot be computed."""

    codes: int  #: which column of codes
    numbers: tuple[Fraction | None, ...]


#: What an operand is: by row, by code, or one number for all rows.
Form = InRows | Coded | Fraction


@dataclass(frozen=True, slots=True)
class _Value:
    """`constant` times rows times numbers by code over divisors; None stands for 1."""

    constant: Fraction
    rows: int | None = None  #: a register
    coded: Coded | None = None
    divisor: int | None = None  #: a register


def plan_program(
    nodes: Sequence[Node], forms: Mapping[str, Form], scales: Sequence[int], places: int
) -> Program:
    """A program for operands of these forms.

    Parameters
    ----------
    nodes : sequence of Node
        The formula; its last node is the result.
    forms : mapping
        What each operand is.
    scales : sequence of int
        Of the operands in rows, by register.
    places : int
        Of the result.
    """
    planner = _Planner(len(scales))
    values: list[_Value] = []
    for node in nodes:
        values.append(planner.value(node, values, forms))
    planner.give(values[-1], Fraction(1, 10**places))
    return Program(scales, planner.constants, planner.finished_steps(), planner.tables, places)


class _Planner:
    """Emits steps, each once. Registers of constants are negative until all are known."""

    def __init__(self, operands: int) -> None:
        self.operands = operands
        self.constants: list[int] = []
        self.tables: list[Sequence[int | None] | Sequence[Ratio]] = []
        self.steps: list[Step] = []
        self._emitted: dict[object, int] = {}

    def finished_steps(self) -> list[Step]:
        """The steps, with constants in the registers after the operands."""
        return [
            (
                kind,
                tuple(self._final(register) for register in registers),
                exponents,
                detail,
                mode,
                table,
                codes,
            )
            for kind, registers, exponents, detail, mode, table, codes in self.steps
        ]

    def _final(self, register: int) -> int:
        if register < 0:
            return self.operands - register - 1
        return register if register < self.operands else register + len(self.constants)

    # ---- values --------------------------------------------------------------------------------------------

    def value(self, node: Node, values: Sequence[_Value], forms: Mapping[str, Form]) -> _Value:
        match node:
            case Number(number):
                return _Value(number)
            case Given(name):
                return _given(forms[name])
            case Product(left, right):
                return self._by_code(node, values) or self._product(values[left], values[right])
            case Quotient(left, right):
                return self._by_code(node, values) or self._quotient(values[left], values[right])
            case Sum(left, right):
                return self._by_code(node, values) or self._sum(ADD, values[left], values[right])
            case Difference(left, right):
                return self._by_code(node, values) or self._sum(SUBTRACT, values[left], values[right])
            case Choice():
                return self._by_code(node, values) or self._choice(node, values)
            case Rounding(of):
                return self._by_code(node, values) or self._rounding(values[of], node.places, node.mode)

    def _by_code(self, node: Node, values: Sequence[_Value]) -> _Value | None:
        """The value of a node for each code, or once, where nothing in it differs by row."""
        of = [values[position] for position in _arguments(node)]
        columns = {value.coded.codes for value in of if value.coded is not None}
        if len(columns) > 1 or any(value.rows is not None or value.divisor is not None for value in of):
            return None
        entries = max((len(value.coded.numbers) for value in of if value.coded is not None), default=1)
        numbers = tuple(_of_entry(node, of, entry) for entry in range(entries))
        if columns:
            return _Value(Fraction(1), coded=Coded(columns.pop(), numbers))
        # A constant that fails is left to the rows: only where one depends on it is it a mistake.
        return _Value(Fraction(1), rows=self._failing()) if numbers[0] is None else _Value(numbers[0])

    def _product(self, left: _Value, right: _Value) -> _Value:
        if left.coded is not None and right.coded is not None and left.coded.codes != right.coded.codes:
            right = self._taken(right)
        coded = _times(left.coded, right.coded)
        return _Value(
            left.constant * right.constant,
            self._multiplied(left.rows, right.rows),
            coded,
            self._multiplied(left.divisor, right.divisor),
        )

    def _quotient(self, left: _Value, right: _Value) -> _Value:
        if right.rows is None and right.coded is None:
            if not right.constant:
                return _Value(Fraction(1), rows=self._failing())
            return replace(left, constant=left.constant / right.constant)
        if right.coded is not None and right.rows is None:
            inverse = tuple(1 / number if number else None for number in right.coded.numbers)
            constant = 1 / right.constant if right.constant else None
            if constant is None:
                return _Value(Fraction(1), rows=self._failing())
            return self._product(left, _Value(constant, coded=Coded(right.coded.codes, inverse)))
        if not right.constant:
            return _Value(Fraction(1), rows=self._failing())
        right = self._taken(right)
        return self._product(left, _Value(1 / right.constant, divisor=right.rows))

    def _sum(self, kind: int, left: _Value, right: _Value) -> _Value:
        unit, (a, b), exponents = self._aligned(left, right)
        return _Value(unit, self._step(kind, (a, b), exponents))

    def _choice(self, node: Choice, values: Sequence[_Value]) -> _Value:
        _, compared, compared_exponents = self._aligned(values[node.left], values[node.right])
        unit, chosen, exponents = self._aligned(values[node.then], values[node.otherwise])
        relation = RELATIONS[node.relation]
        step = self._step(CHOOSE, compared + chosen, compared_exponents + exponents, detail=relation)
        return _Value(unit, step)

    def _rounding(self, value: _Value, places: int, mode: str) -> _Value:
        """One step: a ratio for all rows or for each code, or a quotient of two registers."""
        ratio = value.constant * 10**places
        number = MODES.index(mode)
        if value.divisor is None:
            numbers = (Fraction(1),) if value.coded is None else value.coded.numbers
            ratios = [BEYOND_RATIO if of is None else (of * ratio).as_integer_ratio() for of in numbers]
            table = self._table(ratios)
            codes = -1 if value.coded is None else value.coded.codes
            rows = self._in_rows(value.rows)
            step = self._step(ROUND, (rows,), (0,), mode=number, table=table, codes=codes)
        else:
            taken = self._taken(value)
            ratio = taken.constant * 10**places
            over, over_tens = _without_tens(ratio.numerator)
            under, under_tens = _without_tens(ratio.denominator)
            if abs(over_tens - under_tens) > REGISTER_DIGITS:
                (over, over_tens), (under, under_tens) = (ratio.numerator, 0), (ratio.denominator, 0)
            left = self._in_rows(self._multiplied(taken.rows, None if over == 1 else self._constant(over)))
            right = self._multiplied(value.divisor, None if under == 1 else self._constant(under))
            step = self._step(
                DIVIDE, (left, self._in_rows(right)), (0, 0), detail=over_tens - under_tens, mode=number
            )
        return _Value(Fraction(1, 10**places), step)

    def give(self, value: _Value, unit: Fraction) -> None:
        """Make the last step the one that gives the result, in integers of `unit`."""
        taken = self._taken(value)
        register, exponent = self._scaled(taken, unit)
        last = self.operands + len(self.steps) - 1
        if exponent or register != last or not self.steps:
            power = self._constant(10**exponent)
            self.steps.append((MULTIPLY, (register, power), (0, 0), 0, 0, 0, -1))

    # ---- integers ------------------------------------------------------------------------------------------

    def _taken(self, value: _Value) -> _Value:
        """The same value with its numbers by code looked up into rows."""
        if value.coded is None:
            return value
        numbers = [number for number in value.coded.numbers if number is not None]
        below = lcm(*(number.denominator for number in numbers))
        above = gcd(*(number.numerator * (below // number.denominator) for number in numbers)) or 1
        unit = Fraction(above, below)
        table = self._table([None if one is None else int(one / unit) for one in value.coded.numbers])
        looked_up = self._step(TAKE, (), (), table=table, codes=value.coded.codes)
        return replace(
            value, constant=value.constant * unit, rows=self._multiplied(value.rows, looked_up), coded=None
        )

    def _aligned(self, left: _Value, right: _Value) -> tuple[Fraction, tuple[int, int], tuple[int, int]]:
        """Both as integers of one unit: the unit, their registers and the powers of ten that are missing."""
        left, right = self._taken(left), self._taken(right)
        unit = _common_unit(left.constant, right.constant)
        (a, up_a), (b, up_b) = self._scaled(left, unit), self._scaled(right, unit)
        return unit, (a, b), (up_a, up_b)

    def _scaled(self, value: _Value, unit: Fraction) -> tuple[int, int]:
        """A register and an exponent of ten, which make the integers of a value whose unit is `unit`."""
        times = int(value.constant / unit)
        if value.rows is None:
            return self._constant(times), 0
        factor, tens = _without_tens(times)
        if factor == 1 and tens <= REGISTER_DIGITS:
            return value.rows, tens
        return self._in_rows(self._multiplied(value.rows, self._constant(times))), 0

    def _multiplied(self, left: int | None, right: int | None) -> int | None:
        if left is None or right is None:
            return right if left is None else left
        return self._step(MULTIPLY, (left, right), (0, 0))

    def _in_rows(self, register: int | None) -> int:
        """A register with an integer for every row: constants, and 1 for None, are written out."""
        if register is not None and register >= 0:
            return register
        entry = 1 if register is None else self.constants[-register - 1]
        return self._step(TAKE, (), (), table=self._table([entry]))

    def _constant(self, integer: int) -> int:
        """A register of a constant; of a step where it is too long for one."""
        if abs(integer) >= 10**REGISTER_DIGITS:
            return self._step(TAKE, (), (), table=self._table([None]))
        if integer not in self.constants:
            self.constants.append(integer)
        return -self.constants.index(integer) - 1

    def _failing(self) -> int:
        return self._step(TAKE, (), (), table=self._table([None]))

    def _table(self, entries: Sequence[int | None] | Sequence[Ratio]) -> int:
        if entries not in self.tables:
            self.tables.append(entries)
        return self.tables.index(entries)

    def _step(
        self,
        kind: int,
        registers: tuple[int, ...],
        exponents: tuple[int, ...],
        *,
        detail: int = 0,
        mode: int = 0,
        table: int = 0,
        codes: int = -1,
    ) -> int:
        step = (kind, registers, exponents, detail, mode, table, codes)
        if step not in self._emitted:
            self._emitted[step] = self.operands + len(self.steps)
            self.steps.append(step)
        return self._emitted[step]


def _given(form: Form) -> _Value:
    if isinstance(form, InRows):
        return _Value(form.unit, form.register)
    if isinstance(form, Coded):
        return _Value(Fraction(1), coded=form)
    return _Value(form)


def _arguments(node: Node) -> tuple[int, ...]:
    match node:
        case Choice(_, left, right, then, otherwise):
            return left, right, then, otherwise
        case Rounding(of):
            return (of,)
        case Sum(left, right) | Difference(left, right) | Product(left, right) | Quotient(left, right):
            return left, right
    return ()


def _of_entry(node: Node, arguments: Sequence[_Value], entry: int) -> Fraction | None:
    """A node's value for one code, None if it has none."""
    names = [str(position) for position in range(len(arguments))]
    operands = {name: _entry_of(value, entry) for name, value in zip(names, arguments, strict=True)}
    nodes = [*map(Given, names), _reordered(node)]
    found = evaluate(nodes, operands)
    return None if isinstance(found, Failure) else found


def _entry_of(value: _Value, entry: int) -> Fraction | None:
    if value.coded is None:
        return value.constant
    number = value.coded.numbers[entry]
    return None if number is None else value.constant * number


def _reordered(node: Node) -> Node:
    """The same node over the first positions."""
    match node:
        case Choice(relation):
            return Choice(relation, 0, 1, 2, 3)
        case Rounding(_, places, mode):
            return Rounding(0, places, mode)
        case Sum() | Difference() | Product() | Quotient():
            return replace(node, left=0, right=1)
    return node


def _times(left: Coded | None, right: Coded | None) -> Coded | None:
    if left is None or right is None:
        return right if left is None else left
    pairs = zip(left.numbers, right.numbers, strict=True)
    return Coded(left.codes, tuple(None if a is None or b is None else a * b for a, b in pairs))


def _common_unit(left: Fraction, right: Fraction) -> Fraction:
    """The largest ratio that both are whole multiples of."""
    below = lcm(left.denominator, right.denominator)
    above = gcd(left.numerator * (below // left.denominator), right.numerator * (below // right.denominator))
    return Fraction(above or 1, below)


def _without_tens(integer: int) -> tuple[int, int]:
    """An integer as another times a power of ten."""
    tens = 0
    while integer and integer % 10 == 0:
        integer //= 10
        tens += 1
    return integer, tens
