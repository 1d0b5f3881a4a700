"""Puts finished partitions together: one record over all rows, and the sums that people look at."""

from __future__ import annotations

__all__ = ["Merged", "Totals", "merge_parts"]

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from greenlang.carbon import gwp_set, unit_table_hash
from greenlang.engine.batches.definition import BatchDefinition
from greenlang.engine.batches.parts import PartHeading, RefusedRow
from greenlang.engine.batches.sums import DIMENSIONS, MOST_KEYS, Sum, added
from greenlang.ledger import (
    CalculationRecord,
    FactorUse,
    FormulaUse,
    ItemTree,
    input_hash_of_table,
    list_header,
    make_record,
)
from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.merkle import root_of
from greenlang.ledger.ranges import RangeTree

#: Bytes of a leaf.
_LEAF = 32


class Totals(msgspec.Struct, frozen=True):
    """What a batch comes to, for tables and charts."""

    rows: int
    computed: int
    failed: int
    #: Dimensions with too many keys to sum by.
    without: tuple[str, ...]
    #: By scope and method; the two methods of scope 2 are never added.
    totals: tuple[Sum, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A whole batch."""

    record: CalculationRecord
    totals: Totals
    selections: Mapping[str, bytes]
    factors: Mapping[str, bytes]


class _Leaves(RangeTree):
    """A tree of ranges whose leaves others have made."""

    def __init__(self, leaves: bytes, count: int) -> None:
        super().__init__()
        self.leaves = [leaves[start : start + _LEAF] for start in range(0, len(leaves), _LEAF)]
        self._count = count

    def _close_last_range(self) -> None:
        """Nothing is left over: each leaf came whole."""


def merge_parts(
    definition: BatchDefinition,
    headings: Sequence[PartHeading],
    refused: Iterator[RefusedRow],
    *,
    calculation_id: str,
    plan_hash: str,
    **of_plan: Any,
) -> Merged:
    """The record over all partitions, not committed yet, and what it comes to.

    Parameters
    ----------
    headings : sequence of PartHeading
        Of every partition, in order.
    refused : iterator of RefusedRow
        The rows that were not computed, in order.
    of_plan : object
        What else the record says of the plan, as `plan_evidence` has it.
    """
    sums = added(one for heading in headings for one in heading.sums)
    crowded = tuple(by for by in DIMENSIONS[1:] if _is_crowded(by, sums))
    sums = [one for one in sums if one.by not in crowded]
    totals = added(_as_total(one) for one in sums if one.by == "activity")
    computed = sum(heading.computed for heading in headings)
    selections = {name: entry for heading in headings for name, entry in heading.selections.items()}
    factors = {name: record for heading in headings for name, record in heading.factors.items()}
    missing, fallbacks = _counted(headings, "missing"), _counted(headings, "fallbacks")
    gwp = gwp_set(definition.policy.gwp_set).name
    rows = {"given": definition.rows, "computed": computed, "skipped": definition.rows - computed}
    record = make_record(
        calculation_id=calculation_id,
        timestamp=datetime.now(UTC),
        tenant=definition.tenant,
        plan_hash=plan_hash,
        input_hash=_input_hash(definition, headings),
        input_name=definition.name,
        result={
            "inventory": {
                "gwp_set": gwp,
                "rows": rows,
                "totals": [_told(one) for one in totals],
                "lines": [
                    {"activity": one.key, "category": one.category, **_told(one)}
                    for one in sums
                    if one.by == "activity"
                ],
                "missing": missing,
                "fallbacks": fallbacks,
                "co2e_as_published": _as_published(factors),
            },
            "report": None,
        },
        rows=_Leaves(b"".join(heading.leaves for heading in headings), definition.rows),
        lists={"selections": _selection_tree(selections), "skipped": _refused_tree(refused)},
        formulas=[FormulaUse(*formula) for heading in headings for formula in heading.formulas],
        factors=_factor_uses(factors, {role for heading in headings for role in heading.roles}),
        gwp_set=gwp,
        scope=sorted({str(scope) for heading in headings for scope in heading.scopes}),
        method=sorted({method for heading in headings for method in heading.methods}),
        unit_table_hash=unit_table_hash(),
        fallbacks=[*fallbacks, *_decoded(one for heading in headings for one in heading.caught)],
        roundings=_decoded(one for heading in headings for one in heading.roundings),
        **of_plan,
    )
    told = Totals(definition.rows, computed, definition.rows - computed, crowded, tuple(totals), tuple(sums))
    return Merged(record, told, selections, factors)


def _input_hash(definition: BatchDefinition, headings: Sequence[PartHeading]) -> str:
    """The hash of the table as `greenlang run` has it, so that it is known for the same input."""
    leaves = b"".join(heading.input_leaves for heading in headings)
    root = root_of([leaves[start : start + _LEAF] for start in range(0, len(leaves), _LEAF)])
    return input_hash_of_table(
        definition.columns,
        definition.rows,
        f"sha256:{root.hex()}",
        policy=definition.policy,
        files=[(file.name, file.text) for file in definition.factor_files],
    )


def _is_crowded(by: str, sums: Sequence[Sum]) -> bool:
    return len({one.key for one in sums if one.by == by}) > MOST_KEYS


def _as_total(one: Sum) -> Sum:
    return msgspec.structs.replace(one, key="", category="")


def _told(one: Sum) -> dict[str, Any]:
    return {
        "scope": one.scope,
        "method": one.method,
        "rows": one.rows,
        "mass_kg": {gas: one.mass_kg[gas] for gas in sorted(one.mass_kg)},
        "biogenic_co2_kg": one.biogenic_co2_kg,
        "co2e_kg": one.co2e_kg,
        **({} if one.co2e_as_published_kg is None else {"co2e_as_published_kg": one.co2e_as_published_kg}),
    }


def _decoded(encoded: Iterable[bytes]) -> list[Any]:
    """What several partitions say, each once."""
    return [msgspec.json.decode(one) for one in sorted(set(encoded))]


def _counted(headings: Sequence[PartHeading], of: str) -> list[dict[str, Any]]:
    """What several partitions tell of their rows, with all rows counted."""
    counts: Counter[bytes] = Counter()
    for heading in headings:
        counts.update(getattr(heading, of))
    return [{**msgspec.json.decode(told), "rows": counts[told]} for told in sorted(counts)]


def _as_published(factors: Mapping[str, bytes]) -> list[dict[str, str]]:
    """The factors that are CO2e already, and under which warming potentials."""
    records = {name: msgspec.json.decode(factors[name]) for name in sorted(factors)}
    return [
        {
            "activity": record["activity"],
            "gwp_basis": record.get("gwp_basis", "unspecified"),
            "ef_cid": name,
        }
        for name, record in records.items()
        if record["gas"] == "CO2e"
    ]


def _selection_tree(selections: Mapping[str, bytes]) -> ItemTree:
    """The list of selections, in order of their ids."""
    tree = ItemTree(list_header("selections"))
    for name in sorted(selections):
        tree.add_encoded(encode_plain({"id": name, "selection": msgspec.Raw(selections[name])}))
    return tree


def _refused_tree(refused: Iterator[RefusedRow]) -> ItemTree:
    tree = ItemTree(list_header("skipped"))
    for one in refused:
        tree.add_encoded(encode_plain(msgspec.structs.asdict(one)))
    return tree


def _factor_uses(factors: Mapping[str, bytes], roles: set[tuple[str, str]]) -> Iterator[FactorUse]:
    for name, role in sorted(roles):
        record = msgspec.json.decode(factors[name])
        yield FactorUse(
            ef_cid=name,
            role=role,
            gas=record["gas"],
            source=record.get("source", ""),
            value=record["value"],
            unit=record["unit"],
            edition=record.get("edition", ""),
        )
