"""Turns what a plan was given and gave into plain data that the ledger can hash and anybody can check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from greenlang.agents import AgentSpec, Registry
from greenlang.carbon import (
    Inventory,
    InventoryInput,
    Report,
    factor_roles,
    formulas_used,
    inventory_summary,
    roundings,
    row_labels,
    series_of,
    unit_table_hash,
)
from greenlang.carbon.evidence import Series
from greenlang.gcel import Plan
from greenlang.ledger import (
    AgentUse,
    CalculationRecord,
    FactorUse,
    FormulaUse,
    ItemTree,
    Label,
    RowSchema,
    RowTree,
    SparseSeries,
    input_hash_of_table,
    input_hash_of_value,
    make_record,
    table_header,
)

__all__ = ["Evidence", "gather_evidence", "inventory_of"]

#: Labels of every row of an inventory: its id, and its entries in the bundle's table of selections.
LABELS = ("id", "selections")

#: What the list of skipped rows is, for its hash.
SKIPPED_HEADER = {"schema": "greenlang.skipped/1"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A calculation record, not committed yet, and what it was made from."""

    record: CalculationRecord
    schema: RowSchema | None  #: of the rows of an inventory
    series: tuple[Series, ...]
    skipped: tuple[dict[str, Any], ...]  #: rows left out, and why


def inventory_of(value: object) -> Inventory | None:
    """The inventory that a value is or was made from."""
    if isinstance(value, Inventory):
        return value
    return value.inventory if isinstance(value, Report) else None


def gather_evidence(plan: Plan, given: object, value: object, *, registry: Registry, tenant: str) -> Evidence:
    """Hash the input, the rows and the result of a run and write its record.

    Raises
    ------
    InputError
        If the value has no canonical form (it holds a float, or an object of the agent's own).
    """
    common = {
        "calculation_id": f"calc_{uuid4().hex}",
        "timestamp": datetime.now(UTC),
        "tenant": tenant,
        "plan_hash": plan.hash,
        "agents": [_agent_use(spec, registry) for spec in plan.agents],
        "input_hash": _input_hash(given),
        "input_name": given.table.name if isinstance(given, InventoryInput) else "",
    }
    inventory = inventory_of(value)
    if inventory is None:
        return Evidence(make_record(result=value, **common), None, (), ())
    series = tuple(series_of(inventory))
    schema = RowSchema(tuple(one.name for one in series), LABELS)
    summary = inventory_summary(inventory)
    skipped = tuple(summary.pop("skipped"))
    skipped_tree = ItemTree(SKIPPED_HEADER)
    for skip in skipped:
        skipped_tree.add(skip)
    record = make_record(
        result={"inventory": summary, "report": _report(value)},
        rows=_row_tree(inventory, schema, series),
        skipped=skipped_tree,
        formulas=[
            FormulaUse(formula_id=formula["formula_id"], formula_hash=formula["formula_hash"])
            for formula in formulas_used()
        ],
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
        scope=[str(scope) for scope in sorted({part.scope for part in inventory.parts})],
        method=[method for method in sorted({part.method for part in inventory.parts}) if method],
        unit_table_hash=unit_table_hash(),
        fallbacks=summary["fallbacks"],
        roundings=roundings(),
        **common,
    )
    return Evidence(record, schema, series, skipped)


def _agent_use(spec: AgentSpec, registry: Registry) -> AgentUse:
    return AgentUse(name=spec.name, version=spec.version, code_identity=registry.code_identity(spec))


def _input_hash(given: object) -> str:
    if not isinstance(given, InventoryInput):
        return input_hash_of_value(given)
    columns = list(given.table.columns)
    tree = ItemTree(table_header(columns))
    for rows in table_chunks(given):
        tree.add_table_rows(rows)
    return input_hash_of_table(
        columns,
        len(given.table),
        tree.finish(),
        policy=given.policy,
        files=[(file.name, file.sha256) for file in given.factor_files],
    )


def table_chunks(given: InventoryInput, size: int = 16_384) -> Iterator[list[tuple[str, ...]]]:
    """The rows of the input table, so many at a time."""
    for start in range(0, len(given.table), size):
        yield list(given.table.rows(start, start + size))


def _report(value: object) -> dict[str, Any] | None:
    if not isinstance(value, Report):
        return None
    return {"columns": list(value.columns), "rows": [list(row) for row in value.rows]}


def _row_tree(inventory: Inventory, schema: RowSchema, series: tuple[Series, ...]) -> RowTree:
    tree = RowTree(schema)
    start = 0
    for ids, selections in row_labels(inventory):
        labels: dict[str, list[Label]] = {"id": list(ids), "selections": list(selections)}
        tree.add_columns(len(ids), {one.name: _slice(one, start, start + len(ids)) for one in series}, labels)
        start += len(ids)
    return tree


def _slice(series: Series, start: int, stop: int) -> SparseSeries:
    """The figures of the rows from `start` to `stop`, without copying them."""
    low, high = series.rows.searchsorted((start, stop))
    return SparseSeries(series.rows[low:high], memoryview(series.figures[int(low) : int(high)]))
