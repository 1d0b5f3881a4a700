"""What is kept of an execution is held to its record."""

import asyncio

import msgspec
import pytest

from greenlang.agents import Registry
from greenlang.engine.executions import Order, PlanCache, Prover, Runner, Terms, result_findings
from greenlang.ledger import CalculationRecord, Unsigned
from greenlang.stores import open_store

GAS = {"id": "A", "period": "2025-02", "activity": "natural gas", "quantity": "5", "unit": "MMBtu"}
ROWS = msgspec.json.encode([{**GAS, "region": "US"}, {**GAS, "id": "B", "activity": "moonshine"}])
ORDERS = {
    "a value": Order("sum", msgspec.Raw(b"[1, 2.5]")),
    "an inventory": Order(
        "ghg.intake >> (fuels.stationary) >> ghg.inventory", msgspec.Raw(ROWS), {"on_error": "skip"}
    ),
}


@pytest.fixture(scope="module")
def kept():
    """Executions that are done, each with its record."""

    async def run(runner, order):
        accepted = await runner.execute(order, Terms(tenant="acme"), wait_seconds=30)
        row = await runner.store.execution("acme", accepted.id)
        found = await runner.store.calculation("acme", row.calculation_id)
        return row, msgspec.json.decode(found.record, type=CalculationRecord)

    async def main():
        registry = Registry()
        prover = Prover(registry, Unsigned("a test"))
        runner = Runner(open_store("memory:", prover.seal), PlanCache(registry), prover)
        await runner.start()
        found = {name: await run(runner, order) for name, order in ORDERS.items()}
        await runner.stop(1)
        await runner.store.close()
        return found

    return asyncio.run(main())


@pytest.mark.parametrize("name", ORDERS)
def test_what_was_kept_is_what_the_record_says(kept, name):
    assert list(result_findings(*kept[name])) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("a value", b"3.5", b"4.5", "another result"),
        ("an inventory", b'"rows":{', b'"rows":{"more":1,', "another result"),
        ("an inventory", b'"skipped":[', b'"skipped":[{"row":9},', "other skipped rows"),
    ],
)
def test_a_result_that_was_changed_is_found(kept, name, old, new, told):
    row, record = kept[name]
    assert row.result.count(old) == 1
    changed = msgspec.structs.replace(row, result=row.result.replace(old, new))
    (finding,) = result_findings(changed, record)
    assert finding.text() == f"execution {row.id} has {told} than its record"


@pytest.mark.parametrize("name", ORDERS)
def test_a_result_that_was_deleted_is_found(kept, name):
    row, record = kept[name]
    (finding,) = result_findings(msgspec.structs.replace(row, result=None), record)
    assert finding.text() == f"execution {row.id} has another result than its record"
