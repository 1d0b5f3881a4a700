"""The calculation record: everything a result came from, and the hash that equal runs share.

`make_record` takes plain data and trees, and computes `result_hash`; `greenlang.ledger.chain` adds the chain
and the signer.  All fields are text, integers or JSON of them: no decimal or date is left to interpretation.
"""

from __future__ import annotations

__all__ = [
    "RECORD_SCHEMA",
    "AgentUse",
    "CalculationRecord",
    "FactorUse",
    "FormulaUse",
    "ListRoot",
    "hash_plan_document",
    "hash_record",
    "hash_result",
    "input_hash_of_table",
    "input_hash_of_value",
    "make_record",
    "result_fields",
]

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from greenlang.ledger.canonical import JSON, canonical_bytes, digest, digest_of_bytes, encode_plain, plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.ranges import ItemTree, RangeTree
from greenlang.ledger.strict_json import decode_strictly

RECORD_SCHEMA = "greenlang.record/1"


class AgentUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An agent that ran; without a signer it has the bytes that it had before there were signers."""

    name: str
    version: str
    #: Digest of its distribution's files or of its source; None makes the plan not portable.
    code_identity: str | None
    #: Fingerprint of the key that signed its pack; None for code that nobody signed.
    signer: str | None = None


class FormulaUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A formula that was computed."""

    formula_id: str
    version: str
    text: str
    formula_hash: str


class FactorUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An emission factor that a result rests on, and what for."""

    #: Content id, `ef_` and 16 hex digits; the bundle carries the factor's whole record under it.
    ef_cid: str
    #: What it was used as: `emission`, `heat content`, `grid average`…
    role: str
    gas: str
    source: str
    #: As published.
    value: str
    unit: str
    edition: str


class ListRoot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list that goes with a result, as its length and the root over its items."""

    count: int
    root: str


class CalculationRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one result came from; a batch is one record over the tree of its rows."""

    schema_version: str = RECORD_SCHEMA
    calculation_id: str
    #: UTC, ISO 8601.
    timestamp: str
    tenant: str
    #: Name of the input file; not part of any hash of the result, for a renamed file is the same input.
    input_name: str
    input_hash: str
    plan_hash: str
    #: Digest of the plan's whole JSON, source places included, which `plan_hash` leaves out.
    plan_document_hash: str | None
    agents: tuple[AgentUse, ...]
    formulas: tuple[FormulaUse, ...]
    factors: tuple[FactorUse, ...]
    gwp_set: str | None
    scope: tuple[str, ...]
    method: tuple[str, ...]
    unit_table_hash: str | None
    #: What was taken instead of what (region, vintage, method), as JSON objects in canonical order.
    fallbacks: tuple[dict[str, Any], ...]
    #: Where digits were rounded away, to how many places, in which mode.
    roundings: tuple[dict[str, Any], ...]
    #: A plain value's JSON; an inventory's summary.
    result: Any
    row_count: int
    #: Root over the result's rows; None if it has none.
    row_root: str | None
    #: Lists that go with the result, by name: rows that were skipped and why, what rows were multiplied by.
    lists: dict[str, ListRoot]
    result_hash: str
    #: Fingerprint of the key that signs the chain, or None and why.
    signer: str | None = None
    unsigned_because: str | None = None
    #: None until the record is committed to a chain.
    chain_hash: str | None = None


def make_record(
    *,
    calculation_id: str,
    timestamp: datetime,
    input_hash: str,
    plan_hash: str,
    result: object,
    plan_document_hash: str | None = None,
    tenant: str = "default",
    input_name: str = "",
    agents: Iterable[AgentUse] = (),
    formulas: Iterable[FormulaUse] = (),
    factors: Iterable[FactorUse] = (),
    gwp_set: str | None = None,
    scope: Iterable[str] = (),
    method: Iterable[str] = (),
    unit_table_hash: str | None = None,
    fallbacks: Iterable[object] = (),
    roundings: Iterable[object] = (),
    rows: RangeTree | None = None,
    lists: Mapping[str, ItemTree] | None = None,
) -> CalculationRecord:
    """The record of a calculation, with its `result_hash`; not committed yet.

    What has no order of its own (agents, formulas, factors, fallbacks, roundings, scopes, methods) is sorted
    and told once, so that the order in which workers met it leaves no trace.

    Parameters
    ----------
    timestamp : datetime
        Aware; told in UTC.
    plan_document_hash : str
        `hash_plan_document` of the plan as bundles carry it, so that no part of it is changed unseen.
    result, fallbacks, roundings : object
        Anything with a canonical form: decimals become strings, structs objects.
    rows : RangeTree
        Of the result's rows, complete; it is finished here.
    lists : Mapping
        Trees of the lists that go with the result, complete; one without items leaves no trace.
    """
    record = CalculationRecord(
        calculation_id=calculation_id,
        timestamp=str(plain(timestamp)),
        tenant=tenant,
        input_name=input_name,
        input_hash=input_hash,
        plan_hash=plan_hash,
        plan_document_hash=plan_document_hash,
        agents=_sorted_once(agents),
        formulas=_sorted_once(formulas),
        factors=_sorted_once(factors),
        gwp_set=gwp_set,
        scope=_sorted_once(scope),
        method=_sorted_once(method),
        unit_table_hash=unit_table_hash,
        fallbacks=_sorted_once(map(_plain_object, fallbacks)),
        roundings=_sorted_once(map(_plain_object, roundings)),
        result=plain(result),
        row_count=len(rows) if rows is not None else 0,
        row_root=rows.finish() if rows is not None else None,
        lists={name: ListRoot(len(tree), tree.finish()) for name, tree in (lists or {}).items() if len(tree)},
        result_hash="",
    )
    return msgspec.structs.replace(record, result_hash=hash_result(record))


def hash_result(record: CalculationRecord) -> str:
    """The hash that equal runs share on any machine: never time, ids, tenant, file name, signer or chain."""
    # All of it is plain: `make_record` made it so.
    return digest_of_bytes(encode_plain({"schema": "greenlang.result/1", **result_fields(record)}))


def result_fields(record: CalculationRecord) -> dict[str, object]:
    """What `result_hash` covers."""
    return {
        "input_hash": record.input_hash,
        "plan_hash": record.plan_hash,
        "factors": sorted({factor.ef_cid for factor in record.factors}),
        "gwp_set": record.gwp_set,
        "unit_table_hash": record.unit_table_hash,
        "result": record.result,
        "row_count": record.row_count,
        "row_root": record.row_root,
        "lists": record.lists,
        "fallbacks": record.fallbacks,
    }


def hash_record(record: CalculationRecord) -> bytes:
    """The record's leaf in the tree of its commit: everything in it but the link that the commit makes."""
    fields = msgspec.to_builtins(record)
    del fields["chain_hash"]
    return leaf_hash(canonical_bytes(fields))


def hash_plan_document(document: bytes) -> str:
    """The digest of a plan's JSON, however it is spaced."""
    return digest_of_bytes(encode_plain(decode_strictly(document, "plan")))


def input_hash_of_value(value: object, policy: object = None) -> str:
    """The `input_hash` of a calculation on one value."""
    return digest({"schema": "greenlang.input/1", "policy": policy, "value": value})


def input_hash_of_table(
    columns: Sequence[str],
    row_count: int,
    root: str,
    *,
    policy: object = None,
    files: Iterable[tuple[str, str]] = (),
) -> str:
    """The `input_hash` of a calculation on a table.

    Parameters
    ----------
    root : str
        What the table's `ItemTree` gave.
    policy : object
        The choices it is computed under.
    files : iterable of (name, text)
        Own factor files given beside the table; their order is part of the input.
    """
    table = {"columns": list(columns), "row_count": row_count, "root": root}
    named = [{"name": name, "sha256": digest_of_bytes(text.encode())} for name, text in files]
    return digest({"schema": "greenlang.input/1", "policy": policy, "files": named, "table": table})


def _sorted_once(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(item for _, item in sorted({_bytes_of(item): item for item in items}.items()))


def _bytes_of(item: object) -> bytes:
    """The canonical JSON of an item; that of structs is kept, for agents and factors come again."""
    return _struct_bytes(item) if isinstance(item, msgspec.Struct) else canonical_bytes(item)


@lru_cache(4096)
def _struct_bytes(item: msgspec.Struct) -> bytes:
    return canonical_bytes(item)


def _plain_object(value: object) -> dict[str, JSON]:
    told = plain(value)
    return told if isinstance(told, dict) else {"text": told}
