"""The agents of a tenant: register them, and move them from state to state."""

from __future__ import annotations

__all__ = ["Registrations"]

import asyncio

from greenlang.agents import Registry
from greenlang.engine.executions import time_text
from greenlang.engine.tenancy import TRANSITIONS, Guard, check_installed
from greenlang.engine.tenancy import Registrations as RegistrationKeeper
from greenlang.service.messages import (
    MoveRequest,
    RegistrationData,
    RegistrationList,
    RegistrationRequest,
)
from greenlang.service.operations.acting import conflict, metadata
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer
from greenlang.stores import Store
from greenlang.stores.tables import AgentState, Registration


class Registrations:
    """Operations on the agents of tenants, over a store; what is to run has to be in the registry."""

    def __init__(self, store: Store, guard: Guard, registry: Registry) -> None:
        self._registrations = RegistrationKeeper(store.rows)
        self._guard = guard
        self._registry = registry

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/registrations",
                self.register,
                "Register an agent",
                permission=Permission.MANAGE,
                request=RegistrationRequest,
                answers={201: (RegistrationData,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/registrations",
                self.registrations,
                "List the agents that your tenant registered",
                permission=Permission.READ,
                answers={200: (RegistrationList,)},
            ),
            Route(
                "POST",
                "/v1/registrations/{agent}/{version}/move",
                self.move,
                "Deploy, pause, resume, retire an agent",
                permission=Permission.MANAGE,
                request=MoveRequest,
                answers={200: (RegistrationData,)},
                examples={"Pause it": {"to": "paused", "reason": "its factor is under review"}},
            ),
        ]

    async def register(self, call: Call) -> Reply:
        """`POST /v1/registrations`."""
        asked = read_body(call, RegistrationRequest)
        if asked.state == "staged":
            await asyncio.to_thread(check_installed, self._registry, asked.agent, asked.version)
        made = await self._registrations.register(
            call.tenant,
            asked.agent,
            asked.version,
            state=AgentState(asked.state),
            reason=asked.reason,
            by=metadata(),
        )
        if made is None:
            raise conflict("agent", f"'{asked.agent}@{asked.version}' is registered", "move it instead")
        self._guard.standings.forget(call.tenant)
        return answer(call, _told(made), status=201)

    async def registrations(self, call: Call) -> Reply:
        """`GET /v1/registrations`."""
        found = await self._registrations.registrations(call.tenant)
        return answer(call, RegistrationList([_told(one) for one in found]))

    async def move(self, call: Call) -> Reply:
        """`POST /v1/registrations/{agent}/{version}/move`."""
        asked = read_body(call, MoveRequest)
        agent, version = call.names["agent"], call.names["version"]
        moved = await self._registrations.move(
            call.tenant, agent, version, asked.to, reason=asked.reason, by=metadata()
        )
        if moved is None:
            raise unknown("registration", f"{agent}@{version}")
        self._guard.standings.forget(call.tenant)
        return answer(call, _told(moved))


def _told(registration: Registration) -> RegistrationData:
    return RegistrationData(
        agent=registration.agent,
        version=registration.version,
        state=registration.state,
        reason=registration.reason,
        changed_at=time_text(registration.changed_at),
        may_become=sorted(TRANSITIONS[registration.state]),
    )
