from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from greenlang.ledger.ranges import ItemTree, list_header, table_header
from greenlang.ledger.record import (
    AgentUse,
    CalculationRecord,
    FactorUse,
    FormulaUse,
    hash_plan_document,
    hash_record,
    hash_result,
    input_hash_of_table,
    input_hash_of_value,
    make_record,
)
from greenlang.ledger.rows import RowSchema, RowTree


def factor(number: int) -> FactorUse:
    return FactorUse(f"ef_{number:016x}", "emission", "CO2", "EPA", "53.06", "kg/mmBtu", "2025")


@dataclass(frozen=True)
class Fallback:
    kind: str
    rows: int


def fields() -> dict[str, Any]:
    rows = RowTree(RowSchema(("scope1.CO2",)))
    rows.add_row({"scope1.CO2": Decimal("1.5")})
    skipped = ItemTree(list_header("skipped"))
    skipped.add({"row": 3, "message": "unknown unit"})
    return {
        "calculation_id": "id",
        "timestamp": datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
        "tenant": "acme",
        "input_name": "activities.csv",
        "input_hash": "sha256:in",
        "plan_hash": "sha256:plan",
        "agents": [AgentUse("fuels.stationary", "1.0.0", "sha256:code")],
        "formulas": [FormulaUse("mass", "1", "quantity * factor", "sha256:formula")],
        "factors": [factor(1), factor(2)],
        "gwp_set": "AR5",
        "scope": ["1", "2"],
        "method": ["location"],
        "unit_table_hash": "sha256:units",
        "fallbacks": [Fallback("vintage", 2), Fallback("region", 1)],
        "roundings": [{"place": "mass", "digits": 12, "mode": "half-even"}],
        "result": {"total": Decimal("1.50")},
        "rows": rows,
        "lists": {"skipped": skipped},
    }


#: What each field becomes in another run, and whether that is another result.
CHANGES: list[tuple[dict[str, Any], bool]] = [
    ({"calculation_id": "other"}, False),
    ({"timestamp": datetime(2026, 1, 1, tzinfo=UTC)}, False),
    ({"tenant": "other"}, False),
    ({"input_name": "renamed.csv"}, False),
    ({"input_hash": "sha256:other"}, True),
    ({"plan_hash": "sha256:other"}, True),
    ({"agents": []}, False),  # covered by the plan's hash
    ({"formulas": []}, False),  # covered by the plan's hash
    ({"factors": [factor(1)]}, True),
    ({"gwp_set": "AR6"}, True),
    ({"scope": []}, False),  # covered by the results themselves
    ({"method": []}, False),
    ({"unit_table_hash": "sha256:other"}, True),
    ({"fallbacks": []}, True),
    ({"roundings": []}, False),  # covered by the plan's hash
    ({"result": {"total": "1.6"}}, True),
    ({"rows": None}, True),
    ({"lists": {}}, True),
]


@pytest.mark.parametrize(("change", "matters"), CHANGES)
def test_result_hash_covers_what_the_design_says_and_nothing_else(
    change: dict[str, Any], matters: bool
) -> None:
    base, changed = make_record(**fields()), make_record(**(fields() | change))
    assert (base.result_hash != changed.result_hash) is matters
    assert hash_record(base) != hash_record(changed)


def test_every_field_is_in_the_record_hash_but_the_link() -> None:
    base = make_record(**fields())
    for field in msgspec.structs.fields(CalculationRecord):
        changed = msgspec.structs.replace(base, **{field.name: ["other"]})
        assert (hash_record(changed) == hash_record(base)) is (field.name == "chain_hash")


def test_the_order_in_which_things_were_met_leaves_no_trace() -> None:
    base = fields()
    turned = fields() | {
        name: list(reversed(base[name])) for name in ("factors", "fallbacks", "scope", "agents")
    }
    turned["factors"] = [*turned["factors"], factor(1)]
    assert make_record(**turned) == make_record(**base)


def test_a_record_is_text_integers_and_json() -> None:
    record = make_record(**fields())
    assert record.result == {"total": "1.5"}
    assert record.fallbacks == ({"kind": "region", "rows": 1}, {"kind": "vintage", "rows": 2})
    assert record.timestamp == "2025-01-02T03:04:05Z"
    assert (record.row_count, record.lists["skipped"].count) == (1, 1)
    again = msgspec.json.decode(msgspec.json.encode(record), type=CalculationRecord)
    assert again == record
    assert hash_record(again) == hash_record(record)
    assert hash_result(again) == record.result_hash


def test_one_instant_in_two_zones_is_one_timestamp() -> None:
    there = datetime(2025, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert make_record(**(fields() | {"timestamp": there})).timestamp == "2025-01-02T03:04:05Z"


def test_a_list_without_items_leaves_no_trace() -> None:
    empty = {"skipped": ItemTree(list_header("skipped"))}
    assert make_record(**(fields() | {"lists": empty})) == make_record(**(fields() | {"lists": {}}))


def test_the_input_hash_of_a_table_covers_columns_rows_policy_and_files() -> None:
    tree = ItemTree(table_header(["id", "quantity"]))
    tree.add_table_rows([("A-1", "1.5")])
    root = tree.finish()
    hashes = {
        input_hash_of_table(["id", "quantity"], 1, root),
        input_hash_of_table(["id", "amount"], 1, root),
        input_hash_of_table(["id", "quantity"], 2, root),
        input_hash_of_table(["id", "quantity"], 1, root, policy={"gwp_set": "AR5"}),
        input_hash_of_table(["id", "quantity"], 1, root, files=[("own.csv", "activity,gas")]),
    }
    assert len(hashes) == 5


def test_the_input_hash_of_a_value_is_that_of_its_number_however_written() -> None:
    assert input_hash_of_value({"kWh": Decimal("1.50")}) == input_hash_of_value({"kWh": Decimal("1.5")})
    assert input_hash_of_value(Decimal("1.5")) != input_hash_of_value(Decimal("1.6"))


def test_the_hashes_of_a_known_record_never_change() -> None:
    """Bundles outlive releases: who changes these constants changes `greenlang.record/1` to `/2`."""
    record = make_record(**fields())
    assert record.result_hash == "sha256:2c5141024af0e8aeb532e59baccfdfe45d6bc6c6d68a6549a5b2b8e0b446bca1"
    assert hash_record(record).hex() == "1e89c5a590a05876473293bff4b7ba9548d86728daf4f43ecd244484e402f6fb"


def test_the_json_of_a_plan_is_hashed_however_it_is_spaced() -> None:
    one = hash_plan_document(b'{"a": 1, "b": 2}')
    assert one == hash_plan_document(b'{"b":2,"a":1}')
    record = make_record(**(fields() | {"plan_document_hash": one}))
    assert record.result_hash == make_record(**fields()).result_hash
