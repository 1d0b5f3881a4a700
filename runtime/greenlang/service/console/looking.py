"""What only somebody who looks wants to know: who they are here, and what an execution is and does."""

from __future__ import annotations

__all__ = ["Looking"]


import msgspec

from greenlang.engine.executions import Runner, read_order, steps_taken, tell_steps
from greenlang.service.messages import IdentityData, OrderData, StepData, StepsData
from greenlang.service.operations.aside import aside
from greenlang.service.operations.told import found
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer


class Looking:
    """Operations for pages."""

    def __init__(self, runner: Runner) -> None:
        self._store = runner.store
        self._plans = runner.plans

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/identity",
                self.identity,
                "Who asks, and what they may do",
                permission=Permission.READ,
                answers={200: (IdentityData,)},
            ),
            Route(
                "GET",
                "/v1/executions/{id}/order",
                self.order,
                "What an execution was asked to do",
                permission=Permission.READ,
                answers={200: (OrderData,)},
            ),
            Route(
                "GET",
                "/v1/executions/{id}/steps",
                self.steps,
                "What the steps of an execution do",
                permission=Permission.READ,
                answers={200: (StepsData,)},
            ),
        ]

    async def identity(self, call: Call) -> Reply:
        """`GET /v1/identity`."""
        return answer(call, IdentityData(call.tenant, sorted(call.permissions)))

    async def order(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/order`."""
        order = read_order((await found(self._store, call)).request)
        return answer(call, OrderData(order.program, order.input, order.policy))

    async def steps(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/steps`."""
        row = await found(self._store, call)
        events = await self._store.events(call.tenant, row.id)
        taken = next(filter(None, (steps_taken(bytes(event.payload)) for event in reversed(events))), [])
        told = await aside(tell_steps, row, self._plans, taken)
        steps = [msgspec.convert(step, StepData, from_attributes=True) for step in told.steps]
        return answer(call, StepsData(told.drawing, steps, told.because, told.error))
