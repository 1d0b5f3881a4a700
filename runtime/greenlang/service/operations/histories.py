"""What was: the events of an execution or of a tenant's agent, and how they say that it stood at a time."""

from __future__ import annotations

__all__ = ["Histories"]

from collections import deque
from datetime import UTC

from greenlang.engine.events import history, rebuild
from greenlang.service.messages import HistoryData, HistoryQuery
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer
from greenlang.stores import Event, Store


class Histories:
    """Operations on the log, over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/executions/{id}/history",
                self.execution_history,
                "An execution as it stood at a time",
                permission=Permission.READ,
                query=HistoryQuery,
                answers={200: (HistoryData,)},
            ),
            Route(
                "GET",
                "/v1/agents/{id}/history",
                self.agent_history,
                "A tenant's agent, name@version, as it stood at a time",
                permission=Permission.READ,
                query=HistoryQuery,
                answers={200: (HistoryData,)},
            ),
        ]

    async def execution_history(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/history`."""
        return await self._history(call, "execution")

    async def agent_history(self, call: Call) -> Reply:
        """`GET /v1/agents/{id}/history`."""
        return await self._history(call, "agent")

    async def _history(self, call: Call, kind: str) -> Reply:
        asked, name = read_query(call, HistoryQuery), call.names["id"]
        at = asked.at
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        state = await rebuild(self._store, call.tenant, kind, name, at=at)
        if state is None:
            raise unknown(f"history of an {kind}", name)
        events: deque[Event] = deque(maxlen=asked.limit)
        async for event in history(self._store, call.tenant, kind, name, until=at):
            events.append(event)
        return answer(call, HistoryData(state, list(events)))
