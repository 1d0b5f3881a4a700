"""Calculations verified on request, in front of whoever asks."""

from __future__ import annotations

__all__ = ["Verifications"]

import asyncio
import time
from collections.abc import Callable
from functools import partial

from greenlang.engine import Evidence
from greenlang.engine.calculations import verify_calculation
from greenlang.engine.executions import Again, Runner
from greenlang.ledger import load_known_keys
from greenlang.service.inventory_messages import VerdictData, VerificationData, VerifyRequest
from greenlang.service.messages import Fault
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Refusal, Reply, answer


class Verifications:
    """Operations that check what the ledger says."""

    def __init__(self, runner: Runner, again: Again) -> None:
        self._store = runner.store
        self._again = again

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/calculations/{id}/verify",
                self.verify,
                "Verify a calculation: integrity, recomputed, authentic",
                permission=Permission.READ,
                request=VerifyRequest,
                answers={200: (VerificationData,)},
                examples={"The calculation of an execution": {"execution_id": "exec_01a1fedb"}},
            ),
        ]

    async def verify(self, call: Call) -> Reply:
        """`POST /v1/calculations/{id}/verify`."""
        asked = read_body(call, VerifyRequest)
        kept = await self._store.calculation(call.tenant, call.names["id"])
        if kept is None:
            raise unknown("calculation", call.names["id"])
        compute = None if asked.execution_id is None else await self._compute(call, asked.execution_id)
        began = time.perf_counter()
        verification = await asyncio.to_thread(verify_calculation, kept, compute, keys=load_known_keys())
        verdicts = [
            VerdictData(name, verdict.status, verdict.sentence, [one.text() for one in verdict.findings])
            for name, verdict in verification.verdicts.items()
        ]
        return answer(call, VerificationData(verdicts, round(time.perf_counter() - began, 6)))

    async def _compute(self, call: Call, execution_id: str) -> Callable[[], Evidence]:
        row = await self._store.execution(call.tenant, execution_id)
        if row is None:
            raise unknown("execution", execution_id)
        if row.calculation_id != call.names["id"]:
            fault = Fault("execution", f"execution {row.id} made another calculation", "execution_id")
            raise Refusal(400, fault)
        return partial(self._again.compute, row)
