"""Activities computed on request are computed, recorded and proved as `greenlang run` does it."""

import asyncio

import msgspec
import pytest

from greenlang.agents import EVERYBODY, Registry
from greenlang.carbon import AccountingPolicy, InventoryInput, table_of_objects
from greenlang.engine import gather_evidence
from greenlang.engine.calculations import (
    Calculator,
    CalculatorSettings,
    prove_outcome_row,
    read_calculation,
    standard_program,
)
from greenlang.engine.executions import PlanCache, Prover
from greenlang.errors import DataError, InputError, PackError
from greenlang.ledger import Unsigned, hash_result, proof_holds
from greenlang.stores import open_store

GAS = {"period": "2025-02", "activity": "natural gas", "quantity": "1500", "unit": "MMBtu", "region": "US"}
POWER = {**GAS, "activity": "electricity", "unit": "MWh", "region": "CAMX"}
WRONG = {**GAS, "unit": "MMBtuh"}


def given(*rows, **policy):
    named = [{"id": f"R-{number}", **row} for number, row in enumerate(rows)]
    return InventoryInput(table_of_objects(named, name="test"), AccountingPolicy(**policy))


@pytest.fixture(scope="module")
def registry():
    return Registry()


@pytest.fixture
def use(registry):
    """Runs a test's coroutine with a calculator and its store."""

    def run(test, **settings):
        async def main():
            prover = Prover(registry, Unsigned("a test"))
            store = open_store("memory:", prover.seal)
            calculator = Calculator(store, PlanCache(registry), prover, CalculatorSettings(**settings))
            try:
                return await test(calculator, store)
            finally:
                await store.close()

        return asyncio.run(main())

    return run


def test_a_request_has_the_result_hash_of_the_same_plan_run_by_hand(use, registry):
    asked = given(GAS, POWER, WRONG, on_error="skip")

    async def test(calculator, store):
        made = await calculator.calculate(asked, tenant="acme")
        plan = calculator.plan()
        by_hand = gather_evidence(plan, asked, plan.run(asked), registry=registry)
        assert made.record.result_hash == by_hand.record.result_hash == hash_result(made.record)
        kept = await store.calculation("acme", made.id)
        record, outcome = read_calculation(kept)
        assert record == msgspec.structs.replace(made.record, chain_hash=None)
        assert outcome == made.outcome

    use(test)


@pytest.mark.parametrize("count", [1, 3, 1024, 1025, 2500])
def test_every_row_can_be_proved_from_what_is_kept(use, count):
    asked = given(*[(GAS, POWER, WRONG)[row % 3] for row in range(count)], on_error="skip")

    async def test(calculator, store):
        made = await calculator.calculate(asked, tenant="acme")
        _, outcome = read_calculation(await store.calculation("acme", made.id))
        for row in {2, count // 2 + 2, count + 1}:
            proof = prove_outcome_row(outcome, row, made.record.row_root)
            assert proof.proved["id"] == f"R-{row - 2}"
            assert proof_holds(proof)
            changed = msgspec.structs.replace(proof, rows=({**proof.rows[0], "id": "X"}, *proof.rows[1:]))
            assert not proof_holds(changed)
        with pytest.raises(InputError, match="has no row"):
            prove_outcome_row(outcome, count + 2, made.record.row_root)

    use(test)


def test_one_key_makes_one_calculation(use):
    async def test(calculator, store):
        def ask(request):
            return calculator.calculate(given(GAS), tenant="acme", idempotency_key="k", request=request)

        first, again, other = [await ask(request) for request in (b"a", b"a", b"b")]
        assert first.id == again.id == other.id
        assert again.outcome == first.outcome
        assert other.record is None

    use(test)


def test_with_on_error_stop_a_mistake_is_told_and_nothing_is_committed(use):
    async def test(calculator, store):
        with pytest.raises(DataError, match="MMBtuh"):
            await calculator.calculate(given(GAS, WRONG), tenant="acme")
        assert [link async for link in store.commits()] == []

    use(test)


def test_large_requests_are_computed_in_a_thread_with_the_same_result(use):
    asked = given(GAS, POWER, on_error="skip")

    async def test(calculator, store):
        return (await calculator.calculate(asked, tenant="acme")).record.result_hash

    assert use(test, rows_in_loop=0) == use(test)


@pytest.mark.parametrize(
    ("program", "told"), [("sum", "takes no activity data"), ("ghg.intake", "which is no inventory")]
)
def test_a_program_that_computes_no_inventory_is_refused(use, program, told, tmp_path):
    (tmp_path / "own.gcel").write_text(program)

    async def test(calculator, store):
        with pytest.raises(InputError, match=told):
            await calculator.calculate(given(GAS), tenant="acme")

    use(test, program=tmp_path / "own.gcel")


def test_without_a_pack_it_is_said_what_to_install():
    with pytest.raises(InputError, match="pip install greenlang-fuels"):
        standard_program(["ghg.intake", "acme.double"])
    assert standard_program(["fuels.mobile"]) == "ghg.intake >> (fuels.mobile) >> ghg.inventory"


def test_a_pack_that_is_not_for_a_tenant_computes_nothing_for_it():
    def admit(plugin, tenant=EVERYBODY):
        if tenant == "stranger" and "fuels" in plugin.distribution:
            raise PackError("its policy trusts other signers", fix="have it signed")

    async def main():
        registry = Registry(admit=admit)
        prover = Prover(registry, Unsigned("a test"))
        store = open_store("memory:", prover.seal)
        calculator = Calculator(store, PlanCache(registry), prover, CalculatorSettings())
        cells = {"id": "R-0", **GAS}
        for _ in range(3):  # the third time its kind is prepared
            await calculator.calculate(given(GAS), tenant="acme")
        assert await calculator.calculate_one(cells, AccountingPolicy(), tenant="acme") is not None
        with pytest.raises(PackError):
            await calculator.calculate(given(GAS), tenant="stranger")
        with pytest.raises(PackError):
            await calculator.calculate_one(cells, AccountingPolicy(), tenant="stranger")
        assert sum([len(link.records) async for link in store.commits()]) == 4
        await store.close()

    asyncio.run(main())
