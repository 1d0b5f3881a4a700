"""A small calculation with everything that a bundle can carry: rows times a factor, one row skipped."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greenlang.errors import InputError
from greenlang.ledger import (
    AgentUse,
    Bundle,
    BundleContents,
    FactorUse,
    FormulaUse,
    ItemTree,
    Label,
    OutputRows,
    OwnFile,
    RowSchema,
    RowTree,
    Signer,
    TableInput,
    Unsigned,
    canonical_bytes,
    commit,
    digest_of_bytes,
    list_header,
    load_signer,
    make_record,
    read_bundle,
    table_header,
    write_bundle,
)
from greenlang.ledger.record import hash_plan_document
from greenlang.ledger.verification import Recomputation

COLUMNS = ("id", "fuel", "quantity")
SCHEMA = RowSchema(("scope1.CO2", "scope1.co2e"), labels=("id", "factors"))
PLAN = b'{"steps": [{"agent": "toy.multiply", "options": {"retry": 0.5}}], "version": 1}'
FACTOR = canonical_bytes(
    {"activity": "gas", "gas": "CO2", "source": "EPA", "value": "2.50", "unit": "kg/m3", "edition": "2025"}
)
EF_CID = "ef_" + digest_of_bytes(FACTOR).removeprefix("sha256:")[:16]
POLICY = {"gwp_set": "AR5", "on_error": "skip"}


@dataclass(frozen=True)
class Made:
    """A calculation: what a bundle of it is made of, and the bytes of that bundle."""

    contents: Callable[[], BundleContents]
    data: bytes

    @property
    def bundle(self) -> Bundle:
        return read_bundle(self.data)

    def tampered(self, change: Callable[[Any], None]) -> Bundle:
        """The bundle after somebody edited its JSON."""
        document = json.loads(self.data)
        change(document)
        return read_bundle(json.dumps(document).encode())


def table_rows(count: int) -> list[list[str | None]]:
    return [[f"A-{index}", "gas", "oops" if index == 1 else str(index)] for index in range(count)]


def computed(rows: list[list[str | None]]) -> Iterator[dict[str, Label]]:
    for name, _, quantity in rows:
        if quantity is None or not quantity.isdigit():
            yield {"id": name}
        else:
            mass = f"{Decimal(quantity) * Decimal('2.5'):f}"
            yield {"id": name, "factors": [EF_CID], "scope1.CO2": mass, "scope1.co2e": mass}


def calculate(rows: list[list[str | None]], plan_hash: str, name: str) -> tuple[Any, RowTree]:
    table = ItemTree(table_header(COLUMNS))
    table.add_table_rows(rows)
    given = TableInput(
        name, COLUMNS, len(rows), table.finish(), rows, POLICY, (OwnFile("own.csv", "activity,gas\r\n"),)
    )
    tree = RowTree(SCHEMA)
    total = Decimal(0)
    for row in computed(rows):
        figures = {
            series: Decimal(text) for series in SCHEMA.series if isinstance(text := row.get(series), str)
        }
        total += figures.get("scope1.co2e", Decimal(0))
        tree.add_row(figures, {label: row.get(label) for label in SCHEMA.labels})
    skipped = ItemTree(list_header("skipped"))
    for item in skipped_rows(rows):
        skipped.add(item)
    record = make_record(
        calculation_id="calc_1",
        timestamp=datetime(2025, 6, 1, 12, tzinfo=UTC),
        tenant="acme",
        input_name=name,
        input_hash=given.input_hash,
        plan_hash=plan_hash,
        plan_document_hash=hash_plan_document(PLAN),
        agents=[AgentUse("toy.multiply", "1.0.0", "sha256:" + "0" * 64)],
        formulas=[FormulaUse("mass", "1", "quantity * factor", "sha256:" + "1" * 64)],
        factors=[FactorUse(EF_CID, "scope 1", "CO2", "EPA", "2.50", "kg/m3", "2025")],
        gwp_set="AR5",
        scope=["1"],
        method=["location"],
        unit_table_hash="sha256:" + "2" * 64,
        fallbacks=[{"kind": "vintage", "rows": 2}],
        roundings=[{"what": "mass", "places": 12}],
        result={"totals": {"scope1.co2e": total}},
        rows=tree,
        lists={"skipped": skipped},
    )
    return (record, given), tree


def skipped_rows(rows: list[list[str | None]]) -> list[dict[str, Any]]:
    return [
        {"row": index, "reason": f"'{row[2]}' is not a number"}
        for index, row in enumerate(rows, start=2)
        if row[2] is None or not row[2].isdigit()
    ]


def hash_plan(plan: bytes) -> str:
    return digest_of_bytes(canonical_bytes(json.loads(plan, parse_float=str)))


def recompute(bundle: Bundle) -> Recomputation:
    """Compute a bundle again from what it carries."""
    if bundle.input.rows is None:
        raise InputError("the rows were left out")
    rows: Any = list(bundle.input.rows)
    (record, _), _ = calculate(rows, hash_plan(bundle.plan), bundle.input.name)
    return Recomputation(record, computed(rows))


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    loaded = load_signer(tmp_path / "greenlang")
    assert isinstance(loaded, Signer)
    return loaded


@pytest.fixture
def make(signer: Signer) -> Callable[..., Made]:
    """Make a bundle of so many rows."""

    def made(count: int = 5, *, by: Signer | Unsigned = signer, **changes: Any) -> Made:
        rows = table_rows(count)
        (record, given), tree = calculate(rows, hash_plan(PLAN), "activities.csv")
        committed = commit([record], by)

        def contents() -> BundleContents:
            made_of = BundleContents(
                record=committed.records[0],
                head=committed.head,
                inclusion=committed.inclusions[0],
                plan=PLAN,
                input=given,
                output=OutputRows(SCHEMA, tree.leaves, computed(rows)),
                lists={"skipped": iter(skipped_rows(rows))},
                factors=[(EF_CID, FACTOR)],
            )
            return replace(made_of, **changes)

        file = io.BytesIO()
        write_bundle(file, contents())
        return Made(contents, file.getvalue())

    return made


@pytest.fixture
def recompute_bundle() -> Callable[[Bundle], Recomputation]:
    return recompute


@pytest.fixture
def plan_hasher() -> Callable[[bytes], str]:
    return hash_plan
