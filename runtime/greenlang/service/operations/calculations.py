"""Calculations: the records of the ledger, with what proves them."""

from __future__ import annotations

__all__ = ["Calculations"]

import msgspec

from greenlang.engine.executions import Runner
from greenlang.ledger import inclusion_of
from greenlang.service.messages import CalculationData
from greenlang.service.operations.told import unknown
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer


class Calculations:
    """Operations on the ledger, over a runner's store."""

    def __init__(self, runner: Runner) -> None:
        self._store = runner.store

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/calculations/{id}",
                self.calculation,
                "A calculation with its proof",
                answers={200: (CalculationData,)},
            ),
        ]

    async def calculation(self, call: Call) -> Reply:
        """`GET /v1/calculations/{id}`."""
        found = await self._store.calculation(call.tenant, call.names["id"])
        if found is None:
            raise unknown("calculation", call.names["id"])
        inclusion = msgspec.json.encode(inclusion_of(found.leaves, found.position))
        data = CalculationData(msgspec.Raw(found.record), msgspec.Raw(inclusion), msgspec.Raw(found.head))
        return answer(call, data)
