"""Activity data: a table whose cells have been read as quantities, units, periods and regions.

Columns: `id`, `period`, `activity`, `quantity` and `unit`; where they are known `site`, `region`,
`method`, `tags` and `uncertainty`.  Every mistake in them is found in one pass and told with its row and
column; under `on_error="skip"` the rows without one go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from greenlang.agents.resource import Resource
from greenlang.carbon.factors import FactorSet, load_factors
from greenlang.carbon.percentages import share_of
from greenlang.carbon.periods import Period, parse_period
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.regions import region_path
from greenlang.carbon.tables import StringColumn, Table, combine_codes
from greenlang.carbon.tags import parse_tags
from greenlang.carbon.units import Unit, parse_unit
from greenlang.errors import DataError, FactorError, InputError, Problem, UnitError
from greenlang.exact import MAX_DIGITS, decimal_from_text
from greenlang_core.decimals import DecimalColumn, DecimalTextError

__all__ = [
    "QUANTITY_PLACES",
    "REQUIRED_COLUMNS",
    "ActivityData",
    "InventoryInput",
    "SkippedRow",
    "read_activity_data",
    "read_quantities",
]

#: Decimal places of the quantity column. The schema fixes them, so that every file and every part
#: of a file has the same scale; a quantity with more is refused, never rounded.
QUANTITY_PLACES = 18

REQUIRED_COLUMNS = ("id", "period", "activity", "quantity", "unit")
OPTIONAL = ("site", "region", "method", "tags", "uncertainty")

#: A row's index in the table and what is wrong with it; a row may have several.
RowProblem = tuple[int, Problem]

#: What is wrong with a cell and what would mend it; an exception would keep its frames in memory, and a
#: file may have a million wrong cells.
Mistake = tuple[str, str]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InventoryInput:
    """What an inventory is made from: a table, the choices it is made under, the user's own factors."""

    table: Table
    policy: AccountingPolicy = field(default_factory=AccountingPolicy)
    factor_files: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that took no part, and one reason why."""

    row: int  #: index in the table
    id: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class ActivityData:
    """Activity data by column; all columns have one entry a row of `table`.

    Rows that are not `usable` are listed in `skipped`, and what stands in their columns means nothing.
    """

    table: Table
    policy: AccountingPolicy
    own_factors: tuple[FactorSet, ...]  #: the user's, first of the cascade
    id: StringColumn
    period: StringColumn
    site: StringColumn
    activity: StringColumn
    unit: StringColumn
    region: StringColumn
    method: StringColumn
    tags: StringColumn
    quantity: DecimalColumn  #: at `QUANTITY_PLACES`, in the row's unit
    periods: tuple[Period | None, ...]  #: by code of `period`
    regions: tuple[tuple[str, ...], ...]  #: by code of `region`: the region and those around it
    uncertainty: StringColumn
    uncertainties: tuple[Fraction | None, ...]  #: by code of `uncertainty`: of the quantity, as a share of it
    units: Mapping[tuple[int, int], Unit]  #: by code of `unit` and of `region`
    usable: npt.NDArray[np.bool_]
    skipped: tuple[SkippedRow, ...] = ()
    #: Keys of tags that agents have looked for: what is nearly one of them is misspelt.
    tag_keys: set[str] = field(default_factory=set, compare=False)

    def __len__(self) -> int:
        return len(self.id)

    def problem(self, row: int, column: str, message: str, fix: str = "") -> Problem:
        """Something wrong with one row, for people."""
        return self.table.problem(row, column, message, fix)

    def without(self, problems: Iterable[RowProblem]) -> ActivityData:
        """The same data with more rows skipped.

        Raises
        ------
        DataError
            Under `on_error="stop"`, where there are any.
        """
        found = sorted(problems, key=lambda found: found[0])
        if not found:
            return self
        if self.policy.on_error == "stop":
            # Rows that were made of one row of the file may share its mistakes.
            raise DataError(self.table.name, dict.fromkeys(problem for _, problem in found))
        usable = self.usable.copy()
        usable[[row for row, _ in found]] = False
        skipped = [SkippedRow(row, self.id[row], problem) for row, problem in found]
        return replace(
            self, usable=usable, skipped=tuple(sorted([*self.skipped, *skipped], key=lambda skip: skip.row))
        )


def read_activity_data(given: InventoryInput) -> ActivityData:
    """Read the cells of a table as activity data.

    Raises
    ------
    DataError
        For missing columns; for rows with a mistake, unless the policy skips them.
    """
    table, policy = given.table, given.policy
    table.require(REQUIRED_COLUMNS)
    reader = _Reader(table)
    ids = reader.identities()
    period = reader.cells("period")
    region = reader.cells("region")
    unit = reader.cells("unit")
    tags = reader.cells("tags")
    reader.meanings("tags", tags, parse_tags)
    uncertainty = reader.cells("uncertainty")
    data = ActivityData(
        table=table,
        policy=policy,
        own_factors=tuple(load_factors(file.text, file=file.name) for file in given.factor_files),
        id=ids,
        period=period,
        site=reader.cells("site"),
        activity=reader.named("activity"),
        unit=unit,
        region=region,
        method=reader.cells("method"),
        tags=tags,
        quantity=reader.quantities(),
        periods=tuple(reader.meanings("period", period, parse_period)),
        regions=tuple(path or () for path in reader.meanings("region", region, region_path)),
        uncertainty=uncertainty,
        uncertainties=tuple(reader.meanings("uncertainty", uncertainty, share_of)),
        units=reader.units(unit, region),
        usable=np.ones(len(table), dtype=np.bool_),
    )
    return data.without(reader.problems)


def read_quantities(column: StringColumn) -> tuple[DecimalColumn, dict[int, Mistake]]:
    """Read a column of numbers at `QUANTITY_PLACES`.

    Returns
    -------
    tuple
        The column, zero where a cell is no number, and what is wrong with such a cell, by its code.
    """
    try:
        numbers = DecimalColumn.from_strings(column.values, QUANTITY_PLACES)
    except DecimalTextError:
        numbers, errors = _read_each(column.values)
    else:
        errors = {}
    # Texts that are all different are coded in the order of their rows.
    return numbers if len(numbers) == len(column) else numbers.take(column.codes), errors


def _read_each(texts: Sequence[str]) -> tuple[DecimalColumn, dict[int, Mistake]]:
    """Read text by text, which takes longer and finds every mistake."""
    readable, errors = list(texts), {}
    for code, text in enumerate(texts):
        try:
            DecimalColumn.from_strings([text], QUANTITY_PLACES)
        except DecimalTextError:
            errors[code] = _why_no_quantity(text)
            readable[code] = "0"
    return DecimalColumn.from_strings(readable, QUANTITY_PLACES), errors


def _why_no_quantity(text: str) -> Mistake:
    try:
        decimal_from_text(text)
    except InputError as error:
        return error.message, error.fix
    before = MAX_DIGITS - QUANTITY_PLACES
    message = f"'{text}' has more than {before} digits before the point or {QUANTITY_PLACES} after it"
    return message, "write it in a larger unit, or round it where it is measured"


class _Reader:
    """Reads columns of a table and keeps every problem of every row."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.problems: list[RowProblem] = list(table.malformed.items())

    def cells(self, name: str) -> StringColumn:
        """A column without surrounding white space; empty cells where the table has no such column."""
        if name not in self._table.columns:
            return StringColumn.constant("", len(self._table))
        return self._table.columns[name].stripped()

    def named(self, name: str) -> StringColumn:
        """A column whose cells must not be empty."""
        column = self.cells(name)
        if "" in column.values:
            self._refuse(name, column, {column.values.index(""): ("the cell is empty", f"write the {name}")})
        return column

    def identities(self) -> StringColumn:
        """The `id` column, each id once."""
        column = self.named("id")
        # Rows whose id another has already, and the number of that one.
        repeated = dict(self._table.repeated)
        if len(column.values) < len(column):
            first_rows: dict[int, int] = {}
            for row, code in enumerate(column.codes.tolist()):
                first = first_rows.setdefault(code, row)
                if first != row and column.values[code]:
                    repeated.setdefault(row, self._table.line(first))
        for row in sorted(repeated):
            self._add(
                row,
                "id",
                f"id '{column[row]}' stands in row {repeated[row]} already",
                "give each activity an id of its own, or remove the repeated row",
            )
        return column

    def quantities(self) -> DecimalColumn:
        """The `quantity` column."""
        column = self.cells("quantity")
        numbers, errors = read_quantities(column)
        self._refuse("quantity", column, errors)
        return numbers

    def meanings(self, name: str, column: StringColumn, parse: Callable[[str], T]) -> list[T | None]:
        """What each distinct cell of a column means."""
        found: list[T | None] = []
        errors = {}
        for code, text in enumerate(column.values):
            try:
                found.append(parse(text))
            except InputError as error:
                errors[code] = error.message, error.fix
                found.append(None)
        self._refuse(name, column, errors)
        return found

    def units(self, unit: StringColumn, region: StringColumn) -> dict[tuple[int, int], Unit]:
        """Each unit in each region that it is used in: `gal` is another one in the US than in GB."""
        units: dict[tuple[int, int], Unit] = {}
        pairs, count = combine_codes(unit.codes, len(unit.values), region.codes, len(region.values))
        examples = np.zeros(count, dtype=np.int64)
        examples[pairs] = np.arange(len(pairs))
        for pair, example in enumerate(examples.tolist()):
            unit_code, region_code = int(unit.codes[example]), int(region.codes[example])
            try:
                units[unit_code, region_code] = parse_unit(
                    unit.values[unit_code], region=region.values[region_code]
                )
            except UnitError as error:
                for row in np.flatnonzero(pairs == pair).tolist():
                    self._add(row, "unit", error.message, error.fix)
            except FactorError:
                continue  # there is no such region, which is told of its own column
        return units

    def _refuse(self, name: str, column: StringColumn, errors: Mapping[int, Mistake]) -> None:
        if errors:
            for row in np.flatnonzero(np.isin(column.codes, list(errors))).tolist():
                self._add(row, name, *errors[int(column.codes[row])])

    def _add(self, row: int, column: str, message: str, fix: str) -> None:
        # The cells of a row that is not as wide as the header stand in the wrong columns.
        if row not in self._table.widths:
            self.problems.append((row, self._table.problem(row, column, message, fix)))
