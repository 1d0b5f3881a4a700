"""Turns what a plan was given and gave into plain data that the ledger can hash and anybody can check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

import numpy as np

from greenlang.agents import Registry
from greenlang.carbon import (
    Inventory,
    InventoryInput,
    Report,
    Series,
    Table,
    check_pinned,
    factor_roles,
    formulas_used,
    inventory_summary,
    load_factors,
    roundings,
    row_selections,
    selection_table,
    series_of,
    unit_table_hash,
)
from greenlang.errors import InputError
from greenlang.gcel import Caught, Plan
from greenlang.ledger import (
    ROWS_PER_RANGE,
    AgentUse,
    CalculationRecord,
    CodedLabels,
    FactorUse,
    FormulaUse,
    ItemTree,
    Label,
    OwnFile,
    RowSchema,
    RowTree,
    SparseSeries,
    TableInput,
    ValueInput,
    input_hash_of_value,
    list_header,
    make_record,
    table_header,
)
from greenlang.ledger.canonical import encode_plain

__all__ = ["Evidence", "caught_fallbacks", "gather_evidence", "inventory_of", "plan_evidence", "table_input"]

#: Labels of every row of an inventory: its id, and its entries in the list of selections.
LABELS = ("id", "selections")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A calculation record, not committed yet, and what it was made from."""

    record: CalculationRecord
    input: TableInput | ValueInput
    inventory: Inventory | None = None
    schema: RowSchema | None = None  #: of the rows of an inventory
    series: tuple[Series, ...] = ()
    labels: Mapping[str, CodedLabels] = field(default_factory=dict)  #: of every row, in the order of `LABELS`
    leaves: tuple[bytes, ...] = ()  #: of the tree over its rows
    lists: Mapping[str, list[dict[str, Any]]] | None = None  #: `selections`, and `skipped` rows

    def rows(self) -> Iterator[dict[str, Label]]:
        """The rows of an inventory: labels, and figures in plain digits."""
        if self.inventory is None:
            return
        labels = self.labels
        taken = [0] * len(self.series)
        for start in range(0, len(self.inventory.data), ROWS_PER_RANGE):
            stop = start + ROWS_PER_RANGE
            columns = [column[start:stop] for column in labels.values()]
            rows: list[dict[str, Label]] = [
                dict(zip(labels, values, strict=True)) for values in zip(*columns, strict=True)
            ]
            for position, one in enumerate(self.series):
                low = taken[position]
                high = low + int(np.searchsorted(one.rows[low : low + ROWS_PER_RANGE], stop))
                places = (one.rows[low:high] - start).tolist()
                for place, figure in zip(places, one.figures[low:high].to_strings(trimmed=True), strict=True):
                    rows[place][one.name] = figure
                taken[position] = high
            yield from rows


def inventory_of(value: object) -> Inventory | None:
    """The inventory that a value is or was made from."""
    if isinstance(value, Inventory):
        return value
    return value.inventory if isinstance(value, Report) else None


def gather_evidence(
    plan: Plan,
    given: object,
    value: object,
    *,
    registry: Registry,
    tenant: str = "default",
    caught: Iterable[Caught] = (),
) -> Evidence:
    """Hash the input, the rows and the result of a run, and write its record with what was `caught` in it.

    Raises
    ------
    InputError
        If the value has no canonical form (it holds a float, or an object of an agent's own), or the policy
        keeps to an edition that there is not.
    """
    if isinstance(given, InventoryInput):
        _check_editions(plan, given, registry)
    source = table_input(given) if isinstance(given, InventoryInput) else ValueInput(given)
    common: dict[str, Any] = {
        "calculation_id": f"calc_{uuid4().hex}",
        "timestamp": datetime.now(UTC),
        "tenant": tenant,
        "plan_hash": plan.hash,
        **plan_evidence(plan, registry),
        "input_hash": source.input_hash if isinstance(source, TableInput) else input_hash_of_value(given),
        "input_name": source.name,
    }
    inventory, instead = inventory_of(value), caught_fallbacks(caught)
    if inventory is None:
        return Evidence(make_record(result=value, fallbacks=instead, **common), source)
    series = tuple(series_of(inventory))
    schema = RowSchema(tuple(one.name for one in series), LABELS)
    labels = _labels(inventory)
    tree = _row_tree(len(inventory.data), schema, series, labels)
    summary = inventory_summary(inventory)
    lists = {"selections": selection_table(inventory), "skipped": summary.pop("skipped")}
    record = make_record(
        result={"inventory": summary, "report": _report(value)},
        rows=tree,
        lists={name: _list_tree(name, items) for name, items in lists.items()},
        formulas=[FormulaUse(**formula) for formula in formulas_used(inventory)],
        factors=[
            FactorUse(
                ef_cid=factor.ef_cid,
                role=role,
                gas=factor.gas,
                source=factor.source,
                value=factor.value_text,
                unit=factor.unit_text,
                edition=factor.edition,
            )
            for factor, role in factor_roles(inventory)
        ],
        gwp_set=inventory.gwp.name,
        scope=[str(part.scope) for part in inventory.parts],
        method=[part.method for part in inventory.parts if part.method],
        unit_table_hash=unit_table_hash(),
        fallbacks=[*summary["fallbacks"], *instead],
        roundings=roundings(value if isinstance(value, Report) else inventory),
        **common,
    )
    return Evidence(record, source, inventory, schema, series, labels, tuple(tree.leaves), lists)


def caught_fallbacks(caught: Iterable[Caught]) -> list[dict[str, str]]:
    """What stands in for steps that failed; not what their errors said, which may differ from run to run."""
    return [
        {"kind": "catch", "wanted": one.step, "used": f"its handler, after {one.error}"} for one in caught
    ]


def _check_editions(plan: Plan, given: InventoryInput, registry: Registry) -> None:
    """Refuse pinned editions that neither packs nor the user's own files have."""
    if not given.policy.editions:
        return
    known = {(file.dataset, file.edition) for file in registry.factors()}
    for file in (*given.factor_files, *plan.resources):
        try:
            own = load_factors(file.text, file=file.name)
        except InputError:
            continue  # a file of the program that holds something else
        known |= {(factor.dataset, factor.edition) for factor in own}
    check_pinned(given.policy.editions, known)


def table_input(given: InventoryInput) -> TableInput:
    """The input of an inventory as a bundle carries it."""
    table = given.table.portable()
    columns = list(table.columns)
    tree = ItemTree(table_header(columns))
    tree.add_columns([(column.codes, column.values) for column in table.columns.values()], len(table))
    return TableInput(
        name=table.name,
        columns=columns,
        row_count=len(table),
        root=tree.finish(),
        rows=_RowsOf(table),
        policy=given.policy,
        files=[OwnFile(file.name, file.text) for file in given.factor_files],
    )


@dataclass(frozen=True, slots=True)
class _RowsOf:
    """The rows of a table, as often as they are asked for."""

    table: Table

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return self.table.rows()


def plan_evidence(plan: Plan, registry: Registry) -> dict[str, Any]:
    """What every record of a plan says of it."""
    return {"plan_document_hash": plan.document_hash, "agents": _agent_uses(plan, registry)}


# Equal plans have the same agents, however they are written; few plans, for they may be large.
@lru_cache(64)
def _agent_uses(plan: Plan, registry: Registry) -> tuple[AgentUse, ...]:
    return tuple(
        AgentUse(
            name=spec.name,
            version=spec.version,
            code_identity=registry.code_identity(spec),
            signer=registry.signer(spec),
        )
        for spec in plan.agents
    )


def _report(value: object) -> dict[str, Any] | None:
    if not isinstance(value, Report):
        return None
    return {"columns": list(value.columns), "rows": [list(row) for row in value.rows]}


def _list_tree(name: str, items: list[dict[str, Any]]) -> ItemTree:
    tree = ItemTree(list_header(name))
    for item in items:
        tree.add_encoded(encode_plain(item))  # texts and integers all the way down
    return tree


def _row_tree(
    count: int, schema: RowSchema, series: tuple[Series, ...], labels: Mapping[str, CodedLabels]
) -> RowTree:
    tree = RowTree(schema)
    figures = {one.name: SparseSeries(one.rows, memoryview(one.figures)) for one in series}
    tree.add_columns(count, figures, labels)
    return tree


def _labels(inventory: Inventory) -> dict[str, CodedLabels]:
    """What every row says of itself, in the order of `LABELS`."""
    ids = inventory.data.id
    return dict(
        zip(
            LABELS, (CodedLabels(ids.codes, ids.values), CodedLabels(*row_selections(inventory))), strict=True
        )
    )
