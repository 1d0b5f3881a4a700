"""One run of a plan: the value it gives, and the record that proves it, committed to a chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from greenlang.agents import Registry, default_registry
from greenlang.carbon import TableFormat, factor_roles, result_table
from greenlang.engine.evidence import Evidence, gather_evidence
from greenlang.engine.lifecycle import acall, call
from greenlang.gcel import Catching, Caught, Plan, StepLedger, Trace
from greenlang.ledger import (
    BundleContents,
    CalculationRecord,
    Commit,
    OutputRows,
    Signer,
    Unsigned,
    atomic_writer,
    commit,
    load_signer,
    save_bundle,
)

__all__ = ["Execution", "aexecute", "execute", "save_result", "save_table", "signing_state"]


@dataclass(frozen=True, slots=True)
class Execution:
    """A finished run."""

    plan: Plan
    value: Any
    evidence: Evidence
    commit: Commit
    #: When what ran, if that was asked for.
    trace: Trace | None = None

    @property
    def record(self) -> CalculationRecord:
        """The calculation record, with its link and signer."""
        return self.commit.records[0]

    def proof(self) -> Iterator[tuple[str, str]]:
        """What proves it, for people: names and texts."""
        record = self.record
        yield "result_hash", record.result_hash
        yield "input_hash", record.input_hash
        yield "plan_hash", record.plan_hash + ("" if self.plan.portable else " (not portable)")
        yield "gwp_set", record.gwp_set or "none"
        yield "signed by", record.signer or f"nobody: {record.unsigned_because}"

    def to_json(self) -> str:
        """The calculation record with the rows that were left out, and any trace, indented."""
        skipped = (self.evidence.lists or {}).get("skipped", [])
        told = {**msgspec.to_builtins(self.record), "skipped": skipped}
        if self.trace is not None:
            told["trace"] = self.trace.document()
        return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()


def execute(
    plan: Plan,
    given: object,
    *,
    registry: Registry | None = None,
    tenant: str = "default",
    ledger: StepLedger | None = None,
    trace: Trace | None = None,
) -> Execution:
    """Run a plan and prove what it gave; with a ledger, go on from what steps gave before.

    The lifecycle hooks of the registry's plugins run around it.

    Raises
    ------
    InputError
        For a mistake in the input, a result that has no canonical form, or a pack that the tenant's policy
        does not admit.
    """
    known = registry if registry is not None else default_registry()
    known.admit(plan.agents, tenant)

    def work(taken: object) -> Execution:
        with Catching() as caught:
            value = plan.run(taken, ledger=ledger, trace=trace)
        return _proven(plan, taken, value, caught, known, tenant, trace)

    return call(known.lifecycle, plan, given, work, tenant=tenant, proves=True)


async def aexecute(
    plan: Plan, given: object, *, registry: Registry | None = None, tenant: str = "default"
) -> Execution:
    """`execute` inside an event loop."""
    known = registry if registry is not None else default_registry()
    known.admit(plan.agents, tenant)

    async def work(taken: object) -> Execution:
        with Catching() as caught:
            value = await plan.arun(taken)
        return _proven(plan, taken, value, caught, known, tenant, None)

    return await acall(known.lifecycle, plan, given, work, tenant=tenant, proves=True)


def _proven(
    plan: Plan,
    given: object,
    value: object,
    caught: Iterable[Caught],
    registry: Registry,
    tenant: str,
    trace: Trace | None,
) -> Execution:
    evidence = gather_evidence(plan, given, value, registry=registry, tenant=tenant, caught=caught)
    return Execution(plan, value, evidence, commit([evidence.record], load_signer()), trace)


def save_result(execution: Execution, path: Path) -> None:
    """Write the result bundle of a run; `path` has all of it, or what it had before.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    evidence = execution.evidence
    factors = (
        {factor.ef_cid: factor.canonical() for factor, _ in factor_roles(evidence.inventory)}
        if evidence.inventory is not None
        else {}
    )
    save_bundle(
        path,
        BundleContents(
            record=execution.record,
            head=execution.commit.head,
            inclusion=execution.commit.inclusions[0],
            plan=execution.plan.to_json(),
            input=evidence.input,
            output=OutputRows(evidence.schema, evidence.leaves, evidence.rows()) if evidence.schema else None,
            lists=evidence.lists or {},
            factors=sorted(factors.items()),
        ),
    )


def save_table(execution: Execution, path: Path, form: TableFormat) -> None:
    """Write the table of a run; `path` has all of it, or what it had before.

    Raises
    ------
    InputError
        If the result is no table, or the file cannot be written.
    """
    made = result_table(execution.value)
    with atomic_writer(path) as file:
        form.write(file, made)


def signing_state() -> str:
    """Whether results are signed here, and with which key, in words."""
    signer: Signer | Unsigned = load_signer()
    return signer.fingerprint if isinstance(signer, Signer) else f"none: {signer.reason}"
