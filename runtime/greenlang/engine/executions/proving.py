"""The record of a run as a store keeps it, made quickly where runs of one plan differ in little."""

from __future__ import annotations

__all__ = ["Proven", "Prover"]

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec

from greenlang.agents import Registry
from greenlang.carbon import InventoryInput
from greenlang.engine.evidence import Evidence, gather_evidence, inventory_of
from greenlang.engine.executions.identifiers import new_id
from greenlang.engine.executions.moments import timestamp_text
from greenlang.gcel import Caught, Plan
from greenlang.ledger import (
    CalculationRecord,
    FormulaUse,
    RecordTemplate,
    Signer,
    Unsigned,
    canonical_bytes,
    input_hash_of_value,
    make_head,
    name_signer,
)
from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.stores import NewRecord, Sealed

#: Templates kept, one a plan as it is written.
_TEMPLATES = 512


class Proven(msgspec.Struct, frozen=True):
    """What a run gave, as it is told and as it is kept."""

    record: NewRecord
    result: bytes  #: canonical JSON: a plain value, or an inventory's summary
    result_hash: str
    formulas: tuple[FormulaUse, ...] = ()


class Prover:
    """Makes and seals the records of one installation."""

    def __init__(self, registry: Registry, signer: Signer | Unsigned) -> None:
        self._registry = registry
        self._signer = signer
        self._templates: OrderedDict[str, RecordTemplate] = OrderedDict()

    def prove(
        self,
        plan: Plan,
        given: object,
        value: object,
        *,
        tenant: str,
        at: int,
        caught: Sequence[Caught] = (),
    ) -> Proven:
        """The record of a run that turned `given` into `value`, and of what was caught on the way.

        Raises
        ------
        InputError
            If the value has no canonical form (it holds a float, or an object of an agent's own).
        """
        if isinstance(given, InventoryInput) or inventory_of(value) is not None:
            return self._prove_inventory(plan, given, value, tenant, at, caught)
        if caught:
            evidence = self._evidence(plan, given, value, tenant, caught)
            named = self.named(evidence.record, at)
            return Proven(self.kept(named, at), canonical_bytes(value), named.result_hash)
        template = self._templates.get(plan.document_hash)
        if template is None:
            template = self._template(plan, given, value)
        calculation_id = new_id("calc", at)
        result = canonical_bytes(value)
        filled = template.fill(
            calculation_id=calculation_id,
            timestamp=timestamp_text(at),
            tenant=tenant,
            input_hash=input_hash_of_value(given),
            result=result,
        )
        record = NewRecord(calculation_id, tenant, filled.json, filled.leaf, at)
        return Proven(record, result, filled.result_hash)

    def named(self, record: CalculationRecord, at: int) -> CalculationRecord:
        """A record with an id, a time and its signer: all but the link that its commit makes."""
        return msgspec.structs.replace(
            name_signer(record, self._signer),
            calculation_id=new_id("calc", at),
            timestamp=timestamp_text(at),
        )

    def kept(self, record: CalculationRecord, at: int, *, evidence: bytes = b"") -> NewRecord:
        """A record as a store keeps it."""
        fields = msgspec.to_builtins(record)
        del fields["chain_hash"]
        json = encode_plain(fields)  # `make_record` has made it plain
        return NewRecord(record.calculation_id, record.tenant, json, leaf_hash(json), at, evidence)

    def seal(self, leaves: Any, previous: str | None) -> Sealed:
        """Link the records of one commit to the chain and sign its head."""
        head = make_head(leaves, self._signer, **({} if previous is None else {"previous": previous}))
        return Sealed(head.chain_hash, msgspec.json.encode(head))

    def _template(self, plan: Plan, given: object, value: object) -> RecordTemplate:
        evidence = gather_evidence(plan, given, value, registry=self._registry)
        template = RecordTemplate(name_signer(evidence.record, self._signer))
        self._templates[plan.document_hash] = template
        if len(self._templates) > _TEMPLATES:
            self._templates.popitem(last=False)
        return template

    def _evidence(
        self, plan: Plan, given: object, value: object, tenant: str, caught: Sequence[Caught]
    ) -> Evidence:
        return gather_evidence(plan, given, value, registry=self._registry, tenant=tenant, caught=caught)

    def _prove_inventory(
        self, plan: Plan, given: object, value: object, tenant: str, at: int, caught: Sequence[Caught]
    ) -> Proven:
        evidence = self._evidence(plan, given, value, tenant, caught)
        named = self.named(evidence.record, at)
        skipped = (evidence.lists or {}).get("skipped", [])
        result = canonical_bytes({"result": named.result, "skipped": skipped})
        return Proven(self.kept(named, at), result, named.result_hash, named.formulas)
