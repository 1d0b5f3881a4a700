"""One activity of a prepared kind has the record that its table would have, byte by byte."""

import asyncio
import os
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.agents import Registry
from greenlang.carbon import AccountingPolicy, InventoryInput, table_of_objects
from greenlang.engine.calculations import Calculator
from greenlang.engine.executions import PlanCache, Prover
from greenlang.errors import DataError
from greenlang.ledger import Unsigned
from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.record import hash_record
from greenlang.stores import open_store

REGISTRY = Registry()
PLANS = PlanCache(REGISTRY)
STOP = AccountingPolicy()

activities = st.fixed_dictionaries(
    {
        "activity": st.sampled_from(
            ["natural gas", "Wood and Wood Residuals", "diesel", "electricity", "R-410A"]
        ),
        "unit": st.sampled_from(["MMBtu", "therm", "L", "kWh", "kg", "short ton"]),
        "region": st.sampled_from(["US", "GB", "CAMX", ""]),
        "period": st.sampled_from(["2024", "2025-02", "2024-12/2025-01"]),
        "site": st.sampled_from(["", "Tacoma plant", 'with "quotes" and é']),
        "method": st.sampled_from(["", "stationary", "mobile"]),
        "tags": st.sampled_from(["", "", "", "supplier=Nobody"]),
        "uncertainty": st.sampled_from(["", "", "", "5%"]),
    }
)
quantities = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12).map(
        str
    ),
    st.sampled_from(
        ["0", "-0.0", "1e3", "1E-18", "1e-19", "1e17", "1e30", "x", "", " 1", "0.0000005", "2.5"]
    ),
)
names = st.one_of(st.text(min_size=1, max_size=8), st.sampled_from(["A-1", "100 %s", '"', " padded "]))


def asked(row):
    return InventoryInput(table_of_objects([row], name="activities"), STOP)


def with_calculator(use):
    async def main():
        prover = Prover(REGISTRY, Unsigned("a test"))
        store = open_store("memory:", prover.seal)
        try:
            return await use(Calculator(store, PLANS, prover), store)
        finally:
            await store.close()

    return asyncio.run(main())


async def prepared(calculator, row):
    """Have the kind of a row met twice."""
    for _ in range(2):
        await calculator.calculate(asked(row), tenant="t")


@settings(max_examples=40 * int(os.environ.get("GREENLANG_FUZZ", "1")), deadline=None)
@given(activities, quantities, names)
def test_it_is_what_the_columns_give(kind, quantity, name):
    async def use(calculator, store):
        try:
            await prepared(calculator, {"id": "first", **kind, "quantity": "12.5"})
        except DataError:
            return  # nobody computes such a row
        row = {"id": name, **kind, "quantity": quantity}
        one = await calculator.calculate_one(row, STOP, tenant="t")
        if one is None:  # left to the columns
            return
        columns = await calculator.calculate(asked(row), tenant="t")
        assert one.outcome == columns.outcome
        same = {"calculation_id": "", "timestamp": "", "chain_hash": None}
        assert msgspec.structs.replace(one.record, **same) == msgspec.structs.replace(columns.record, **same)
        kept = await store.calculation("t", one.id)
        fields = {key: value for key, value in msgspec.to_builtins(one.record).items() if key != "chain_hash"}
        assert kept.record == encode_plain(fields)
        assert kept.leaves == (leaf_hash(kept.record),) == (hash_record(one.record),)

    with_calculator(use)


ROW = {
    "id": "A",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": "2",
    "unit": "MMBtu",
    "region": "US",
}


def test_a_prepared_kind_is_used_and_gives_exact_figures():
    async def use(calculator, store):
        assert await calculator.calculate_one(ROW, STOP, tenant="t") is None
        await prepared(calculator, ROW)
        made = await calculator.calculate_one({**ROW, "quantity": "0.1"}, STOP, tenant="t")
        figures = {one.name: Decimal(made.outcome.texts(one)[0]) for one in made.outcome.series}
        assert figures["scope1.CO2"] == Decimal("5.306")
        assert await calculator.calculate_one(ROW, AccountingPolicy(gwp_set="AR6"), tenant="t") is None

    with_calculator(use)


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "x"},
        {"quantity": "1e30"},
        {"quantity": "1e-19"},
        {"id": ""},
        {"id": " A "},
        {"unit": "therm"},
    ],
)
def test_what_is_unusual_is_left_to_the_columns(changed):
    async def use(calculator, store):
        await prepared(calculator, ROW)
        assert await calculator.calculate_one({**ROW, **changed}, STOP, tenant="t") is None

    with_calculator(use)


def test_rows_with_tags_and_rows_that_fail_are_not_prepared():
    async def use(calculator, store):
        tagged = {**ROW, "tags": "vehicle=Gasoline Passenger Cars"}
        for row in (tagged, {**ROW, "unit": "no unit"}):
            for _ in range(3):
                try:
                    await calculator.calculate(asked(row), tenant="t")
                except DataError:
                    continue
            assert await calculator.calculate_one(row, STOP, tenant="t") is None

    with_calculator(use)


def test_one_key_makes_one_calculation_however_it_is_computed():
    async def use(calculator, store):
        await prepared(calculator, ROW)
        key = {"tenant": "t", "idempotency_key": "k", "request": b"a"}
        first = await calculator.calculate(asked(ROW), **key)
        again = await calculator.calculate_one(ROW, STOP, **key)
        assert (again.id, again.outcome) == (first.id, first.outcome)

    with_calculator(use)


def test_kinds_of_long_texts_are_not_kept():
    row = {"id": "A", "activity": "natural gas", "unit": "MMBtu", "region": "US", "period": "2025-02"}

    async def use(calculator, _):
        found = []
        for site in ("Tacoma plant", "T" * 2_000):
            await prepared(calculator, {**row, "site": site, "quantity": "1"})
            found.append(
                await calculator.calculate_one({**row, "site": site, "quantity": "2"}, STOP, tenant="t")
            )
        assert [one is not None for one in found] == [True, False]

    with_calculator(use)
