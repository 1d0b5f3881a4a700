"""Calculations verified on request, in front of whoever asks."""

from __future__ import annotations

__all__ = ["Verifications"]

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from greenlang.engine.batches import Batches, BatchesAgain, batch_findings
from greenlang.engine.calculations import verify_calculation
from greenlang.engine.executions import Again, result_findings
from greenlang.ledger import CalculationRecord, Finding, load_known_keys
from greenlang.service.messages import Fault, VerdictData, VerificationData, VerifyRequest
from greenlang.service.operations.aside import aside
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Refusal, Reply, answer
from greenlang.stores import Store

_Recompute: TypeAlias = Callable[[], CalculationRecord]
_Beside: TypeAlias = Callable[[CalculationRecord], Iterable[Finding]]


class Verifications:
    """Operations that check what the ledger says."""

    def __init__(
        self, store: Store, again: Again, batches: Batches | None, batches_again: BatchesAgain
    ) -> None:
        self._store = store
        self._again = again
        self._batches = batches
        self._batches_again = batches_again

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
        recompute, beside = await self._made_by(call, asked)
        began = time.perf_counter()
        verification = await aside(
            verify_calculation,
            kept,
            recompute,
            tenant=call.tenant,
            calculation_id=call.names["id"],
            keys=load_known_keys(),
            beside=beside,
        )
        verdicts = [
            VerdictData(name, verdict.status, verdict.sentence, [one.text() for one in verdict.findings])
            for name, verdict in verification.verdicts.items()
        ]
        return answer(call, VerificationData(verdicts, round(time.perf_counter() - began, 6)))

    async def _made_by(self, call: Call, asked: VerifyRequest) -> tuple[_Recompute | None, _Beside]:
        """What makes the record again (None: nobody says what it was made by), and looks beside it."""
        if asked.execution_id is not None:
            row = await self._store.execution(call.tenant, asked.execution_id)
            if row is None:
                raise unknown("execution", asked.execution_id)
            _check_made(call, row.calculation_id, f"execution {row.id}", "execution_id")
            return (lambda: self._again.compute(row).record), partial(result_findings, row)
        if asked.batch_id is not None:
            folder = None if self._batches is None else self._batches.find(call.tenant, asked.batch_id)
            if folder is None:
                raise unknown("batch", asked.batch_id)
            made = folder.state().calculation_id
            _check_made(call, made, f"batch {folder.batch_id}", "batch_id")
            return (lambda: self._batches_again.record(folder)), partial(batch_findings, folder)
        return None, _nothing


def _nothing(_: CalculationRecord) -> Iterable[Finding]:
    return ()


def _check_made(call: Call, calculation_id: str | None, maker: str, field: str) -> None:
    if calculation_id != call.names["id"]:
        raise Refusal(400, Fault(field, f"{maker} made another calculation", field))
