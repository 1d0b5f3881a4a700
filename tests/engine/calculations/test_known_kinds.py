"""What is remembered of kinds of rows changes no result."""

import asyncio
import csv
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.agents import Registry
from greenlang.carbon import AccountingPolicy, InventoryInput, table_of_objects
from greenlang.engine.calculations import Calculator
from greenlang.engine.executions import PlanCache, Prover
from greenlang.ledger import Unsigned
from greenlang.stores import open_store

ROOT = Path(__file__).parents[3]
REGISTRY = Registry()
PLANS = PlanCache(REGISTRY)


def examples():
    """The rows of every first-party pack's example."""
    for path in sorted(ROOT.glob("agent_packs/*/src/*/examples/*.csv")):
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if "activity" in row:
                    yield {**row, "id": f"{path.stem} {row['id']}"}


ROWS = list(examples())

activities = st.fixed_dictionaries(
    {
        "activity": st.sampled_from(
            ["natural gas", "diesel", "electricity", "car", "gasoline", "unobtainium"]
        ),
        "unit": st.sampled_from(["MMBtu", "L", "kWh", "MWh", "km", "gal"]),
        "region": st.sampled_from(["US", "GB", "CAMX", ""]),
        "period": st.sampled_from(["2024", "2025-02", "2024-12/2025-01"]),
        "method": st.sampled_from(["", "", "stationary", "mobile", "market-based", "employee commuting"]),
        "tags": st.sampled_from(
            ["", "", "", "vehicle=Gasoline Passenger Cars; model_year=2015; distance=5 mi"]
        ),
        "quantity": st.sampled_from(["0", "1", "2.5", "-3", "1e17", "99999999999999999999", "x"]),
    }
)


def ask(rows, policy):
    return InventoryInput(
        table_of_objects([{"id": str(number), **row} for number, row in enumerate(rows)], name="test"), policy
    )


def computed(calculator, *requests):
    async def main():
        prover = Prover(REGISTRY, Unsigned("a test"))
        store = open_store("memory:", prover.seal)
        one = calculator or Calculator(store, PLANS, prover)
        try:
            return [await one.calculate(request, tenant="t") for request in requests]
        finally:
            await store.close()

    return asyncio.run(main())


@settings(max_examples=25 * int(os.environ.get("GREENLANG_FUZZ", "1")), deadline=None)
@given(st.lists(activities, min_size=1, max_size=8), st.lists(activities, min_size=1, max_size=8), st.data())
def test_what_was_learned_changes_no_result(learned, asked, data):
    policy = AccountingPolicy(on_error="skip", gwp_set=data.draw(st.sampled_from(["AR4", "AR5", "AR6"])))
    first, again = ask(learned + asked, policy), ask(asked, policy)
    *_, known, _ = computed(None, first, again, first)
    (fresh,) = computed(None, again)
    assert known.outcome == fresh.outcome
    assert known.record.result_hash == fresh.record.result_hash


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_agents_that_promise_it_look_at_each_row_alone(row):
    policy = AccountingPolicy(on_error="skip")
    (alone,) = computed(None, ask([row], policy))
    (together,) = computed(None, ask([row, *ROWS], policy))

    def figures(outcome):
        return {
            one.name: outcome.texts(one)[0] for one in outcome.series if 0 in one.rows(len(outcome)).tolist()
        }

    assert figures(alone.outcome) == figures(together.outcome)


def test_a_known_kind_is_not_asked_of_the_agents_again(monkeypatch):
    prover = Prover(REGISTRY, Unsigned("a test"))
    row = {"period": "2025", "activity": "natural gas", "quantity": "2", "unit": "MMBtu", "region": "US"}
    policy = AccountingPolicy(on_error="skip")

    async def main():
        store = open_store("memory:", prover.seal)
        calculator = Calculator(store, PLANS, prover)
        first = await calculator.calculate(ask([row], policy), tenant="t")
        monkeypatch.setattr(type(calculator.plan()), "run", None)
        again = await calculator.calculate(ask([row], policy), tenant="t")
        await store.close()
        assert again.record.result_hash == first.record.result_hash

    asyncio.run(main())
