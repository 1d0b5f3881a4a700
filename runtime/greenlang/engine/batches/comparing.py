"""Explains by what two batches differ: other activity, other factors, other warming potentials, other rows.

A row of both goes from what it was to what it is in three steps, each told by itself: first its cells become
the new ones under the old choices, then factors and the choices among them become the new ones under the old
GWP set, then the GWP set does.  The figures between are computed, not estimated, so that the steps of a row,
and all rows together, come to the whole difference exactly.
"""

from __future__ import annotations

__all__ = ["CAUSES", "Comparison", "Difference", "compare_batches"]

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.carbon import InventoryInput, Table, gwp_set, series_of
from greenlang.engine.batches.computing import load_plan
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.parts import PartHeading, read_heading
from greenlang.engine.batches.tables import row_tables
from greenlang.engine.evidence import inventory_of
from greenlang.errors import InputError
from greenlang.exact import exact_context
from greenlang.gcel import Plan

#: Why kilograms of CO2e are others, in the order in which a row's difference is taken apart.
CAUSES = ("activity", "factors", "gwp", "added", "removed")

#: What a row's result may depend on.
_COLUMNS = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags")

#: What the columns of CO2e are called in a table of rows.
_CO2E = ".co2e_kg"

#: CO2e of a row, in kg, by the name of its series: `scope2-market-based.co2e`.
_Figures = Mapping[str, Decimal]

_NOTHING = Decimal(0)


class Difference(msgspec.Struct, frozen=True):
    """How one scope and method differ; `before` and all causes come to `after`."""

    series: str  #: `scope1.co2e`
    before: Decimal  #: kg CO2e
    after: Decimal
    causes: dict[str, Decimal]  #: by each of `CAUSES`
    #: Rows that each cause concerns; a row may have several.
    rows: dict[str, int]


class Comparison(msgspec.Struct, frozen=True):
    """How two batches differ."""

    before: str
    after: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a batch that was computed."""

    cells: tuple[str, ...]  #: of `_COLUMNS`
    figures: _Figures


#: Rows by their ids.
_Rows = Mapping[str, _Row]


@dataclass(slots=True)
class _Sum:
    causes: dict[str, dict[str, Decimal]] = field(default_factory=lambda: {cause: {} for cause in CAUSES})
    rows: dict[str, dict[str, int]] = field(default_factory=lambda: {cause: {} for cause in CAUSES})
    before: dict[str, Decimal] = field(default_factory=dict)
    after: dict[str, Decimal] = field(default_factory=dict)

    def add(self, cause: str, before: _Figures, after: _Figures) -> None:
        """Add the step of one row from some figures to others."""
        steps, rows = self.causes[cause], self.rows[cause]
        for name in {**before, **after}:
            step = after.get(name, _NOTHING) - before.get(name, _NOTHING)
            if step:
                steps[name] = steps.get(name, _NOTHING) + step
                rows[name] = rows.get(name, 0) + 1

    def add_totals(self, earlier: _Rows, later: _Rows) -> None:
        """Add what the rows of both batches come to."""
        for rows, totals in ((earlier, self.before), (later, self.after)):
            for row in rows.values():
                for name, figure in row.figures.items():
                    totals[name] = totals.get(name, _NOTHING) + figure

    def add_unchanged(self, heading: PartHeading) -> None:
        """Add a partition that both batches have alike."""
        for one in heading.sums:
            if one.by == "activity":
                name = f"scope{one.scope}" + (f"-{one.method}" if one.method else "") + ".co2e"
                for totals in (self.before, self.after):
                    totals[name] = totals.get(name, _NOTHING) + one.co2e_kg


def compare_batches(
    before: BatchFolder, after: BatchFolder, *, registry: Registry, most_rows: int | None = None
) -> Comparison:
    """Take the difference of two batches apart by cause; rows are the same where their ids are.

    Parameters
    ----------
    most_rows : int, optional
        Of both together, where all rows have to be in memory: the inputs differ, or were cut otherwise.

    Raises
    ------
    InputError
        If one of them is not done, or its input or program is not what it was; if there are too many rows.
    """
    found = _Sum()
    old, new = _Setup(before, registry), _Setup(after, registry)
    with localcontext(exact_context()):
        for earlier, later in _pairs(before, after, found, most_rows):
            _compare(found, earlier, later, old, new)
    return Comparison(
        before.batch_id,
        after.batch_id,
        tuple(
            Difference(
                name,
                found.before.get(name, _NOTHING),
                found.after.get(name, _NOTHING),
                {cause: found.causes[cause].get(name, _NOTHING) for cause in CAUSES},
                {cause: found.rows[cause].get(name, 0) for cause in CAUSES},
            )
            for name in sorted({**found.before, **found.after})
        ),
    )


def _pairs(
    before: BatchFolder, after: BatchFolder, found: _Sum, most_rows: int | None
) -> Iterator[tuple[_Rows, _Rows]]:
    """What is to be compared: of one input a partition at a time, of two all rows of each.

    Partitions that gave the same are only summed.
    """
    earlier, later = _headings(before), _headings(after)
    if [one.input_leaves for one in earlier] != [one.input_leaves for one in later]:
        rows = sum(one.count for one in (*earlier, *later))
        if most_rows is not None and rows > most_rows:
            raise InputError(
                f"{rows:,} rows are too many to be compared here; {most_rows:,} are not",
                fix="compare batches of one input, cut alike, or use `greenlang batch diff`",
            )
        yield _rows_of(row_tables(before)), _rows_of(row_tables(after))
        return
    changed = {old.index for old, new in zip(earlier, later, strict=True) if old.leaves != new.leaves}
    for old in earlier:
        if old.index not in changed:
            found.add_unchanged(old)
    for tables in zip(row_tables(before, changed), row_tables(after, changed), strict=True):
        old_rows, new_rows = (_rows_of([table]) for table in tables)
        yield old_rows, new_rows


def _headings(folder: BatchFolder) -> list[PartHeading]:
    count = len(folder.definition().starts)
    return [read_heading(folder.part_path(index)) for index in range(count)]


def _rows_of(tables: Iterable[Any]) -> _Rows:
    """The rows of tables of pyarrow."""
    found = {}
    for table in tables:
        count, names = len(table), set(table.column_names)
        cells = [table[name].to_pylist() if name in names else [""] * count for name in _COLUMNS]
        figures = [
            (name.removesuffix("_kg"), table[name].to_pylist())
            for name in table.column_names
            if name.endswith(_CO2E)
        ]
        for row, texts in enumerate(zip(*cells, strict=True)):
            held = {name: column[row] for name, column in figures if column[row] is not None}
            found[texts[0]] = _Row(texts, held)
    return found


def _compare(found: _Sum, earlier: _Rows, later: _Rows, old: _Setup, new: _Setup) -> None:
    found.add_totals(earlier, later)
    for identity in earlier.keys() - later.keys():
        found.add("removed", earlier[identity].figures, {})
    for identity in later.keys() - earlier.keys():
        found.add("added", {}, later[identity].figures)
    both = [identity for identity in earlier if identity in later]
    moved = [one for one in both if earlier[one].cells != later[one].cells]
    by_old: Mapping[str, _Figures] = {}
    under_old_gwp: Mapping[str, _Figures] = {}
    if not old.same_as(new):
        by_old = old.compute([later[one] for one in moved])
        if old.gwp != new.gwp:
            differing = [later[one] for one in both if earlier[one].figures != later[one].figures]
            under_old_gwp = new.under(old.gwp).compute(differing)
    changed = set(moved)
    for identity in both:
        first, last = earlier[identity].figures, later[identity].figures
        between = under_old_gwp.get(identity, last)
        # A row that the old choices cannot compute differs by its activity: they had nothing for such cells.
        new_cells = by_old.get(identity, between) if identity in changed else first
        found.add("activity", first, new_cells)
        found.add("factors", new_cells, between)
        found.add("gwp", between, last)


class _Setup:
    """What a batch is computed by: a program, a policy, factors."""

    def __init__(self, folder: BatchFolder, registry: Registry) -> None:
        definition = folder.definition()
        self._plan: Plan = load_plan(folder, registry)
        self._policy = msgspec.structs.replace(definition.policy, on_error="skip")
        self._files = tuple(Resource.of(file.name, file.text) for file in definition.factor_files)
        self._texts = definition.factor_files
        self._tenant = definition.tenant
        self.gwp = gwp_set(definition.policy.gwp_set).name

    def same_as(self, other: _Setup) -> bool:
        """Whether both give the same for the same row."""
        mine, theirs = self._policy, other._policy
        return (self._plan.hash, mine, self._texts) == (other._plan.hash, theirs, other._texts)

    def under(self, gwp: str) -> _Setup:
        """The same under another GWP set."""
        made = copy.copy(self)
        made.gwp = gwp
        made._policy = msgspec.structs.replace(self._policy, gwp_set=gwp)
        return made

    def compute(self, rows: list[_Row]) -> Mapping[str, _Figures]:
        """What rows give, by their ids; those that cannot be computed are left out."""
        if not rows:
            return {}
        table = Table.from_rows("difference", _COLUMNS, (row.cells for row in rows))
        given = InventoryInput(table, self._policy, self._files)
        inventory = inventory_of(self._plan.run(given, tenant=self._tenant))
        if inventory is None:
            return {}
        identities = [row.cells[0] for row in rows]
        usable = inventory.data.usable.tolist()
        found: dict[str, dict[str, Decimal]] = {
            identity: {} for identity, computed in zip(identities, usable, strict=True) if computed
        }
        for series in series_of(inventory):
            if series.name.endswith(".co2e"):
                for row, figure in zip(series.rows.tolist(), series.figures.to_decimals(), strict=True):
                    found[identities[row]][series.name] = figure
        return found
