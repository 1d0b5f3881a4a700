"""Inventories of executions and batches, cut up for charts, and every figure with all that it came from."""

from __future__ import annotations

__all__ = ["Inventories", "look_at_batches", "look_at_executions"]

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.carbon import (
    Cut,
    GasEmissions,
    GasRate,
    Inventory,
    Selection,
    Slice,
    Slices,
)
from greenlang.carbon import Emissions as AgentEmissions
from greenlang.engine import Evidence
from greenlang.engine.batches import Batches, BatchesAgain
from greenlang.engine.batches import State as BatchStates
from greenlang.engine.executions import Again
from greenlang.exact import decimal_text, exact_context
from greenlang.ledger import FIRST_ROW
from greenlang.service.messages import (
    CutData,
    Fault,
    FigureData,
    InventoryData,
    InventoryQuery,
    InventoryRow,
    InventoryRowData,
    InventoryRowList,
    InventoryRowQuery,
    UsedFactor,
)
from greenlang.service.operations.aside import aside
from greenlang.service.operations.factors import factor_data
from greenlang.service.operations.told import found, unknown
from greenlang.service.reading import read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Refusal, Reply, answer, next_link
from greenlang.stores import State, Store

_Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked into."""

    id: str
    calculation_id: str | None
    evidence: Evidence


#: Finds what the path of a call names, or raises Refusal: 404 if there is none, 409 if it has not completed.
Look = Callable[[Call], Awaitable[Looked]]


class Inventories:
    """Operations on what executions or batches gave; it is computed again to be cut up.

    Parameters
    ----------
    kind : str
        `execution` or `batch`.
    """

    def __init__(self, kind: str, look: Look) -> None:
        self._kind = kind
        self._look = look

    def routes(self) -> list[Route]:
        """What is answered here."""
        base = f"/v1/{'batches' if self._kind == 'batch' else 'executions'}/{{id}}/inventory"
        return [
            Route(
                "GET",
                base,
                self.inventory,
                "An inventory by scope, gas, site and month",
                permission=Permission.READ,
                query=InventoryQuery,
                answers={200: (InventoryData,)},
                refusals=(409,),
                name=f"{self._kind}_inventory",
            ),
            Route(
                "GET",
                f"{base}/rows",
                self.inventory_rows,
                "Rows of an inventory, the largest first",
                permission=Permission.READ,
                query=InventoryRowQuery,
                answers={200: (InventoryRowList,)},
                refusals=(409,),
                name=f"{self._kind}_inventory_rows",
            ),
            Route(
                "GET",
                f"{base}/rows/{{row}}",
                self.inventory_row,
                "A row of an inventory with all that it came from",
                permission=Permission.READ,
                answers={200: (InventoryRowData,)},
                refusals=(409,),
                name=f"{self._kind}_inventory_row",
            ),
        ]

    async def inventory(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/inventory`."""
        asked = read_query(call, InventoryQuery)
        looked, inventory = await self._inventory(call)
        return answer(call, await aside(_cut_up, looked, inventory, asked))

    async def inventory_rows(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/inventory/rows`."""
        asked = read_query(call, InventoryRowQuery)
        _, inventory = await self._inventory(call)
        listed = await aside(_page, inventory, asked)
        links = () if listed.next_cursor is None else (next_link(call, listed.next_cursor),)
        return answer(call, listed, headers=links)

    async def inventory_row(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/inventory/rows/{row}`."""
        looked, inventory = await self._inventory(call)
        number = call.names["row"]
        known = number.isascii() and number.isdigit() and len(number) < 10
        if not known or not 0 <= int(number) - FIRST_ROW < len(inventory.data):
            raise unknown("row", number)
        return answer(call, _row_data(looked, inventory, int(number) - FIRST_ROW))

    async def _inventory(self, call: Call) -> tuple[Looked, Inventory]:
        looked = await self._look(call)
        if looked.evidence.inventory is None:
            fix = "end its program with ghg.inventory"
            raise Refusal(409, Fault("inventory", f"{self._kind} {looked.id} gave no inventory", "id", fix))
        return looked, looked.evidence.inventory


def look_at_executions(store: Store, again: Again) -> Look:
    """Finds executions."""

    async def look(call: Call) -> Looked:
        row = await found(store, call)
        if row.state is not State.COMPLETED:
            raise Refusal(409, Fault("state", f"execution {row.id} is {row.state}", "id"))
        return Looked(row.id, row.calculation_id, await aside(again.evidence, row))

    return look


def look_at_batches(batches: Batches, again: BatchesAgain) -> Look:
    """Finds batches."""

    async def look(call: Call) -> Looked:
        folder = batches.find(call.tenant, call.names["id"])
        if folder is None:
            raise unknown("batch", call.names["id"])
        state = folder.state()
        if state.state is not BatchStates.COMPLETED:
            raise Refusal(409, Fault("state", f"batch {folder.batch_id} is {state.state}", "id"))
        evidence = await aside(again.evidence, folder)
        return Looked(folder.batch_id, state.calculation_id or None, evidence)

    return look


def _slice(asked: InventoryQuery, slices: Slices) -> Slice:
    method = asked.method or slices.method
    return Slice(method, asked.scope, asked.gas, asked.site, asked.month, asked.activity)


def _cut_up(looked: Looked, inventory: Inventory, asked: InventoryQuery) -> InventoryData:
    evidence = looked.evidence
    slices = Slices(inventory)
    part = _slice(asked, slices)
    summary, skipped = evidence.record.result["inventory"], (evidence.lists or {}).get("skipped", [])
    scopes = slices.by_scope(part)
    return InventoryData(
        id=looked.id,
        calculation_id=looked.calculation_id,
        result_hash=evidence.record.result_hash,
        gwp_set=inventory.gwp.name,
        method=part.method,
        rows={**summary["rows"], "in_part": slices.count(part)},
        co2e_kg=_sum(scopes),
        whole_co2e_kg=_sum(slices.by_scope(Slice(part.method))),
        totals=summary["totals"],
        scopes=_told(scopes),
        gases=_told(slices.by_gas(part)),
        sites=_told(slices.by_site(part)),
        activities=_told(slices.by_activity(part)),
        months=_told(slices.by_month(part)),
        missing=summary["missing"],
        fallbacks=summary["fallbacks"],
        skipped=skipped,
    )


def _sum(cuts: Sequence[Cut]) -> str:
    with localcontext(exact_context()):
        return decimal_text(sum((cut.co2e for cut in cuts), Decimal(0)))


def _told(cuts: Sequence[Cut]) -> list[CutData]:
    return [CutData(list(cut.key), decimal_text(cut.co2e)) for cut in cuts]


def _page(inventory: Inventory, asked: InventoryRowQuery) -> InventoryRowList:
    slices = Slices(inventory)
    rows = slices.rows(_slice(asked, slices))
    start = int(asked.cursor or 0)
    stop = start + asked.limit
    data = inventory.data
    quantities = data.quantity.take(np.array([one.row for one in rows[start:stop]], dtype=np.int64))
    return InventoryRowList(
        [
            InventoryRow(
                row=one.row + FIRST_ROW,
                id=data.id[one.row],
                site=data.site[one.row],
                period=data.period[one.row],
                activity=data.activity[one.row],
                quantity=quantity or "",
                unit=data.unit[one.row],
                region=data.region[one.row],
                co2e_kg=decimal_text(one.co2e),
            )
            for one, quantity in zip(rows[start:stop], quantities.to_strings(trimmed=True), strict=True)
        ],
        len(rows),
        str(stop) if stop < len(rows) else None,
    )


def _row_data(looked: Looked, inventory: Inventory, index: int) -> InventoryRowData:
    record = looked.evidence.record
    table = inventory.data.table
    return InventoryRowData(
        row=index + FIRST_ROW,
        cells=dict(zip(table.columns, next(table.rows(index, index + 1)), strict=True)),
        figures=[figure for part in inventory.parts for figure in _figures(part, index)],
        fallbacks=[
            {"kind": one.kind, "wanted": one.wanted, "used": one.used}
            for part in inventory.parts
            for selection in _selections(part, index)
            for one in selection.fallbacks
        ],
        formulas=[msgspec.to_builtins(formula) for formula in record.formulas],
        roundings=list(record.roundings),
        hashes={
            "input_hash": record.input_hash,
            "plan_hash": record.plan_hash,
            "result_hash": record.result_hash,
            "row_root": record.row_root,
            "unit_table_hash": record.unit_table_hash,
        },
        gwp_set=inventory.gwp.name,
        calculation_id=looked.calculation_id,
    )


def _figures(part: AgentEmissions, index: int) -> Iterator[FigureData]:
    selections = list(_selections(part, index))
    for gas in part.gases:
        place = _place(gas.rows, index)
        if place is None:
            continue
        rates = [rate for selection in selections for rate in selection.rates if _is_of(rate, gas)]
        yield FigureData(
            agent=part.agent,
            scope=part.scope,
            method=part.method,
            category=part.category,
            gas=f"{gas.gas} (biogenic)" if gas.co2e is None else gas.gas,
            mass_kg=None if gas.mass is None else gas.mass.take(place).to_strings(trimmed=True)[0],
            co2e_kg=None if gas.co2e is None else gas.co2e.take(place).to_strings(trimmed=True)[0],
            rate=str(rates[0].rate) if len(rates) == 1 else "",
            factors=[
                UsedFactor(str(weight), factor_data(factor, ""))
                for rate in rates
                for factor, weight in rate.parts
            ],
        )


def _is_of(rate: GasRate, gas: GasEmissions) -> bool:
    return (rate.gas, rate.biogenic) == (gas.gas, gas.biogenic)


def _selections(part: AgentEmissions, index: int) -> Iterator[Selection]:
    for selection, rows in zip(part.selections, part.selection_rows, strict=True):
        if _place(rows, index) is not None:
            yield selection


def _place(rows: _Rows, index: int) -> npt.NDArray[np.int64] | None:
    """Where a row stands among ascending rows, to take it; None if it does not."""
    place = int(np.searchsorted(rows, index))
    return np.array([place]) if place < len(rows) and rows[place] == index else None
