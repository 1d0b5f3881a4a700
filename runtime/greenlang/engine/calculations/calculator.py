"""Computes activities: all rows of a request in one columnar run, one record in the ledger."""

from __future__ import annotations

__all__ = ["Calculated", "Calculator", "CalculatorSettings", "read_calculation"]

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from greenlang.agents.phases import phase
from greenlang.agents.spending import Spent, spending, spending_async
from greenlang.carbon import AccountingPolicy, InventoryInput, KnownKinds, read_activity_data
from greenlang.engine.calculations.outcome import Outcome, outcome_of, read_outcome
from greenlang.engine.calculations.programs import standard_program
from greenlang.engine.calculations.single import PreparedActivity, prepare_activity
from greenlang.engine.evidence import Evidence, gather_evidence, inventory_of
from greenlang.engine.executions import PlanCache, Prover, new_id, now, timestamp_text
from greenlang.engine.inputs import load_program
from greenlang.errors import InputError
from greenlang.gcel import Catching, Caught, Plan
from greenlang.ledger import CalculationRecord, TableInput, digest_of_bytes
from greenlang.observing import Counts
from greenlang.stores import Calculation, NewRecord, Store

#: Accounting policies that choices are remembered under.
_POLICIES = 64

#: Kinds of single activities that are kept, each of so many characters at most; with one more, all are
#: forgotten.
_KINDS = 4096
_KIND_CHARACTERS = 2_000

#: The policy, then the columns and cells that decide on all of a record but its figures.
_Kind = tuple[bytes, tuple[str, ...], tuple[str, ...]]

_RECORD = msgspec.json.Decoder(CalculationRecord)


@dataclass(frozen=True, slots=True)
class CalculatorSettings:
    """How activities are computed."""

    #: A GCEL program from activity data to an inventory; None for the standard one.
    program: Path | None = None
    #: Rows of one request that are computed in the event loop; more go to a thread.
    rows_in_loop: int = 2_000
    #: Threads for larger requests.
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Calculated:
    """What came of a request."""

    id: str
    #: None where the request's key stands for what another request made.
    record: CalculationRecord | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A calculation that is ready to be committed."""

    evidence: Evidence
    record: CalculationRecord
    outcome: Outcome
    new: NewRecord


class Calculator:
    """The calculations of one process.

    Parameters
    ----------
    plans : PlanCache
        Compiles the program, and knows which agents are installed.
    counts : Counts, optional
        Counts what is computed.
    """

    def __init__(
        self,
        store: Store,
        plans: PlanCache,
        prover: Prover,
        settings: CalculatorSettings = CalculatorSettings(),
        *,
        counts: Counts | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._prover = prover
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.threads, "greenlang-calculate")
        self._counts = counts
        self._plan: Plan | None = None
        self._known: dict[bytes, KnownKinds] = {}
        #: Kinds of single activities, those that were met and those that are prepared.
        self._met: set[_Kind] = set()
        self._prepared: dict[_Kind, PreparedActivity] = {}

    def plan(self) -> Plan:
        """The plan that every request is run through.

        Raises
        ------
        InputError
            If nothing that computes emissions is installed, or the operator's program does not compile or
            takes no activity data.
        """
        if self._plan is None:
            self._plan = self._compiled()
        return self._plan

    @property
    def agent(self) -> str:
        """The name of the agent that gives the result; empty until something was computed."""
        return "" if self._plan is None or not self._plan.agents else self._plan.agents[-1].name

    def _compiled(self) -> Plan:
        registry, program = self._plans.registry, self._settings.program
        if program is None:
            return self._plans.plan(standard_program(registry.names()))
        plan = load_program(program, registry=registry)
        if plan.input_type is not InventoryInput:
            raise InputError(
                "the program that computes activities takes no activity data",
                fix="begin it with ghg.intake and end it with ghg.inventory",
                place=str(program),
            )
        return plan

    async def calculate(
        self, given: InventoryInput, *, tenant: str, idempotency_key: str | None = None, request: bytes = b""
    ) -> Calculated:
        """Compute activities and commit the record over them.

        Parameters
        ----------
        request : bytes
            All that was asked, by which a repeated key is told from one that is used twice.

        Raises
        ------
        DataError
            Under `on_error="stop"`, if a row cannot be computed: nothing was committed.
        PackError
            If the tenant's policy keeps a pack from it.
        StoreError
            If the record could not be committed.
        """
        phase("discover")
        plan = self.plan()
        spent = self._plans.admit(plan, tenant)
        phase("execute", "calculate")
        try:
            made = await self._compute(plan, given, tenant, spent)
        except Exception as error:
            if self._counts is not None:
                kind = "refused" if isinstance(error, InputError) else "error"
                self._counts.calculated(self.agent, (), kind)
            raise
        if len(made.outcome) == 1 and self._settings.program is None:
            self._prepare(given, made)
        return await self._commit(made.new, made.record, made.outcome, idempotency_key, request, spent)

    async def calculate_one(
        self,
        cells: Mapping[str, str],
        policy: AccountingPolicy,
        *,
        tenant: str,
        idempotency_key: str | None = None,
        request: bytes = b"",
    ) -> Calculated | None:
        """`calculate` for one activity without factors of its own; None if its kind is not prepared.

        Parameters
        ----------
        cells : mapping
            By column; in the order of the table that `calculate` would be given.
        """
        phase("execute", "factor lookup")
        prepared = self._prepared.get(_kind_of(cells, policy))
        if prepared is None:
            return None
        spent = self._plans.admit(self.plan(), tenant)
        phase("execute", "calculate")
        at = now()
        calculation_id, timestamp = new_id("calc", at), timestamp_text(at)
        with spending(spent):
            made = prepared.compute(cells, calculation_id=calculation_id, timestamp=timestamp, tenant=tenant)
        if made is None:
            return None
        new = NewRecord(calculation_id, tenant, made.filled.json, made.filled.leaf, at, made.outcome.encode())
        return await self._commit(new, made.record, made.outcome, idempotency_key, request, spent)

    async def _commit(
        self,
        new: NewRecord,
        record: CalculationRecord,
        outcome: Outcome,
        key: str | None,
        request: bytes,
        spent: Spent | None,
    ) -> Calculated:
        phase("finalise")
        digest = "" if key is None else digest_of_bytes(request)
        submitted = await self._store.add_calculation(new, idempotency_key=key, request_digest=digest)
        if submitted.fresh:
            if self._counts is not None:
                self._counts.calculated(self.agent, record.formulas, "success")
            self._plans.guard.ran(new.tenant, new.calculation_id, spent)
            return Calculated(new.calculation_id, record, outcome)
        return await self._earlier(new.tenant, submitted.id, submitted.request_digest == digest)

    def _prepare(self, given: InventoryInput, made: _Made) -> None:
        """Prepare the kind of a single activity when it is met for the second time."""
        evidence = made.evidence
        if evidence.inventory is None or not isinstance(evidence.input, TableInput):
            return
        kind = _kind_of({name: column[0] for name, column in given.table.columns.items()}, given.policy)
        if kind not in self._met:
            choices, *texts = kind
            if len(choices) + sum(map(len, chain.from_iterable(texts))) > _KIND_CHARACTERS:
                return
            if len(self._met) >= _KINDS:
                self._met.clear()
                self._prepared.clear()
            self._met.add(kind)
        elif kind not in self._prepared:
            prepared = prepare_activity(evidence.inventory, made.record, evidence.input, made.outcome)
            if prepared is not None:
                self._prepared[kind] = prepared

    async def _compute(self, plan: Plan, given: InventoryInput, tenant: str, spent: Spent | None) -> _Made:
        if plan.is_async:
            with Catching() as caught:
                value = await spending_async(spent, plan.arun(given, tenant=tenant))
            return self._made(plan, given, value, tenant, caught)
        if len(given.table) <= self._settings.rows_in_loop:
            return self._run(plan, given, tenant, spent)
        loop = asyncio.get_running_loop()
        run = contextvars.copy_context().run
        return await loop.run_in_executor(self._threads, run, self._run, plan, given, tenant, spent)

    def _run(self, plan: Plan, given: InventoryInput, tenant: str, spent: Spent | None) -> _Made:
        with spending(spent):
            return self._run_plan(plan, given, tenant)

    def _run_plan(self, plan: Plan, given: InventoryInput, tenant: str) -> _Made:
        if self._settings.program is not None or given.factor_files:
            with Catching() as caught:
                made = plan.run(given, tenant=tenant)
            return self._made(plan, given, made, tenant, caught)
        # Of the standard program it is known what it does with a row that is like one before.
        known = self._known_under(given.policy)
        value: object = known.inventory(read_activity_data(given))
        if value is None:
            value = plan.run(given, tenant=tenant)
            if (made := inventory_of(value)) is not None:
                known.learn(made)
        return self._made(plan, given, value, tenant)

    def _known_under(self, policy: AccountingPolicy) -> KnownKinds:
        key = msgspec.json.encode(policy, order="sorted")
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _POLICIES:
                self._known.clear()
            known = self._known[key] = KnownKinds()
        return known

    def _made(
        self, plan: Plan, given: InventoryInput, value: object, tenant: str, caught: Sequence[Caught] = ()
    ) -> _Made:
        if inventory_of(value) is None:
            raise InputError(
                f"the program that computes activities gives {type(value).__name__}, which is no inventory",
                fix="end it with ghg.inventory",
                place=str(self._settings.program),
            )
        phase("execute", "provenance")
        registry = self._plans.registry
        evidence = gather_evidence(plan, given, value, registry=registry, tenant=tenant, caught=caught)
        at = now()
        record, outcome = self._prover.named(evidence.record, at), outcome_of(evidence)
        return _Made(evidence, record, outcome, self._prover.kept(record, at, evidence=outcome.encode()))

    async def _earlier(self, tenant: str, calculation_id: str, same_request: bool) -> Calculated:
        """The calculation that holds the request's key."""
        kept = await self._store.calculation(tenant, calculation_id) if same_request else None
        if kept is None:  # another request's, or an execution's
            return Calculated(calculation_id)
        record, outcome = read_calculation(kept)
        return Calculated(calculation_id, record, outcome)


def _kind_of(cells: Mapping[str, str], policy: AccountingPolicy) -> _Kind:
    alike = tuple(text for name, text in cells.items() if name not in ("id", "quantity"))
    return msgspec.json.encode(policy, order="sorted"), tuple(cells), alike


def read_calculation(kept: Calculation) -> tuple[CalculationRecord, Outcome | None]:
    """A record as it was committed, and its rows if it has any."""
    record = _RECORD.decode(kept.record)
    return record, read_outcome(kept.evidence) if kept.evidence else None
