"""An inventory: the emissions that several agents computed, put together and summed.

Each usable row must have been taken by exactly one agent (in scope 2: one for each method); `unfit_rows`
finds those that were not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from functools import cached_property

import numpy as np
import numpy.typing as npt

from greenlang.carbon.activity import ActivityData, SkippedRow
from greenlang.carbon.emissions import Emissions, Missing
from greenlang.carbon.factors import Fallback
from greenlang.carbon.formulas import KG_PLACES
from greenlang.carbon.gwp import GwpSet
from greenlang.carbon.tables import unite_rows
from greenlang.carbon.uncertainty import Estimate, estimate_groups
from greenlang.carbon.unfit_rows import unfit_rows
from greenlang.errors import InputError
from greenlang.exact import exact_context
from greenlang_core.decimals import DecimalColumn

__all__ = ["Inventory", "Line", "RecordedFallback", "build_inventory"]

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Line:
    """Emissions of one activity in one scope and method, or of a whole scope where `activity` is empty."""

    scope: int
    method: str
    category: str
    activity: str
    rows: int
    gases: dict[str, Decimal]  #: kg of each gas, biogenic CO2 left out
    biogenic_co2: Decimal | None  #: kg; stands apart from the total
    co2e: Decimal  #: kg CO2e
    #: The part of `co2e` that factors published as such gave: no masses of gases are known of it.
    co2e_as_published: Decimal | None = None
    co2e_estimate: Estimate | None = None  #: how uncertain it is, where uncertainties are given
    gas_estimates: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedFallback:
    """A fallback and the rows that it was taken for."""

    fallback: Fallback
    activity: str
    method: str
    rows: Rows


@dataclass(frozen=True)
class Inventory:
    """Emissions by row, ready to be summed, reported and proved."""

    data: ActivityData
    parts: tuple[Emissions, ...]
    gwp: GwpSet

    @property
    def skipped(self) -> tuple[SkippedRow, ...]:
        """Rows that took no part, and why."""
        return self.data.skipped

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Emissions by scope, method and activity, in this order."""
        lines = [line for part in self.parts if part.selections for line in _lines_of(part)]
        return tuple(sorted(lines, key=lambda line: (line.scope, line.method, line.category, line.activity)))

    @cached_property
    def totals(self) -> tuple[Line, ...]:
        """Emissions by scope and method; the two methods of scope 2 are never added."""
        groups: dict[tuple[int, str], list[Line]] = defaultdict(list)
        for line in self.lines:
            groups[line.scope, line.method].append(line)
        return tuple(
            _sum_lines(lines, [part for part in self.parts if (part.scope, part.method) == key])
            for key, lines in sorted(groups.items())
        )

    @cached_property
    def fallbacks(self) -> tuple[RecordedFallback, ...]:
        """Everything that was assumed, with the rows that it was assumed for."""
        rows: dict[tuple[Fallback, str, str], list[Rows]] = defaultdict(list)
        for part in self.parts:
            for selection, taken in zip(part.selections, part.selection_rows, strict=True):
                for fallback in selection.fallbacks:
                    rows[fallback, selection.activity, part.method].append(taken)
        length = len(self.data)
        return tuple(RecordedFallback(*key, unite_rows(taken, length)) for key, taken in sorted(rows.items()))

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Gases that could not be computed, with the rows concerned."""
        rows: dict[tuple[str, str, str], list[Rows]] = defaultdict(list)
        for part in self.parts:
            for missing in part.missing:
                rows[missing.activity, missing.gas, missing.reason].append(missing.rows)
        return tuple(
            Missing(gas, activity, reason, unite_rows(taken, len(self.data)))
            for (activity, gas, reason), taken in sorted(rows.items())
        )

    def co2e_of(self, method: str = "") -> Iterator[tuple[Rows, DecimalColumn]]:
        """Rows and kg CO2e of each under one method (and of what has none); a row may come several times."""
        for part in self.parts:
            if part.method in ("", method):
                for gas in part.gases:
                    if gas.co2e is not None:
                        yield gas.rows, gas.co2e

    def co2e_by_row(self, method: str = "") -> DecimalColumn:
        """Kg CO2e of every row of the data under one method (and of what has no method), zero where none."""
        found = list(self.co2e_of(method))
        if not found:
            return DecimalColumn.zeros(len(self.data), KG_PLACES)
        values = DecimalColumn.concat(values for _, values in found)
        return values.group_sum(np.concatenate([rows for rows, _ in found]), len(self.data))


def build_inventory(parts: object) -> Inventory:
    """Put together what agents computed: one `Emissions`, or lists of them to any depth.

    Raises
    ------
    InputError
        If there is nothing to put together, or not all of it is about the same data.
    DataError
        For rows that no agent could take, or two did, unless the policy skips rows with mistakes.
    """
    found = list(_flatten(parts))
    if not found:
        raise InputError("an inventory needs emissions", fix="put agents that compute them before it")
    data = found[0].data
    if any(part.data is not data for part in found):
        raise InputError(
            "the emissions are of different activity data",
            fix="read the activity data once, before the branches",
        )
    problems = [*(problem for part in found for problem in part.refused), *unfit_rows(data, found)]
    data = data.without(problems)
    left_out = np.unique(np.array([row for row, _ in problems], dtype=np.int32))
    ordered = sorted(found, key=lambda part: (part.scope, part.method, part.category, part.agent))
    return Inventory(data, tuple(part.without(left_out) for part in ordered), found[0].gwp)


def _flatten(parts: object) -> Iterator[Emissions]:
    if isinstance(parts, Emissions):
        yield parts
    elif isinstance(parts, (list, tuple)):
        for part in parts:
            yield from _flatten(part)
    else:
        raise InputError(
            f"an inventory is made of emissions, not of {type(parts).__name__}",
            fix="put agents that compute emissions before it",
        )


def _lines_of(part: Emissions) -> Iterator[Line]:
    """Sum the emissions of one agent by the activity that its factors are named for."""
    names = sorted({selection.activity for selection in part.selections})
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.full(len(part.data), -1, dtype=np.int32)
    # The first selection of a row names it: a vehicle's fuel comes before its distance.
    for selection, rows in reversed(list(zip(part.selections, part.selection_rows, strict=True))):
        codes[rows] = code_of[selection.activity]
    counts = np.bincount(codes[part.rows], minlength=len(names)).tolist()
    gases: dict[int, dict[str, Decimal]] = defaultdict(dict)
    biogenic: dict[int, Decimal] = {}
    co2e: dict[int, Decimal] = defaultdict(Decimal)
    as_published: dict[int, Decimal] = {}
    with localcontext(exact_context()):
        for gas in part.gases:
            groups = codes[gas.rows]
            present = np.flatnonzero(np.bincount(groups, minlength=len(names))).tolist()
            if gas.mass is not None:
                masses = gas.mass.group_sum(groups, len(names)).to_decimals()
                for code in present:
                    if gas.co2e is None:
                        biogenic[code] = biogenic.get(code, Decimal(0)) + masses[code]
                    else:
                        gases[code][gas.gas] = gases[code].get(gas.gas, Decimal(0)) + masses[code]
            if gas.co2e is not None:
                equivalents = gas.co2e.group_sum(groups, len(names)).to_decimals()
                for code in present:
                    co2e[code] += equivalents[code]
                    if gas.gas == "CO2e":
                        as_published[code] = as_published.get(code, Decimal(0)) + equivalents[code]
    estimates = _estimates([part], codes, len(names), {gas for of in gases.values() for gas in of})
    for code, name in enumerate(names):
        line = Line(
            part.scope,
            part.method,
            part.category,
            name,
            counts[code],
            gases[code],
            biogenic.get(code),
            co2e[code],
            as_published.get(code),
        )
        yield _with_estimates(line, estimates, code)


def _estimates(
    parts: Sequence[Emissions], codes: Rows, count: int, gases: Collection[str]
) -> dict[str, dict[int, Estimate]]:
    """Estimates of groups of rows, by gas and, under the empty one, for CO2e."""
    return {gas: estimate_groups(parts, codes, count, gas=gas) for gas in ["", *sorted(gases)]}


def _with_estimates(line: Line, estimates: Mapping[str, Mapping[int, Estimate]], code: int) -> Line:
    held = {gas: of[code] for gas, of in estimates.items() if code in of}
    return replace(line, co2e_estimate=held.pop("", None), gas_estimates=held) if held else line


def _sum_lines(lines: Sequence[Line], parts: Sequence[Emissions]) -> Line:
    gases: dict[str, Decimal] = {}
    biogenic = [line.biogenic_co2 for line in lines if line.biogenic_co2 is not None]
    as_published = [line.co2e_as_published for line in lines if line.co2e_as_published is not None]
    with localcontext(exact_context()):
        for line in lines:
            for gas, mass in line.gases.items():
                gases[gas] = gases.get(gas, Decimal(0)) + mass
        total = Line(
            lines[0].scope,
            lines[0].method,
            "",
            "",
            sum(line.rows for line in lines),
            gases,
            sum(biogenic, Decimal(0)) if biogenic else None,
            sum((line.co2e for line in lines), Decimal(0)),
            sum(as_published, Decimal(0)) if as_published else None,
        )
    estimates = _estimates(parts, np.zeros(len(parts[0].data), dtype=np.int32), 1, gases)
    return _with_estimates(total, estimates, 0)
