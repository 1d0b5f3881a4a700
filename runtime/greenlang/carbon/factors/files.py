"""Reads factor files and alias files: text in, records out, every mistake told at once with its place."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

from greenlang.carbon.factors.factor import FACTOR_KINDS, EmissionFactor, FactorSet, activity_key
from greenlang.carbon.gwp import gases, gwp_set
from greenlang.carbon.percentages import percent_text
from greenlang.carbon.periods import parse_day
from greenlang.carbon.regions import region_path
from greenlang.carbon.tables import read_csv
from greenlang.carbon.units import Unit, parse_unit
from greenlang.errors import DataError, InputError, Problem, UnitMismatch, nearest
from greenlang.exact import decimal_from_text

__all__ = ["FACTOR_COLUMNS", "load_aliases", "load_factors"]

ALIAS_COLUMNS = ("alias", "activity", "region")

ALIAS_REQUIRED = ("alias", "activity")

REQUIRED = ("activity", "gas", "value", "unit")

#: Columns that are taken over as they are written.
TEXTS = (
    "source",
    "dataset",
    "edition",
    "table",
    "locator",
    "citation",
    "category",
    "holder",
    "vehicle",
    "engine",
    "note",
)

FACTOR_COLUMNS = (
    "activity",
    "gas",
    "value",
    "unit",
    "region",
    "source",
    "dataset",
    "edition",
    "table",
    "locator",
    "published",
    "data_year",
    "applies_from",
    "applies_to",
    "citation",
    "gwp_basis",
    "biogenic",
    "scope",
    "category",
    "kind",
    "holder",
    "vehicle",
    "engine",
    "model_year_from",
    "model_year_to",
    "uncertainty",
    "note",
)

_TRUTH = {"": None, "yes": True, "no": False}
_SCOPES = {"": 0, "1": 1, "2": 2, "3": 3}

_PER = re.compile(r"\s*/\s*|\s+per\s+")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")

#: A gas that is written into the unit, `kg CO2e` or `tCO2`, as people do; it has to agree with column `gas`.
_GAS_IN_UNIT = re.compile(r"(.*?)[\s-]*(co2[\s-]?eq?|co2|ch4|n2o|sf6|nf3)", re.IGNORECASE)

T = TypeVar("T")


def load_factors(text: str, *, file: str) -> FactorSet:
    """Read a factor file; `greenlang.carbon.factors.factor` describes the format.

    Parameters
    ----------
    text : str
        What the file holds.
    file : str
        Its name, for messages and for the name of the set.

    Raises
    ------
    DataError
        For every wrong header, row and cell of the file, together.
    """
    problems: list[Problem] = []
    factors = []
    rows_by_identity: dict[tuple[object, ...], int] = {}
    for row in _rows(text, file, FACTOR_COLUMNS, REQUIRED, problems):
        factor = _factor(row)
        if factor is None:
            continue
        first = rows_by_identity.setdefault(_identity(factor), row.number)
        if first == row.number:
            factors.append(factor)
        else:
            row.refuse(
                "",
                f"the factor for {factor.gas} of '{factor.activity}' stands in row {first} already",
                "remove one of the two, or tell them apart by region, edition, dates, kind, holder, vehicle",
            )
    if problems:
        raise DataError(file, problems)
    return FactorSet(file, tuple(factors))


def load_aliases(text: str, *, file: str) -> dict[str, dict[str, str]]:
    """Read other names of activities: CSV with the columns `alias`, `activity` and, where needed, `region`.

    Gives the activity by alias and region: a word may mean one thing in the US and another in GB.  An empty
    region is every one that is not named.

    Raises
    ------
    DataError
        For every wrong row; an alias that stands twice for one region is one.
    """
    problems: list[Problem] = []
    aliases: dict[str, dict[str, str]] = {}
    spelled: dict[str, str] = {}
    for row in _rows(text, file, ALIAS_COLUMNS, ALIAS_REQUIRED, problems):
        alias, activity = row.required("alias"), row.required("activity")
        region = row.read("region", lambda text: region_path(text)[0])
        if not alias or not activity or region is None:
            continue
        meanings = aliases.setdefault(spelled.setdefault(activity_key(alias), alias), {})
        if region in meanings:
            row.refuse(
                "alias", f"alias '{alias}' stands twice", "let each alias mean one activity in a region"
            )
        else:
            meanings[region] = activity
    if problems:
        raise DataError(file, problems)
    return aliases


def _factor(row: _Row) -> EmissionFactor | None:
    """The factor of one row, or None where a cell is wrong; the row keeps every problem."""
    before = len(row.problems)
    gas = row.read("gas", _gas)
    region = row.read("region", lambda text: region_path(text)[0]) or ""
    unit = row.read("unit", lambda text: _unit(text, gas or "", region))
    value = row.read("value", _value)
    first_day, last_day = row.read("applies_from", parse_day), row.read("applies_to", parse_day)
    if first_day and last_day and last_day < first_day:
        row.refuse(
            "applies_to", f"{last_day} is before {first_day}, where it begins", "correct one of the dates"
        )
    first_year, last_year = row.read("model_year_from", _year), row.read("model_year_to", _year)
    if first_year and last_year and last_year < first_year:
        row.refuse("model_year_to", f"{last_year} is before {first_year}", "correct one of the years")
    kind = row.read("kind", lambda text: _one_of(text, {kind: kind for kind in FACTOR_KINDS})) or ""
    if kind in ("supplier", "instrument") and not row["holder"]:
        row.refuse("holder", f"a factor of kind '{kind}' needs the name of its {kind}", "fill in holder")
    activity = row.required("activity")
    basis = row.read("gwp_basis", lambda text: _basis(text, gas or "")) or ""
    scope = row.read("scope", lambda text: _one_of(text, _SCOPES)) or 0
    biogenic = row.read("biogenic", lambda text: _one_of(text, _TRUTH))
    published, data_year = row.read("published", parse_day), row.read("data_year", _year)
    uncertainty = row.read("uncertainty", percent_text) or ""
    if len(row.problems) > before or gas is None or unit is None or value is None:
        return None
    return EmissionFactor(
        activity=activity,
        gas=gas,
        value=value,
        numerator=unit[0],
        denominator=unit[1],
        region=region,
        published=published,
        data_year=data_year,
        applies_from=first_day,
        applies_to=last_day,
        gwp_basis=basis,
        biogenic=biogenic,
        scope=scope,
        kind=kind,
        model_year_from=first_year,
        model_year_to=last_year,
        uncertainty=uncertainty,
        **{name: row[name] for name in TEXTS},
    )


def _identity(factor: EmissionFactor) -> tuple[object, ...]:
    """What no two factors of a file may have in common."""
    return (
        activity_key(factor.activity),
        factor.gas,
        factor.denominator,
        factor.region,
        factor.source,
        factor.dataset,
        factor.edition,
        factor.applies_from,
        factor.applies_to,
        factor.category,
        factor.kind,
        factor.holder,
        factor.vehicle,
        factor.engine,
        factor.model_year_from,
        factor.model_year_to,
    )


class _Row:
    """The cells of one row by column, and what is wrong with them."""

    def __init__(self, number: int, cells: dict[str, str], problems: list[Problem]) -> None:
        self.number = number
        self.problems = problems
        self._cells = cells

    def __getitem__(self, column: str) -> str:
        return self._cells.get(column, "")

    def refuse(self, column: str, message: str, fix: str) -> None:
        """Note a problem with a cell, or with the whole row where `column` is empty."""
        self.problems.append(Problem(self.number, column, message, fix))

    def required(self, column: str) -> str:
        """A cell that must not be empty."""
        if not self[column]:
            self.refuse(column, "the cell is empty", f"write the {column}")
        return self[column]

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        """What a cell means; None, and a problem noted, where it means nothing."""
        if column in REQUIRED and not self.required(column):
            return None
        try:
            return parse(self[column])
        except InputError as error:
            self.refuse(column, error.message, error.fix)
            return None


def _rows(
    text: str, file: str, known: tuple[str, ...], required: tuple[str, ...], problems: list[Problem]
) -> Iterator[_Row]:
    """Every well-formed row of a CSV text; the others are added to `problems`."""
    table = read_csv(io.BytesIO(text.encode()), name=file)
    table.require(required)
    unknown = [name for name in table.columns if name not in known]
    if unknown:
        raise DataError(file, [_unknown_column(name, known) for name in unknown])
    malformed = table.malformed
    for index, cells in enumerate(table.rows()):
        if index in malformed:
            problems.append(malformed[index])
        else:
            texts = dict(zip(table.columns, map(str.strip, cells), strict=True))
            yield _Row(table.line(index), texts, problems)


def _unknown_column(name: str, known: tuple[str, ...]) -> Problem:
    close = nearest(name, known)
    fix = f"did you mean '{close[0]}'?" if close else f"the columns are {', '.join(known)}"
    return Problem(1, name, "there is no such column", fix)


def _gas(text: str) -> str:
    if text != "CO2e" and text not in gases():
        close = nearest(text, ["CO2e", *gases()])
        raise InputError(
            f"there is no gas '{text}'",
            fix=f"did you mean {' or '.join(close)}?" if close else "write CO2, CH4, N2O, CO2e ...",
        )
    return text


def _unit(text: str, gas: str, region: str) -> tuple[Unit, Unit]:
    """The two units of a factor, `kg CO2e / mmBtu (HHV)`."""
    parts = _PER.split(text)
    if len(parts) != 2:
        raise InputError(
            f"'{text}' is not a mass per unit of activity", fix="write it like kg/kWh or g/mmBtu (HHV)"
        )
    mass, per = parts
    named = _GAS_IN_UNIT.fullmatch(mass)
    if named is not None:
        mass, written = named[1], re.sub(r"[\s-]|q$", "", named[2], flags=re.IGNORECASE)
        if gas and written.casefold() != gas.casefold():
            raise InputError(
                f"the unit is a mass of {named[2]} and the gas is {gas}",
                fix=f"write the mass of {gas}; a gas that is published as CO2e already is no mass of gas, "
                "so give only the published CO2e total",
            )
    numerator = parse_unit(mass, region=region)
    if numerator.dimension != "mass":
        raise UnitMismatch(
            f"'{mass}' measures {numerator.dimension}, and a factor gives mass", fix="write kg, g, lb or t"
        )
    return numerator, parse_unit(per, region=region)


def _value(text: str) -> Decimal:
    value = decimal_from_text(text)
    if value < 0:
        raise InputError(
            f"{text} is negative, and no activity emits less than nothing",
            fix="removals and avoided emissions are reported apart from an inventory",
        )
    return value


def _basis(text: str, gas: str) -> str:
    if gas and gas != "CO2e":
        if text:
            raise InputError(
                f"a factor for {gas} gives its mass and has no GWP basis",
                fix="leave it empty, or write gas CO2e",
            )
        return ""
    return gwp_set(text).name if text and text != "unspecified" else "unspecified"


def _year(text: str) -> int | None:
    if text and not _YEAR.fullmatch(text):
        raise InputError(f"'{text}' is not a year", fix="write it like 2023")
    return int(text) if text else None


def _one_of(text: str, meanings: dict[str, T]) -> T:
    if text.casefold() not in meanings:
        raise InputError(
            f"'{text}' is none of the values", fix=f"write {', '.join(filter(None, meanings))}, or nothing"
        )
    return meanings[text.casefold()]
