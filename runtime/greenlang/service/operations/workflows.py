"""Programs: run them, ask what came of them, check and plan them."""

from __future__ import annotations

__all__ = ["Workflows"]

from collections.abc import Callable

import msgspec

from greenlang.engine.executions import Order, Runner, Terms
from greenlang.engine.tenancy import Workflows as SavedWorkflows
from greenlang.engine.tenancy import read_reference
from greenlang.errors import InputError
from greenlang.service.messages import (
    ExecuteRequest,
    ExecutionData,
    Fault,
    PlanData,
    PlanRequest,
    ProgramRequest,
    Resulting,
    StatusData,
    ValidationData,
)
from greenlang.service.operations.told import found, told, unknown
from greenlang.service.reading import idempotency_key, read_body
from greenlang.service.reads import Reads
from greenlang.service.roles import Permission
from greenlang.service.routing import IDEMPOTENCY_KEY, Route
from greenlang.service.wire import Call, Refusal, Reply, answer, fault_of
from greenlang.stores import FINAL_STATES, State

_EXAMPLES = {
    "A sum": {"program": "sum", "input": [1, 2.5]},
    "An inventory, before everything else": {
        "program": "ghg.intake >> fuels.stationary >> ghg.inventory",
        "input": [
            {
                "id": "A-01",
                "period": "2025-02",
                "activity": "natural gas",
                "quantity": "1500",
                "unit": "MMBtu",
                "region": "US",
            }
        ],
        "policy": {"gwp_set": "AR6"},
        "priority": "P0",
    },
}


class Workflows:
    """Operations on programs, over a runner."""

    def __init__(self, runner: Runner, reads: Reads, check_webhook: Callable[[str], None]) -> None:
        self._runner = runner
        self._reads = reads
        self._check_webhook = check_webhook
        self._workflows = SavedWorkflows(runner.store.rows)

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/workflows/execute",
                self.execute,
                "Run a program",
                permission=Permission.RUN,
                request=ExecuteRequest,
                answers={200: (Resulting, ExecutionData), 202: (ExecutionData,)},
                refusals=(409,),
                headers=(IDEMPOTENCY_KEY,),
                examples=_EXAMPLES,
            ),
            Route(
                "GET",
                "/v1/workflows/{id}/status",
                self.status,
                "State of an execution",
                permission=Permission.READ,
                answers={200: (StatusData,)},
            ),
            Route(
                "GET",
                "/v1/workflows/{id}/results",
                self.results,
                "Result of an execution",
                permission=Permission.READ,
                answers={200: (Resulting,)},
                refusals=(409,),
            ),
            Route(
                "POST",
                "/v1/workflows/validate",
                self.validate,
                "Check a program",
                permission=Permission.READ,
                request=ProgramRequest,
                answers={200: (ValidationData,)},
            ),
            Route(
                "POST",
                "/v1/workflows/plan",
                self.plan,
                "Plan a program",
                permission=Permission.READ,
                request=PlanRequest,
                answers={200: (PlanData,)},
            ),
        ]

    async def execute(self, call: Call) -> Reply:
        """`POST /v1/workflows/execute`."""
        asked = read_body(call, ExecuteRequest)
        if asked.webhook is not None:
            self._check_webhook(asked.webhook)
        terms = Terms(
            tenant=call.tenant,
            priority=int(asked.priority[1]),
            deadline_seconds=asked.deadline,
            max_attempts=asked.max_attempts,
            webhook=asked.webhook,
            idempotency_key=idempotency_key(call),
        )
        program = asked.program or await self._saved(call.tenant, asked.workflow)
        order = Order(program, asked.input, asked.policy)
        try:
            accepted = await self._runner.execute(order, terms, wait_seconds=asked.wait)
        finally:
            call.agent = self._runner.plans.agent_of(program)
        if not accepted.same_order:
            raise Refusal(
                409,
                Fault(
                    "idempotency_key",
                    f"the key stands for another request, execution {accepted.id}",
                    "Idempotency-Key",
                    "use a new key for a new request",
                ),
            )
        location = (("Location", f"/v1/executions/{accepted.id}"),)
        if accepted.proven is not None:
            proven = accepted.proven
            data = Resulting(
                accepted.id, msgspec.Raw(proven.result), proven.record.calculation_id, proven.result_hash
            )
            return answer(call, data, headers=location)
        row = accepted.row
        if row is None:  # purged in the meantime
            raise unknown("execution", accepted.id)
        if row.state is State.COMPLETED:
            data = Resulting(row.id, msgspec.Raw(row.result or b"null"), row.calculation_id)
            return answer(call, data, headers=location)
        return answer(call, told(row), status=200 if row.state in FINAL_STATES else 202, headers=location)

    async def _saved(self, tenant: str, reference: str | None) -> str:
        """The program that a reference names."""
        if reference is None:
            fault = Fault("request", "there is no program", "program", "send a program, or name a workflow")
            raise Refusal(400, fault)
        name, version = read_reference(reference)
        found = await self._workflows.workflow(tenant, name, version)
        if found is None:
            raise Refusal(404, Fault("not_found", f"there is no workflow '{reference}'", "workflow"))
        return found.program

    async def status(self, call: Call) -> Reply:
        """`GET /v1/workflows/{id}/status`."""
        row = await found(self._reads, call)
        error = None if row.error is None else msgspec.Raw(row.error)
        return answer(call, StatusData(row.id, str(row.state), row.attempt, row.state in FINAL_STATES, error))

    async def results(self, call: Call) -> Reply:
        """`GET /v1/workflows/{id}/results`."""
        row = await found(self._reads, call)
        if row.state is not State.COMPLETED or row.result is None:
            hint = "look at its error" if row.state in FINAL_STATES else "ask again when it has ended"
            raise Refusal(409, Fault("state", f"execution {row.id} is {row.state}", "id", hint))
        return answer(call, Resulting(row.id, msgspec.Raw(row.result), row.calculation_id))

    async def validate(self, call: Call) -> Reply:
        """`POST /v1/workflows/validate`."""
        asked = read_body(call, ProgramRequest)
        try:
            plan = await self._runner.plan(asked.program)
        except InputError as error:
            return answer(call, ValidationData(False, fault_of(error)))
        return answer(call, ValidationData(True, [], plan.hash))

    async def plan(self, call: Call) -> Reply:
        """`POST /v1/workflows/plan`."""
        asked = read_body(call, PlanRequest)
        plan = await self._runner.plan(asked.program)
        return answer(call, PlanData(plan.hash, asked.format, plan.explain(asked.format)))
