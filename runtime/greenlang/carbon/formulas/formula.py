"""A formula: data with a name, a version and a hash; columns and records get the same digits of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING

from greenlang.carbon.formulas.evaluation import Failure, evaluate
from greenlang.carbon.formulas.language import ANY_UNIT, parse_formula
from greenlang.carbon.formulas.planning import Coded, Form, InRows, plan_program
from greenlang.carbon.units import CompoundUnit, Unit, compound_ratio, parse_compound_unit
from greenlang.errors import FormulaError, InputError, QuantityError, clipped
from greenlang.exact import MAX_DIGITS, exact_number
from greenlang_core.code_books import Gathered
from greenlang_core.decimals import DecimalColumn
from greenlang_core.formulas import Program, RecordFormula

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["Formula", "Operand"]

#: A value for every row, one for every code of a row, or one for all rows.
Operand = DecimalColumn | Gathered | Decimal | int | Fraction

#: Far past what a column holds, and little enough to compute with in no time.
WIDEST_EXPONENT = 1_000

#: Programs that a formula keeps for operands it has seen.
KEPT_PROGRAMS = 256


class Formula:
    '''Arithmetic that was given a name; `greenlang.carbon.formulas.language` describes its text.

    Parameters
    ----------
    name, version : str
        Name it in a calculation record.
    text : str
        What it says.
    citation : str
        Publication and number of its equation.

    Raises
    ------
    FormulaError, UnitError
        For a text that is not a formula, with line and column.

    Examples
    --------
    >>> text = """
    ... charge: "kg"
    ... rate: "1"
    ... lost: "kg" = round(charge * rate, 3)
    ... """
    >>> Formula("acme.loss", "1.0.0", text).of_record(Decimal("12.5"), Decimal("0.0175"))
    Decimal('0.219')
    '''

    def __init__(self, name: str, version: str, text: str, *, citation: str = "") -> None:
        parsed = parse_formula(text, name=name)
        self.name = name
        self.version = version
        self.citation = citation
        #: In canonical spelling.
        self.text = parsed.text
        #: Units of the operands, in the order of their declarations.
        self.operands: Mapping[str, CompoundUnit] = dict(parsed.operands)
        self.result = parsed.result
        self.unit = parsed.unit
        #: Decimal places of the result.
        self.places = parsed.places
        self.roundings = parsed.roundings
        self._nodes = parsed.nodes
        self._texts = parsed.texts
        self._programs: dict[object, Program] = {}

    @cached_property
    def formula_hash(self) -> str:
        """`sha256:` and the digest of its name, version and text; the spelling of the text does not count."""
        text = "\n".join(("greenlang.formula/2", self.name, self.version, self.text))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.formula_hash == other.formula_hash if isinstance(other, Formula) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.formula_hash)

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return partial(Formula, self.name, self.version, self.text, citation=self.citation), ()

    def __repr__(self) -> str:
        return f"Formula({self.name!r}, {self.version!r})"

    # ---- computing -----------------------------------------------------------------------------------------

    @cached_property
    def of_record(self) -> RecordFormula:
        """The result for one record: takes the operands in order, in their declared units.

        Raises
        ------
        FormulaError
            For an operand that is null or not exact, a division by zero, a result of more than 38 digits.
        """
        return RecordFormula(tuple(self.operands), self._program_of_records, self._of_values)

    def of_columns(
        self,
        *,
        out: DecimalColumn | None = None,
        nulls: bool = False,
        units: Mapping[str, str | CompoundUnit] | None = None,
        **operands: Operand,
    ) -> DecimalColumn:
        """The results for columns: row i is `of_record` of the values of row i, digit for digit.

        Parameters
        ----------
        out : DecimalColumn, optional
            A column to write over: its memory is used again.
        nulls : bool
            Whether a row with a null operand is a null of the result; else it is refused.
        units : mapping, optional
            Of operands that come in other units than declared; they are converted by exact ratios.
        **operands : DecimalColumn, gathered numbers, Decimal, int or Fraction
            By name. Numbers that rows share are best given as `CodeBook(numbers)[codes]`: what depends on
            one column of codes alone is computed once a code.

        Raises
        ------
        FormulaError
            As `of_record`, with the first such row.
        UnitMismatch
            For units that do not convert to the declared ones.
        """
        self._check_operands(operands)
        ratios = self._ratios(units or {})
        columns = {name: value for name, value in operands.items() if isinstance(value, DecimalColumn)}
        codes = _code_columns(operands)
        self._check_rows(operands, columns, nulls=nulls)
        program = self._program(operands, ratios, list(columns), codes)
        exact = partial(self._of_row, operands, ratios)
        return program.of_columns(list(columns.values()), codes, exact, out=out)

    # ---- programs ------------------------------------------------------------------------------------------

    def _program_of_records(self, scales: tuple[int, ...]) -> Program:
        forms: dict[str, Form] = {
            name: InRows(register, Fraction(1, 10**scale))
            for register, (name, scale) in enumerate(zip(self.operands, scales, strict=True))
        }
        return plan_program(self._nodes, forms, scales, self.places)

    def _program(
        self,
        operands: Mapping[str, Operand],
        ratios: Mapping[str, Fraction],
        columns: Sequence[str],
        codes: Sequence[Buffer],
    ) -> Program:
        """A program for such operands; the last ones are kept, as books of numbers serve many columns."""
        key = tuple((name, _kind(value, codes), ratios.get(name, 1)) for name, value in operands.items())
        program = self._programs.get(key)
        if program is None:
            forms = {
                name: _form(value, ratios.get(name, Fraction(1)), name, columns, codes)
                for name, value in operands.items()
            }
            scales = [value.scale for value in operands.values() if isinstance(value, DecimalColumn)]
            program = plan_program(self._nodes, _of_equal_length(forms), scales, self.places)
            if len(self._programs) == KEPT_PROGRAMS:
                self._programs.clear()
            self._programs[key] = program
        return program

    # ---- operands ------------------------------------------------------------------------------------------

    def _check_operands(self, operands: Mapping[str, object]) -> None:
        missing = [name for name in self.operands if name not in operands]
        unknown = [name for name in operands if name not in self.operands]
        if missing or unknown:
            raise FormulaError(
                f"'{unknown[0]}' is no operand" if unknown else f"operand '{missing[0]}' is not given",
                fix=f"the operands are {', '.join(self.operands)}",
                place=f"formula {self.name}",
            )
        for name, value in operands.items():
            if not isinstance(value, DecimalColumn | Gathered):
                self._number(name, value)

    def _check_rows(
        self, operands: Mapping[str, Operand], columns: Mapping[str, DecimalColumn], *, nulls: bool
    ) -> None:
        lengths = {
            name: len(value)
            for name, value in operands.items()
            if isinstance(value, DecimalColumn | Gathered)
        }
        if len(set(lengths.values())) != 1:
            given = (
                ", ".join(f"{name} has {rows:,} rows" for name, rows in lengths.items()) or "all are numbers"
            )
            raise FormulaError(
                f"the operands do not make rows: {given}",
                fix="give columns of one length, or use of_record",
                place=f"formula {self.name}",
            )
        for name, column in columns.items():
            if column.null_count and not nulls:
                raise self._null(name, column.is_null().to_list().index(True))

    def _ratios(self, units: Mapping[str, str | CompoundUnit]) -> dict[str, Fraction]:
        """What operands in other units are multiplied by; `unit` is that of the operand declared in it."""
        self._check_units(units)
        given = {
            name: parse_compound_unit(unit) if isinstance(unit, str) else unit for name, unit in units.items()
        }
        any_unit = CompoundUnit(((ANY_UNIT, 1),))
        meant = next(
            (given[name] for name, unit in self.operands.items() if unit == any_unit and name in given), None
        )
        ratios = {}
        for name, unit in given.items():
            declared = self.operands[name]
            wanted = declared if meant is None else _put_in(declared, meant)
            try:
                ratios[name] = compound_ratio(unit, wanted)
            except InputError as error:
                raise error.at(f"formula {self.name}, operand '{name}'") from None
        return ratios

    def _check_units(self, units: Mapping[str, object]) -> None:
        for name in units:
            if name not in self.operands:
                raise FormulaError(
                    f"a unit is given for '{name}', which is no operand",
                    fix=f"the operands are {', '.join(self.operands)}",
                    place=f"formula {self.name}",
                )

    def _number(self, name: str, value: object) -> Fraction:
        if value is None:
            raise self._null(name, None)
        try:
            number = exact_number(value)
            if isinstance(number, Decimal) and number and abs(number.adjusted()) > WIDEST_EXPONENT:
                raise QuantityError(f"{number} is out of range", fix="give a number of a more usual size")
            return Fraction(number)
        except InputError as error:
            raise FormulaError(
                error.message, fix=error.fix, place=f"formula {self.name}, operand '{name}'"
            ) from None

    # ---- single rows, exactly ------------------------------------------------------------------------------

    def _of_values(self, values: tuple[object, ...]) -> Decimal:
        numbers = {name: self._number(name, value) for name, value in zip(self.operands, values, strict=True)}
        unscaled = self._unscaled(numbers, None)
        # From text, because Decimal's arithmetic would look at the caller's context.
        return Decimal(f"{unscaled}E-{self.places}")

    def _of_row(self, operands: Mapping[str, Operand], ratios: Mapping[str, Fraction], row: int) -> int:
        numbers = {
            name: self._in_row(name, value, row) * ratios.get(name, 1) for name, value in operands.items()
        }
        return self._unscaled(numbers, row)

    def _in_row(self, name: str, value: Operand, row: int) -> Fraction:
        if isinstance(value, DecimalColumn):
            return Fraction(value[row])
        if not isinstance(value, Gathered):
            return Fraction(value)
        code = memoryview(value.codes)[row]
        if not 0 <= code < len(value.book):
            raise FormulaError(
                f"operand '{name}' has code {code}, which is outside its {len(value.book)} numbers",
                fix="numbers are counted from 0",
                place=self._place(row),
            )
        return Fraction(value.book.numbers[code])

    def _unscaled(self, numbers: Mapping[str, Fraction], row: int | None) -> int:
        found = evaluate(self._nodes, numbers)
        if isinstance(found, Failure):
            raise self._failure(found, numbers, row)
        unscaled = int(found * 10**self.places)
        if abs(unscaled) >= 10**MAX_DIGITS:
            raise FormulaError(
                f"'{self.result}' needs more than {MAX_DIGITS} digits at {self.places} places, "
                f"with {_shown(numbers)}",
                fix="use a larger unit, or round to fewer places",
                place=self._place(row),
            )
        return unscaled

    def _failure(self, failure: Failure, numbers: Mapping[str, Fraction], row: int | None) -> FormulaError:
        return FormulaError(
            f"this divides by '{self._texts[failure.node]}', which is 0, with {_shown(numbers)}",
            fix="leave out or replace what is 0, or say with where(…) what then holds",
            place=self._place(row),
        )

    def _null(self, name: str, row: int | None) -> FormulaError:
        return FormulaError(
            f"operand '{name}' is null",
            fix="fill it, leave it out, or let it make a null with nulls=True"
            if row is not None
            else "give a number",
            place=self._place(row),
        )

    def _place(self, row: int | None) -> str:
        return f"formula {self.name}" + ("" if row is None else f", row {row}")


def _put_in(declared: CompoundUnit, meant: CompoundUnit) -> CompoundUnit:
    """A declared unit with the one that is meant in place of any unit."""
    terms: list[tuple[Unit, int]] = []
    for unit, power in declared.terms:
        terms += [(one, of * power) for one, of in meant.terms] if unit == ANY_UNIT else [(unit, power)]
    return CompoundUnit(tuple(terms))


def _code_columns(operands: Mapping[str, Operand]) -> list[Buffer]:
    """The columns of codes, each once."""
    found: list[Buffer] = []
    for value in operands.values():
        if isinstance(value, Gathered) and not any(value.codes is codes for codes in found):
            found.append(value.codes)
    return found


def _position(value: Gathered, codes: Sequence[Buffer]) -> int:
    return next(position for position, one in enumerate(codes) if one is value.codes)


def _kind(value: Operand, codes: Sequence[Buffer]) -> object:
    """What of an operand a program depends on."""
    if isinstance(value, DecimalColumn):
        return "rows", value.scale
    if isinstance(value, Gathered):
        return value.book, _position(value, codes)
    return Fraction(value)


def _form(
    value: Operand, ratio: Fraction, name: str, columns: Sequence[str], codes: Sequence[Buffer]
) -> Form:
    if isinstance(value, DecimalColumn):
        return InRows(columns.index(name), ratio / 10**value.scale)
    if isinstance(value, Gathered):
        return Coded(
            _position(value, codes), tuple(Fraction(number) * ratio for number in value.book.numbers)
        )
    return Fraction(value) * ratio


def _of_equal_length(forms: Mapping[str, Form]) -> dict[str, Form]:
    """The same, with as many numbers in all books of one column of codes; a missing one has no value."""
    longest: dict[int, int] = {}
    for form in forms.values():
        if isinstance(form, Coded):
            longest[form.codes] = max(longest.get(form.codes, 0), len(form.numbers))
    return {
        name: Coded(form.codes, form.numbers + (None,) * (longest[form.codes] - len(form.numbers)))
        if isinstance(form, Coded)
        else form
        for name, form in forms.items()
    }


def _shown(numbers: Mapping[str, Fraction]) -> str:
    """Values of operands, for a message."""
    return ", ".join(f"{name} = {clipped(str(number))}" for name, number in numbers.items())
