"""Reads the text of a formula: arithmetic in Python's notation, with units.

A line declares an operand, or defines a name; the last one is the result::

    fuel: "L"
    density: "kg/L"                              # an operand and its unit; "1" for a plain number
    factor: "kg/t"
    burnt = fuel * density
    co2: "kg" = round(burnt * factor, 12)        # a definition, and the unit that it is given in

There are `+ - * /`, `min(…)`, `max(…)`, `round(x, places, mode)` and `where(x < y, then, otherwise)`. Units
are checked, and what converts is converted by its exact ratio. A quotient of two operands meets only products
until it is rounded, and the result has a number of places that the text alone decides. `unit`, as in
`"kg/unit"`, is whatever unit the operand so declared comes in, the same throughout the formula.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from textwrap import dedent

from greenlang.carbon.formulas.building import Nodes, Term
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
from greenlang.carbon.formulas.spelling import RELATIONS, spelled
from greenlang.carbon.units import DIMENSIONLESS, CompoundUnit, Unit, parse_compound_unit
from greenlang.errors import FormulaError, InputError, UnitMismatch, nearest
from greenlang.exact import MAX_DIGITS, ROUNDING_MODES, canonical_text, decimal_from_text

__all__ = ["ANY_UNIT", "Parsed", "RoundingPlace", "parse_formula", "unit_text"]

#: The unit of an operand that may come in any.
ANY_UNIT = Unit("unit", "any unit", Fraction(1))

#: Far more than any formula needs, and little enough to read in no time.
LONGEST_TEXT = 10_000

#: Names that mean something to those who run formulas.
RESERVED = frozenset({"min", "max", "round", "where", "out", "nulls", "units"})

_FUNCTIONS = ("min", "max", "round", "where")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?|\.[0-9]+(?:[eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class RoundingPlace:
    """Where a formula rounds, and how."""

    what: str  #: the name of the line, or the expression
    unit: str  #: that its places are of
    places: int
    mode: str  #: as the text writes it


@dataclass(frozen=True, slots=True)
class Parsed:
    """A formula that was read."""

    nodes: tuple[Node, ...]  #: the last is the result
    texts: tuple[str, ...]  #: what each node is called in messages
    operands: tuple[tuple[str, CompoundUnit], ...]  #: as declared
    result: str  #: the name of the last line
    unit: CompoundUnit  #: of the result
    places: int  #: after the point of the result
    roundings: tuple[RoundingPlace, ...]  #: in the order that they are computed
    text: str  #: in canonical spelling


def parse_formula(text: str, *, name: str) -> Parsed:
    """Read a formula; `name` is for messages.

    Raises
    ------
    FormulaError
        At the first mistake, with its line and column: broken syntax, what is not of the language, names that
        are unknown or not used, quotients that are not rounded, a result of no certain places.
    UnitError
        For a unit that is unknown or ambiguous, and where two do not go together.
    """
    if len(text) > LONGEST_TEXT:
        raise FormulaError(
            f"the text has {len(text):,} characters, {LONGEST_TEXT:,} is the most",
            fix="make several formulas of it",
            place=f"formula {name}",
        )
    text = dedent(text)
    try:
        return _Reader(text, name).read(_tree(text, name))
    except (RecursionError, MemoryError):  # how Python's own parser tells of nesting depends on its version
        raise FormulaError(
            "the text is nested too deeply", fix="give its parts lines of their own", place=f"formula {name}"
        ) from None


def _tree(text: str, name: str) -> ast.Module:
    if "\0" in text:
        raise FormulaError("the text holds a null character", fix="write plain text", place=f"formula {name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of what is refused right after
            return ast.parse(text)
    except SyntaxError as error:
        place = f"formula {name}, line {error.lineno}, column {error.offset}"
        raise FormulaError(f"the text cannot be read: {error.msg}", fix=_LINES, place=place) from None


_LINES = 'write lines such as `fuel: "L"` and `co2: "kg" = round(fuel * factor, 12)`'


class _Reader:
    """Reads line by line; every refusal says where."""

    def __init__(self, text: str, name: str) -> None:
        self._source = text
        self._name = name
        self._made = Nodes(name)
        self._names: dict[str, Term] = {}
        self._used: set[str] = set()
        self._operands: list[tuple[str, CompoundUnit]] = []
        self._lines: list[str] = []
        self._rounded_in: dict[int, str] = {}  #: the unit of each rounding, by its node

    def read(self, tree: ast.Module) -> Parsed:
        result = ""
        for statement in tree.body:
            result = self._line(statement)
        if not result or result in dict(self._operands):
            raise FormulaError(
                "the last line defines nothing",
                fix=f"end with the result; {_LINES}",
                place=f"formula {self._name}",
            )
        self._check_all_used(result)
        term = self._names[result]
        places = None if term.quotient else self._made.places(term.node)
        if places is None or places > MAX_DIGITS:
            raise self._refused(
                tree.body[-1],
                f"'{result}' has no certain number of places"
                if places is None
                else f"'{result}' has {places} places",
                f"end with a rounding to at most {MAX_DIGITS}: {result} = round(…, 12)",
            )
        kept = term.node + 1
        return Parsed(
            tuple(self._made.nodes[:kept]),
            tuple(self._made.texts[:kept]),
            tuple(self._operands),
            result,
            term.unit,
            places,
            tuple(self._rounding_places(kept)),
            "\n".join(self._lines),
        )

    def _rounding_places(self, kept: int) -> Iterator[RoundingPlace]:
        for position, node in enumerate(self._made.nodes[:kept]):
            if isinstance(node, Rounding):
                yield RoundingPlace(
                    self._made.texts[position], self._rounded_in[position], node.places, _mode_word(node.mode)
                )

    # ---- lines ---------------------------------------------------------------------------------------------

    def _line(self, statement: ast.stmt) -> str:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=written, value=None):
                self._new_name(statement, name)
                unit = self._unit(written)
                self._operands.append((name, unit))
                self._names[name] = Term(self._made.node(Given(name), name), unit)
                self._lines.append(f'{name}: "{unit_text(unit)}"')
            case ast.AnnAssign(target=ast.Name(id=name), annotation=written, value=ast.expr() as value):
                self._new_name(statement, name)
                unit = self._unit(written)
                self._names[name] = self._named(name, self._in_unit(value, unit))
                self._lines.append(f'{name}: "{unit_text(unit)}" = {spelled(value, self._number_text)}')
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._new_name(statement, name)
                self._names[name] = self._named(name, self._term(value))
                self._lines.append(f"{name} = {spelled(value, self._number_text)}")
            case _:
                raise self._refused(statement, "this is neither an operand nor a definition", _LINES)
        return name

    def _new_name(self, statement: ast.stmt, name: str) -> None:
        if name in self._names:
            raise self._refused(statement, f"'{name}' is defined already", "give it a name of its own")
        if name in RESERVED or name.startswith("_"):
            raise self._refused(statement, f"'{name}' cannot be a name", "choose another word")

    def _named(self, name: str, term: Term) -> Term:
        if not isinstance(self._made.nodes[term.node], Given):
            self._made.texts[term.node] = name
        return term

    def _check_all_used(self, result: str) -> None:
        unused = [name for name in self._names if name not in self._used and name != result]
        if unused:
            raise FormulaError(
                f"'{unused[0]}' is defined and not used",
                fix="use it or leave it out",
                place=f"formula {self._name}",
            )

    def _unit(self, written: ast.expr) -> CompoundUnit:
        if not isinstance(written, ast.Constant) or not isinstance(written.value, str):
            raise self._refused(written, "this is not a unit", 'write it in quotes, like "kg/L"')
        try:
            return parse_compound_unit(written.value, known={"unit": ANY_UNIT})
        except InputError as error:
            raise error.at(self._place(written)) from None

    def _in_unit(self, value: ast.expr, unit: CompoundUnit) -> Term:
        """What a line gives in its unit; the places of a rounding that stands alone are of that unit."""
        if _is_call(value, "round"):
            of, places, mode = self._rounding(value)
            converted = self._converted(self._term(of), unit, value)
            return Term(self._rounded(converted.node, places, mode, value, unit), unit)
        return self._converted(self._term(value), unit, value)

    # ---- expressions ---------------------------------------------------------------------------------------

    def _term(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant():
                return Term(self._made.node(Number(self._number(node)), self._text(node)), DIMENSIONLESS)
            case ast.Name(id=name):
                return self._named_before(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                term = self._term(operand)
                return self._made.times(term, Fraction(-1), self._text(node))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._term(operand)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
                kind = Sum if isinstance(operator, ast.Add) else Difference
                first, second = self._alike(node, [left, right])
                return Term(self._made.node(kind(first.node, second.node), self._text(node)), first.unit)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self._product(node, self._term(left), self._term(right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._quotient(node, self._term(left), self._term(right))
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=arguments, keywords=[]) if arguments:
                return self._extreme(node, name, self._alike(node, arguments))
            case ast.Call(
                func=ast.Name(id="where"), args=[ast.Compare() as condition, then, otherwise], keywords=[]
            ):
                return self._choice(node, condition, then, otherwise)
            case ast.Call(func=ast.Name(id="round")):
                of, places, mode = self._rounding(node)
                term = self._term(of)
                if term.unit.terms:
                    raise self._refused(
                        node,
                        f"this rounds a value in {term.unit} inside an expression",
                        f'round it on a line of its own that says its unit: x: "{term.unit}" = round(…)',
                    )
                rounded = self._rounded(term.node, places, mode, node, DIMENSIONLESS)
                return Term(rounded, DIMENSIONLESS)
        raise self._refused(
            node,
            f"`{self._text(node)}` is not of the language",
            f"there are + - * / and {', '.join(_FUNCTIONS)}",
        )

    def _named_before(self, node: ast.expr, name: str) -> Term:
        if name not in self._names:
            close = nearest(name, self._names)
            fix = f"did you mean {close[0]}?" if close else f'declare it in a line before: {name}: "kg"'
            raise self._refused(node, f"'{name}' is not defined", fix)
        self._used.add(name)
        return self._names[name]

    def _product(self, node: ast.expr, left: Term, right: Term) -> Term:
        unit, ratio = left.unit.times(right.unit)
        product = self._made.node(Product(left.node, right.node), self._text(node))
        return self._made.times(Term(product, unit, left.quotient or right.quotient), ratio, self._text(node))

    def _quotient(self, node: ast.expr, left: Term, right: Term) -> Term:
        unit, ratio = left.unit.times(right.unit, -1)
        divisor = self._made.nodes[right.node]
        if isinstance(divisor, Number):
            if not divisor.value:
                raise self._refused(node, "this divides by 0", "divide by something else")
            by_ratio = Term(left.node, unit, left.quotient)
            return self._made.times(by_ratio, ratio / divisor.value, self._text(node))
        if right.quotient:
            raise self._refused(
                node,
                "this divides by a quotient",
                "write x / (y / z) as x * z / y, or round the quotient first",
            )
        quotient = self._made.node(Quotient(left.node, right.node), self._text(node))
        return self._made.times(Term(quotient, unit, True), ratio, self._text(node))

    def _alike(self, node: ast.expr, parts: list[ast.expr]) -> list[Term]:
        """Terms that are added or compared: all in the unit of the first, and none an open quotient."""
        terms = [self._term(part) for part in parts]
        for term, part in zip(terms, parts, strict=True):
            if term.quotient:
                raise self._refused(
                    part,
                    f"`{self._text(part)}` is a quotient that is not rounded",
                    "round it first: + -, min, max and where take what has a number of places",
                )
        unit = next((term.unit for term in terms if not self._made.is_zero(term)), DIMENSIONLESS)
        return [
            Term(term.node, unit) if self._made.is_zero(term) else self._converted(term, unit, node)
            for term in terms
        ]

    def _extreme(self, node: ast.expr, name: str, terms: list[Term]) -> Term:
        relation = "<=" if name == "min" else ">="
        best = terms[0]
        for term in terms[1:]:
            choice = Choice(relation, best.node, term.node, best.node, term.node)
            best = Term(self._made.node(choice, self._text(node)), best.unit)
        return best

    def _choice(self, node: ast.expr, condition: ast.Compare, then: ast.expr, otherwise: ast.expr) -> Term:
        if len(condition.ops) != 1 or type(condition.ops[0]) not in RELATIONS:
            raise self._refused(
                condition,
                "this is not one comparison",
                f"compare two terms with one of {' '.join(RELATIONS.values())}",
            )
        left, right = self._alike(condition, [condition.left, *condition.comparators])
        chosen, other = self._alike(node, [then, otherwise])
        choice = Choice(RELATIONS[type(condition.ops[0])], left.node, right.node, chosen.node, other.node)
        return Term(self._made.node(choice, self._text(node)), chosen.unit)

    def _rounded(self, of: int, places: int, mode: str, node: ast.expr, unit: CompoundUnit) -> int:
        position = self._made.node(Rounding(of, places, mode), self._text(node))
        self._rounded_in[position] = unit_text(unit)
        return position

    def _rounding(self, node: ast.expr) -> tuple[ast.expr, int, str]:
        """What is rounded, to how many places, and in which of `decimal`'s modes."""
        match node:
            case ast.Call(args=[of, ast.Constant(value=int() as places), *mode], keywords=[]) if (
                not isinstance(places, bool) and len(mode) <= 1
            ):
                if places > MAX_DIGITS:
                    raise self._refused(node, f"{places} places are too many", f"give 0 to {MAX_DIGITS}")
                return of, places, self._mode(mode[0]) if mode else ROUND_HALF_EVEN
        raise self._refused(
            node,
            f"`{self._text(node)}` does not say its places",
            'write round(x, 12) or round(x, 12, "half-up")',
        )

    def _mode(self, node: ast.expr) -> str:
        words = [_mode_word(mode) for mode in sorted(ROUNDING_MODES)]
        if not isinstance(node, ast.Constant) or node.value not in words:
            raise self._refused(
                node, f"{self._text(node)} is no mode of rounding", f"write one of {', '.join(words)}"
            )
        return f"ROUND_{str(node.value).upper().replace('-', '_')}"

    def _converted(self, term: Term, unit: CompoundUnit, where: ast.expr) -> Term:
        try:
            return self._made.converted(term, unit)
        except UnitMismatch as error:
            raise error.at(self._place(where)) from None

    # ---- numbers and refusals -------------------------------------------------------------------------

    def _number(self, node: ast.Constant) -> Fraction:
        return Fraction(self._decimal(node))

    def _number_text(self, node: ast.Constant) -> str:
        return canonical_text(self._decimal(node))

    def _decimal(self, node: ast.Constant) -> Decimal:
        """A number with the digits of the text, of which Python's own reading has lost some."""
        text = self._text(node)
        if not _NUMBER.fullmatch(text):
            raise self._refused(
                node, f"`{text}` is not a number", "write digits and a decimal point, like 1234.5"
            )
        try:
            return decimal_from_text(text)
        except InputError as error:
            raise self._refused(node, error.message, error.fix) from None

    def _text(self, node: ast.expr) -> str:
        return " ".join((ast.get_source_segment(self._source, node) or "").split())

    def _place(self, node: ast.stmt | ast.expr) -> str:
        return f"formula {self._name}, line {node.lineno}, column {node.col_offset + 1}"

    def _refused(self, node: ast.stmt | ast.expr, message: str, fix: str) -> FormulaError:
        return FormulaError(message, fix=fix, place=self._place(node))


def unit_text(unit: CompoundUnit) -> str:
    """A unit as a formula writes it."""
    return str(unit) or "1"


def _mode_word(mode: str) -> str:
    return mode.removeprefix("ROUND_").lower().replace("_", "-")


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
