"""Executions: list them, look at one, follow it, cancel it, try it again."""

from __future__ import annotations

__all__ = ["Executions"]

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import msgspec

from greenlang.engine.executions import Runner, time_text
from greenlang.service.messages import (
    DeliveryData,
    DeliveryList,
    EventData,
    ExecutionData,
    ExecutionList,
    ExecutionQuery,
    Fault,
)
from greenlang.service.operations.told import found, told, unknown
from greenlang.service.reading import last_event, read_query
from greenlang.service.reads import Reads
from greenlang.service.roles import Permission
from greenlang.service.routing import LAST_EVENT_ID, Route
from greenlang.service.wire import Call, Refusal, Reply, Stream, answer, next_link
from greenlang.stores import FINAL_STATES, ExecutionFilter


class Executions:
    """Operations on executions, over a runner and its store."""

    def __init__(self, runner: Runner, reads: Reads) -> None:
        self._runner = runner
        self._store = runner.store
        self._reads = reads

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/executions",
                self.executions,
                "List executions",
                permission=Permission.READ,
                query=ExecutionQuery,
                answers={200: (ExecutionList,)},
            ),
            Route(
                "GET",
                "/v1/executions/{id}",
                self.execution,
                "One execution",
                permission=Permission.READ,
                answers={200: (ExecutionData,)},
            ),
            Route(
                "DELETE",
                "/v1/executions/{id}",
                self.cancel,
                "Cancel an execution",
                permission=Permission.OPERATE,
                answers={200: (ExecutionData,), 202: (ExecutionData,)},
            ),
            Route(
                "POST",
                "/v1/executions/{id}/requeue",
                self.requeue,
                "Try a dead letter again",
                permission=Permission.OPERATE,
                answers={200: (ExecutionData,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/executions/{id}/deliveries",
                self.deliveries,
                "Webhook deliveries of an execution",
                permission=Permission.READ,
                answers={200: (DeliveryList,)},
            ),
            Route(
                "GET",
                "/v1/executions/{id}/events",
                self.events,
                "Follow an execution",
                permission=Permission.READ,
                headers=(LAST_EVENT_ID,),
                gives="text/event-stream",
            ),
        ]

    async def executions(self, call: Call) -> Reply:
        """`GET /v1/executions`."""
        asked = read_query(call, ExecutionQuery)
        wanted = ExecutionFilter(
            states=tuple(asked.state),
            agent=asked.agent,
            created_from=_microseconds(asked.created_from),
            created_before=_microseconds(asked.created_before),
        )
        page = await self._store.executions(call.tenant, wanted, limit=asked.limit, cursor=asked.cursor)
        links = () if page.next_cursor is None else (next_link(call, page.next_cursor),)
        listed = ExecutionList([told(row, result=asked.results) for row in page.rows], page.next_cursor)
        return answer(call, listed, headers=links)

    async def execution(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}`."""
        return answer(call, told(await found(self._reads, call)))

    async def cancel(self, call: Call) -> Reply:
        """`DELETE /v1/executions/{id}`."""
        row = await self._runner.cancel(call.tenant, call.names["id"])
        if row is None:
            raise unknown("execution", call.names["id"])
        return answer(call, told(row), status=200 if row.state in FINAL_STATES else 202)

    async def requeue(self, call: Call) -> Reply:
        """`POST /v1/executions/{id}/requeue`."""
        row = await found(self._store, call)
        if not await self._runner.requeue(call.tenant, row.id):
            raise Refusal(
                409,
                Fault(
                    "state",
                    f"execution {row.id} is {row.state}",
                    "id",
                    "only a dead letter can be tried again",
                ),
            )
        return answer(call, told(await found(self._store, call)))

    async def deliveries(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}/deliveries`."""
        row = await found(self._store, call)
        made = [
            DeliveryData(
                url=each.url,
                state=each.state,
                attempts=each.attempt,
                next_at=time_text(each.next_at) if each.state == "due" else None,
                last_status=each.last_status,
                last_error=each.last_error,
            )
            for each in await self._store.deliveries(call.tenant, row.id)
        ]
        return answer(call, DeliveryList(made))

    async def events(self, call: Call) -> Stream:
        """Events of one execution as server-sent events, from after `Last-Event-ID`, as they come.

        Raises
        ------
        Refusal
            404 if there is no such execution, 400 if the header holds no number.
        """
        row = await found(self._store, call)
        return Stream("text/event-stream", self._stream(call.tenant, row.id, last_event(call)))

    async def _stream(self, tenant: str, execution_id: str, after: int) -> AsyncGenerator[bytes, None]:
        async for event in self._runner.follow(tenant, execution_id, after=after):
            if event is None:
                yield b": waiting\n\n"
                continue
            at = f"{event.timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
            data = msgspec.json.encode(EventData(event.name, at, event.payload))
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (event.sequence, event.name.encode(), data)


def _microseconds(moment: datetime | None) -> int | None:
    """Since 1970; a time without a zone is in UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
