"""The agents that are installed."""

from __future__ import annotations

__all__ = ["Agents"]

from greenlang.agents import Registry
from greenlang.service.messages import AgentData, AgentList
from greenlang.service.operations.told import unknown
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer


class Agents:
    """Operations on a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/agents",
                self.agents,
                "List agents",
                permission=Permission.READ,
                answers={200: (AgentList,)},
            ),
            Route(
                "GET",
                "/v1/agents/{id}",
                self.agent,
                "One agent, every version",
                permission=Permission.READ,
                answers={200: (AgentList,)},
            ),
        ]

    async def agents(self, call: Call) -> Reply:
        """`GET /v1/agents`."""
        return answer(call, AgentList(self._offers()))

    async def agent(self, call: Call) -> Reply:
        """`GET /v1/agents/{id}`."""
        found = [offer for offer in self._offers() if offer.name == call.names["id"]]
        if not found:
            raise unknown("agent", call.names["id"])
        return answer(call, AgentList(found))

    def _offers(self) -> list[AgentData]:
        return [
            AgentData(offer.name, offer.version, offer.summary, sorted(offer.effects), offer.origin)
            for offer in self._registry.offers()
        ]
