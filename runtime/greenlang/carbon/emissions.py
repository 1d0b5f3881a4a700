"""Emissions of rows of activity data: quantities times rates, gas by gas, exactly.

An agent says which rows are its own and which factors each kind of row gets; `calculate` does it
once for each kind of row and then for all rows by column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from greenlang.agents.phases import phase
from greenlang.carbon.activity import ActivityData, RowProblem
from greenlang.carbon.factors import Selection
from greenlang.carbon.formulas import CO2E, KG_PLACES, MASS, Formula
from greenlang.carbon.gwp import GwpSet, gwp_set
from greenlang.carbon.tables import StringColumn, combine_codes, merge_rows, split_rows
from greenlang.errors import AgentError, FactorError, FormulaError, InputError, Problem
from greenlang.exact import canonical_text
from greenlang_core.decimals import CodeBook, DecimalColumn

__all__ = [
    "Component",
    "Emissions",
    "GasEmissions",
    "Missing",
    "RowKind",
    "calculate",
    "calculate_again",
    "kinds_of_rows",
]

Rows = npt.NDArray[np.int32]

#: Gases that have to be known before a combustion's CO2e is whole.
COMBUSTION_GASES = ("CO2", "CH4", "N2O")

#: The most that a row may emit: more than mankind does in a thousand years. Sums of such rows fit a column.
LARGEST_KG = 10**17


@dataclass(frozen=True, slots=True)
class RowKind:
    """Rows that are alike in everything that decides on their factors."""

    rows: Rows  #: ascending
    example: int  #: one of them


@dataclass(frozen=True, slots=True)
class Component:
    """What one kind of row is multiplied by; a road vehicle has two, by fuel and by distance."""

    selection: Selection
    quantity: str = "quantity"  #: which of the agent's quantity columns
    left_out: tuple[tuple[str, str], ...] = ()  #: gases that come with it and are not counted, and why


@dataclass(frozen=True, slots=True)
class Missing:
    """Rows whose emissions of a gas could not be computed; they are not counted as zero."""

    gas: str
    activity: str
    reason: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class GasEmissions:
    """One gas of some rows. A factor published as CO2e gives CO2e and no mass."""

    gas: str
    biogenic: bool | None
    rows: Rows  #: ascending, each at most once
    mass: DecimalColumn | None  #: kg of the gas
    co2e: DecimalColumn | None  #: kg CO2e; None for biogenic CO2, which stands apart


@dataclass(frozen=True, slots=True)
class Emissions:
    """What one agent computed: the emissions of the rows that are its own."""

    data: ActivityData
    agent: str
    scope: int
    category: str  #: of the GHG Protocol: `stationary combustion`, `purchased electricity`
    method: str  #: `location-based`, `market-based`, or empty outside scope 2
    rows: Rows  #: the rows it answers for, ascending; `refused` ones among them
    gases: tuple[GasEmissions, ...]
    selections: tuple[Selection, ...]
    selection_rows: tuple[Rows, ...]  #: the rows of each selection
    missing: tuple[Missing, ...]
    refused: tuple[RowProblem, ...]
    gwp: GwpSet
    activities: tuple[str, ...]  #: what it has factors for
    formulas: tuple[Formula, ...] = ()  #: by which the agent computed its quantities
    #: Whether the agent promises that what it does with a row depends on that row's cells alone, and with one
    #: without tags on its activity, unit, region, period and method alone: one selection, by its quantity.
    row_by_row: bool = False

    def without(self, rows: Rows) -> Emissions:
        """The same emissions with some rows left out."""
        if not len(rows):
            return self

        def kept(of: Rows) -> Rows:
            return of[~np.isin(of, rows)]

        def cut(gas: GasEmissions) -> GasEmissions:
            positions = np.flatnonzero(~np.isin(gas.rows, rows))
            return replace(
                gas,
                rows=gas.rows[positions],
                mass=gas.mass.take(positions) if gas.mass is not None else None,
                co2e=gas.co2e.take(positions) if gas.co2e is not None else None,
            )

        selection_rows = [kept(of) for of in self.selection_rows]
        used = [index for index, of in enumerate(selection_rows) if len(of)]
        return replace(
            self,
            rows=kept(self.rows),
            gases=tuple(cut(gas) for gas in self.gases),
            selections=tuple(self.selections[index] for index in used),
            selection_rows=tuple(selection_rows[index] for index in used),
            missing=tuple(
                replace(missing, rows=left) for missing in self.missing if len(left := kept(missing.rows))
            ),
        )


def kinds_of_rows(rows: Rows, columns: Sequence[StringColumn]) -> list[RowKind]:
    """Group rows that are equal in all `columns`, in order of their first row."""
    if not len(rows):
        return []
    groups, count = np.zeros(len(rows), dtype=np.int32), 1
    for column in columns:
        if len(column.values) > 1:
            groups, count = combine_codes(groups, count, column.codes[rows], len(column.values))
    members = split_rows(rows, groups, count)
    return sorted((RowKind(part, int(part[0])) for part in members), key=lambda kind: kind.example)


def calculate(
    data: ActivityData,
    *,
    agent: str,
    scope: int,
    category: str,
    method: str = "",
    kinds: Iterable[RowKind],
    choose: Callable[[int], Sequence[Component]],
    quantities: dict[str, DecimalColumn] | None = None,
    expected: Sequence[str] = COMBUSTION_GASES,
    reason: Callable[[int, str], str] | None = None,
    activities: tuple[str, ...] = (),
    formulas: tuple[Formula, ...] = (),
    row_by_row: bool = False,
) -> Emissions:
    """Compute the emissions of some rows.

    Parameters
    ----------
    data : ActivityData
        The rows, among others.
    agent, scope, category, method : str, int, str, str
        What the emissions are reported as.
    kinds : iterable of RowKind
        The rows to compute, by kind.
    choose : callable
        Gives the components of a kind, from its example row; raises an `InputError` whose `place`
        is the column to blame where there is no right factor.
    quantities : dict, optional
        Further quantity columns by name, one entry a row of the data, in the unit that `choose` took.
    expected : sequence of str
        Gases that belong together: a kind with rates for some of them and not for others lacks these,
        and they are reported as missing.
    reason : callable, optional
        Says why a gas of a kind (by its example row) is missing.
    row_by_row : bool
        The promise of `Emissions.row_by_row`.
    formulas : tuple of Formula
        Those that the agent computed `quantities` by; the record of the calculation tells them.

    Raises
    ------
    AgentError
        If `choose` gives components that count the same emissions twice.
    """
    columns = {"quantity": data.quantity, **(quantities or {})}
    gwp = gwp_set(data.policy.gwp_set)
    chosen: list[tuple[Rows, Sequence[Component]]] = []
    answered: list[Rows] = []
    selections: list[Selection] = []
    selection_rows: list[Rows] = []
    missing: list[Missing] = []
    refused: list[RowProblem] = []
    phase("execute", "factor lookup")
    for kind in kinds:
        answered.append(kind.rows)
        try:
            components = choose(kind.example)
            _check_scope(components, scope)
            _check_basis(components, gwp)
        except InputError as error:
            refused.extend(
                (row, data.problem(row, error.place, error.message, error.fix)) for row in kind.rows.tolist()
            )
            continue
        _check_each_gas_once(agent, components)
        chosen.append((kind.rows, components))
        selections.extend(component.selection for component in components)
        selection_rows.extend(kind.rows for _ in components)
        missing.extend(
            Missing(gas, components[0].selection.activity, why, kind.rows)
            for gas, why in _gaps(components, expected, kind.example, reason)
        )
    phase("execute", "calculate")
    gases = _multiplied(_terms(chosen), columns, gwp)
    if gases is None:
        large = np.unique(
            np.concatenate([term.too_large(columns[term.quantity], gwp) for term in _terms(chosen)])
        )
        refused.extend((row, _too_large(data, row)) for row in large.tolist())
        chosen = [(rows[~np.isin(rows, large)], components) for rows, components in chosen]
        gases = [term.multiply(columns[term.quantity], gwp) for term in _terms(chosen)]
    return Emissions(
        data=data,
        agent=agent,
        scope=scope,
        category=category,
        method=method,
        rows=np.sort(np.concatenate(answered)) if answered else np.empty(0, dtype=np.int32),
        gases=tuple(gases),
        selections=tuple(selections),
        selection_rows=tuple(selection_rows),
        missing=tuple(missing),
        refused=tuple(refused),
        gwp=gwp,
        activities=activities,
        formulas=formulas,
        row_by_row=row_by_row,
    )


def calculate_again(
    part: Emissions, data: ActivityData, kinds: Sequence[tuple[Rows, Selection, Sequence[tuple[str, str]]]]
) -> Emissions | None:
    """What the agent of `part` would compute for rows of kinds that it has chosen factors for before.

    Parameters
    ----------
    kinds : sequence of (rows, Selection, sequence of (str, str))
        The rows of each kind, what they are multiplied by, and the gases that are missing with the reason.

    Returns
    -------
    Emissions or None
        None where a row may be past `LARGEST_KG`, which `calculate` tells by row.
    """
    chosen = [(rows, (Component(selection),)) for rows, selection, _ in kinds]
    gases = _multiplied(_terms(chosen), {"quantity": data.quantity}, part.gwp)
    if gases is None:
        return None
    return replace(
        part,
        data=data,
        rows=np.sort(np.concatenate([rows for rows, _, _ in kinds])),
        gases=tuple(gases),
        selections=tuple(selection for _, selection, _ in kinds),
        selection_rows=tuple(rows for rows, _, _ in kinds),
        missing=tuple(
            Missing(gas, selection.activity, why, rows)
            for rows, selection, gaps in kinds
            for gas, why in gaps
        ),
    )


@dataclass(slots=True)
class _Term:
    """Rows that are multiplied alike: the same gas, of the same origin, from the same quantity column."""

    gas: str
    biogenic: bool | None
    quantity: str
    rows: list[Rows] = field(default_factory=list)
    rates: list[Fraction] = field(default_factory=list)

    def too_large(self, quantity: DecimalColumn, gwp: GwpSet) -> Rows:
        """The rows whose mass or CO2e is past `LARGEST_KG`, found one by one."""
        warming = 1 if self.gas == "CO2e" else Fraction(gwp.factor(self.gas, self.biogenic))
        found = [
            row
            for rows, rate in zip(self.rows, self.rates, strict=True)
            for row in rows.tolist()
            if abs(Fraction(quantity[row]) * rate) * max(warming, 1) >= LARGEST_KG
        ]
        return np.array(found, dtype=np.int32)

    def multiply(self, quantity: DecimalColumn, gwp: GwpSet) -> GasEmissions:
        """Mass and CO2e of all the rows, one call of the kernel each.

        Raises
        ------
        FormulaError
            Where a row leaves the digits of a column.
        """
        rows, codes = merge_rows(self.rows, len(quantity))
        amounts = quantity if len(rows) == len(quantity) else quantity.take(rows)
        mass = MASS.of_columns(quantity=amounts, rate=_code_book(tuple(self.rates))[codes])
        if self.gas == "CO2e":
            return GasEmissions(self.gas, self.biogenic, rows, None, mass)
        if self.gas == "CO2" and self.biogenic:
            return GasEmissions(self.gas, self.biogenic, rows, mass, None)
        warming = Fraction(gwp.factor(self.gas, self.biogenic))
        co2e = mass if warming == 1 else CO2E.of_columns(mass=mass, gwp=warming)
        return GasEmissions(self.gas, self.biogenic, rows, mass, co2e)


@lru_cache(1024)
def _code_book(rates: tuple[Fraction, ...]) -> CodeBook:
    """A book of rates; the same book for the same rates, so that a formula is planned for it once."""
    return CodeBook(rates)


def _terms(kinds: Iterable[tuple[Rows, Sequence[Component]]]) -> list[_Term]:
    """Gather the products of all kinds of rows, so that each gas is one pass over a column."""
    terms: dict[tuple[str, bool | None, str], _Term] = {}
    for rows, components in kinds:
        for component in components:
            for rate in component.selection.rates:
                key = (rate.gas, rate.biogenic, component.quantity)
                term = terms.setdefault(key, _Term(*key))
                term.rows.append(rows)
                term.rates.append(rate.rate)
    return [terms[key] for key in sorted(terms, key=str)]


def _multiplied(
    terms: Iterable[_Term], columns: Mapping[str, DecimalColumn], gwp: GwpSet
) -> list[GasEmissions] | None:
    """Every term, or None where a row may be past `LARGEST_KG`."""
    try:
        gases = [term.multiply(columns[term.quantity], gwp) for term in terms]
    except FormulaError:
        return None
    figures = [figure for gas in gases for figure in (gas.mass, gas.co2e) if figure is not None]
    return None if any(_may_be_large(figure) for figure in figures) else gases


def _may_be_large(figures: DecimalColumn) -> bool:
    """Whether a figure is past `LARGEST_KG` or almost, by the upper halves of its integers alone."""
    upper = np.frombuffer(memoryview(figures), dtype="<i8")[1::2]
    limit = LARGEST_KG * 10**KG_PLACES >> 64
    return bool(len(upper)) and (int(upper.max()) >= limit or int(upper.min()) <= -limit)


def _too_large(data: ActivityData, row: int) -> Problem:
    given = f"{canonical_text(data.quantity[row])} {data.unit[row]} of '{data.activity[row]}'"
    return data.problem(
        row,
        "quantity",
        f"{given} give {LARGEST_KG:.0e} kg of emissions or more, which nobody emits",
        "correct the quantity or its unit",
    )


def _gaps(
    components: Sequence[Component],
    expected: Sequence[str],
    example: int,
    reason: Callable[[int, str], str] | None,
) -> Iterator[tuple[str, str]]:
    """Gases that a kind of row ought to have and has not, or not for its whole quantity, and why."""
    for component in components:
        yield from component.left_out
    known = {gas for component in components for gas in component.selection.gases()}
    if known.isdisjoint(expected):
        return
    for gas in expected:
        if not any(component.selection.covers(gas) for component in components):
            if gas in known:
                yield gas, "a part of the quantity has no factor for it"
            else:
                yield gas, reason(example, gas) if reason else "its publisher gives no factor"


def _check_each_gas_once(agent: str, components: Sequence[Component]) -> None:
    """Refuse components that would count the same emissions twice; a CO2e total goes with no other."""
    gases = Counter(gas for component in components for gas in component.selection.gases())
    if max(gases.values(), default=0) > 1 or ("CO2e" in gases and len(components) > 1):
        raise AgentError(
            f"{agent} counts emissions of '{components[0].selection.activity}' twice",
            fix="its components must have no gas in common, and none beside one published as CO2e",
        )


def _check_scope(components: Sequence[Component], scope: int) -> None:
    """Refuse a factor that says that it is for another scope than the one that it would be reported in."""
    for rate in (rate for component in components for rate in component.selection.rates):
        for factor, _ in rate.parts:
            if factor.scope not in (0, scope):
                raise FactorError(
                    f"the factor for '{factor.activity}' is for scope {factor.scope}, "
                    f"and would be reported in scope {scope}",
                    fix="correct its column 'scope' or its 'category', or leave 'scope' empty",
                    place="activity",
                )


def _check_basis(components: Sequence[Component], gwp: GwpSet) -> None:
    """Refuse what the GWP set cannot express.

    A factor published as CO2e under one set says nothing about another, and a set with two values for
    methane needs to know its origin.
    """
    for rate in (rate for component in components for rate in component.selection.rates):
        if rate.gas != "CO2e":
            gwp.factor(rate.gas, rate.biogenic)
        for factor, _ in rate.parts:
            if rate.gas == "CO2e" and factor.gwp_basis not in ("", "unspecified", *gwp.names):
                raise FactorError(
                    f"the factor for '{factor.activity}' is CO2e under {factor.gwp_basis}, "
                    f"this inventory is under {gwp.name}",
                    fix=f"run with --gwp {factor.gwp_basis}, or give factors by gas",
                    place="activity",
                )
