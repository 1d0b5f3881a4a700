"""The API: every operation, from bytes to bytes, on a runner and its store. It knows no server."""

from __future__ import annotations

__all__ = ["Api"]

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from greenlang.engine.executions import Order, Runner, Terms
from greenlang.errors import GcelError, InputError, StoreError
from greenlang.ledger import inclusion_of
from greenlang.service.messages import (
    AgentData,
    AgentList,
    CalculationData,
    EventData,
    ExecuteRequest,
    ExecutionData,
    ExecutionList,
    Fault,
    Health,
    PlanData,
    PlanRequest,
    ProgramRequest,
    Resulting,
    StatusData,
    ValidationData,
)
from greenlang.service.openapi import openapi_document
from greenlang.service.routing import Route, Router
from greenlang.service.wire import JSON, Call, Refusal, Reply, answer, fault_of, refuse
from greenlang.stores import FINAL_STATES, ExecutionFilter, ExecutionRow, State

T = TypeVar("T", bound=msgspec.Struct)

_log = logging.getLogger("greenlang.service")

#: Executions on one page, unless `limit` says otherwise, and at most.
_USUAL_PAGE = 50
_LARGEST_PAGE = 500

#: An idempotency key is kept with its execution; a longer one is a mistake.
_LONGEST_KEY = 200

_LISTED = ("state", "agent", "created_from", "created_before", "limit", "cursor")


class Api:
    """Answers calls.

    Parameters
    ----------
    runner : Runner
        Started; what it takes on, it finishes.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._store = runner.store
        self._decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}
        self.ready = True
        self.router = Router(self._routes())
        self._openapi = openapi_document(self.router.routes)

    def _routes(self) -> list[Route]:
        ran = (200, 202, 409)
        return [
            Route(
                "POST",
                "/v1/workflows/execute",
                self.execute,
                "Run a program",
                ExecuteRequest,
                ExecutionData,
                ran,
            ),
            Route("GET", "/v1/workflows/{id}/status", self.status, "State of an execution", None, StatusData),
            Route(
                "GET",
                "/v1/workflows/{id}/results",
                self.results,
                "Result of an execution",
                None,
                Resulting,
                (200, 409),
            ),
            Route(
                "POST",
                "/v1/workflows/validate",
                self.validate,
                "Check a program",
                ProgramRequest,
                ValidationData,
            ),
            Route("POST", "/v1/workflows/plan", self.plan, "Plan a program", PlanRequest, PlanData),
            Route(
                "GET",
                "/v1/executions",
                self.executions,
                "List executions",
                None,
                ExecutionList,
                query=_LISTED,
            ),
            Route("GET", "/v1/executions/{id}", self.execution, "One execution", None, ExecutionData),
            Route(
                "DELETE",
                "/v1/executions/{id}",
                self.cancel,
                "Cancel an execution",
                None,
                ExecutionData,
                (200, 202),
            ),
            Route(
                "POST",
                "/v1/executions/{id}/requeue",
                self.requeue,
                "Try a dead letter again",
                None,
                ExecutionData,
                (200, 409),
            ),
            Route(
                "GET",
                "/v1/calculations/{id}",
                self.calculation,
                "A calculation with its proof",
                None,
                CalculationData,
            ),
            Route("GET", "/v1/agents", self.agents, "List agents", None, AgentList),
            Route("GET", "/v1/agents/{id}", self.agent, "One agent, every version", None, AgentList),
            Route("GET", "/health/live", self.live, "Whether the process answers", None, Health),
            Route(
                "GET", "/health/ready", self.readiness, "Whether it can take work", None, Health, (200, 503)
            ),
            Route("GET", "/openapi.json", self.openapi, "This API, as OpenAPI 3.1"),
        ]

    async def respond(self, call: Call) -> Reply:
        """Answer a call, whatever it is."""
        try:
            return await self.router.find(call).handler(call)
        except Refusal as refusal:
            return refuse(call, refusal)
        except InputError as error:
            return refuse(call, Refusal(422 if isinstance(error, GcelError) else 400, *fault_of(error)))
        except StoreError as error:
            fault = Fault("store", "the store is not available: nothing was done", hint="try again later")
            _log.error("request %s: %s", call.request_id, error)
            return refuse(call, Refusal(503, fault, headers=[("Retry-After", "1")]))
        except Exception:  # whatever it is, its reader gets an answer and no stack trace
            _log.exception("request %s failed", call.request_id)
            fault = Fault("internal", "the request failed here", hint=f"tell us its id, {call.request_id}")
            return refuse(call, Refusal(500, fault))

    async def execute(self, call: Call) -> Reply:
        """`POST /v1/workflows/execute`."""
        asked = self._read(call, ExecuteRequest)
        key = call.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= _LONGEST_KEY:
            raise Refusal(
                400,
                Fault(
                    "idempotency_key", f"the key must have 1 to {_LONGEST_KEY} characters", "Idempotency-Key"
                ),
            )
        terms = Terms(
            tenant=call.tenant,
            priority=int(asked.priority[1]),
            deadline_seconds=asked.deadline,
            max_attempts=asked.max_attempts,
            idempotency_key=key,
        )
        order = Order(asked.program, asked.input, asked.policy)
        accepted = await self._runner.execute(order, terms, wait_seconds=asked.wait)
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
            raise _unknown("execution", accepted.id)
        if row.state is State.COMPLETED:
            data = Resulting(row.id, msgspec.Raw(row.result or b"null"), row.calculation_id)
            return answer(call, data, headers=location)
        return answer(call, _told(row), status=200 if row.state in FINAL_STATES else 202, headers=location)

    async def status(self, call: Call) -> Reply:
        """`GET /v1/workflows/{id}/status`."""
        row = await self._row(call)
        error = None if row.error is None else msgspec.Raw(row.error)
        return answer(call, StatusData(row.id, str(row.state), row.attempt, row.state in FINAL_STATES, error))

    async def results(self, call: Call) -> Reply:
        """`GET /v1/workflows/{id}/results`."""
        row = await self._row(call)
        if row.state is not State.COMPLETED or row.result is None:
            hint = "look at its error" if row.state in FINAL_STATES else "ask again when it has ended"
            raise Refusal(409, Fault("state", f"execution {row.id} is {row.state}", "id", hint))
        return answer(call, Resulting(row.id, msgspec.Raw(row.result), row.calculation_id))

    async def validate(self, call: Call) -> Reply:
        """`POST /v1/workflows/validate`."""
        asked = self._read(call, ProgramRequest)
        try:
            plan = self._runner.plans.plan(asked.program)
        except InputError as error:
            return answer(call, ValidationData(False, fault_of(error)))
        return answer(call, ValidationData(True, [], plan.hash))

    async def plan(self, call: Call) -> Reply:
        """`POST /v1/workflows/plan`."""
        asked = self._read(call, PlanRequest)
        plan = self._runner.plans.plan(asked.program)
        return answer(call, PlanData(plan.hash, asked.format, plan.explain(asked.format)))

    async def executions(self, call: Call) -> Reply:
        """`GET /v1/executions`."""
        query = call.query
        unknown = sorted(set(query) - set(_LISTED))
        if unknown:
            raise Refusal(
                400,
                Fault(
                    "query",
                    f"'{unknown[0]}' is no parameter of this list",
                    unknown[0],
                    f"there are {', '.join(_LISTED)}",
                ),
            )
        states = tuple(_state(text) for text in query["state"].split(",")) if "state" in query else ()
        wanted = ExecutionFilter(
            states=states,
            agent=query.get("agent"),
            created_from=_moment(query, "created_from"),
            created_before=_moment(query, "created_before"),
        )
        page = await self._store.executions(
            call.tenant, wanted, limit=_limit(query), cursor=query.get("cursor")
        )
        return answer(call, ExecutionList([_told(row) for row in page.rows], page.next_cursor))

    async def execution(self, call: Call) -> Reply:
        """`GET /v1/executions/{id}`."""
        return answer(call, _told(await self._row(call)))

    async def cancel(self, call: Call) -> Reply:
        """`DELETE /v1/executions/{id}`."""
        row = await self._runner.cancel(call.tenant, call.names["id"])
        if row is None:
            raise _unknown("execution", call.names["id"])
        return answer(call, _told(row), status=200 if row.state in FINAL_STATES else 202)

    async def requeue(self, call: Call) -> Reply:
        """`POST /v1/executions/{id}/requeue`."""
        row = await self._row(call)
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
        return answer(call, _told(await self._row(call)))

    async def calculation(self, call: Call) -> Reply:
        """`GET /v1/calculations/{id}`."""
        found = await self._store.calculation(call.tenant, call.names["id"])
        if found is None:
            raise _unknown("calculation", call.names["id"])
        inclusion = msgspec.json.encode(inclusion_of(found.leaves, found.position))
        data = CalculationData(msgspec.Raw(found.record), msgspec.Raw(inclusion), msgspec.Raw(found.head))
        return answer(call, data)

    async def agents(self, call: Call) -> Reply:
        """`GET /v1/agents`."""
        return answer(call, AgentList(self._offers()))

    async def agent(self, call: Call) -> Reply:
        """`GET /v1/agents/{id}`."""
        found = [offer for offer in self._offers() if offer.name == call.names["id"]]
        if not found:
            raise _unknown("agent", call.names["id"])
        return answer(call, AgentList(found))

    async def live(self, call: Call) -> Reply:
        """`GET /health/live`."""
        return answer(call, Health("live"))

    async def readiness(self, call: Call) -> Reply:
        """`GET /health/ready`."""
        if not self.ready:
            return answer(call, Health("not ready", "shutting down"), status=503)
        try:
            await self._store.counts()
        except StoreError:
            return answer(call, Health("not ready", "the store is not available"), status=503)
        return answer(call, Health("ready"))

    async def openapi(self, call: Call) -> Reply:  # noqa: ARG002  the same for everyone
        """`GET /openapi.json`."""
        return Reply(200, self._openapi, JSON)

    async def events(self, call: Call) -> AsyncIterator[bytes]:
        """Events of one execution as server-sent events, from after `Last-Event-ID`, as they come.

        Raises
        ------
        Refusal
            404 if there is no such execution, 400 if the header holds no number.
        """
        row = await self._row(call)
        last = call.headers.get("last-event-id", "0")
        if not (last.isascii() and last.isdigit() and len(last) < 19):
            raise Refusal(400, Fault("last_event_id", f"'{last[:40]}' is no event's number", "Last-Event-ID"))
        return self._stream(call.tenant, row.id, int(last))

    async def _stream(self, tenant: str, execution_id: str, after: int) -> AsyncIterator[bytes]:
        async for event in self._runner.follow(tenant, execution_id, after=after):
            if event is None:
                yield b": waiting\n\n"
                continue
            data = msgspec.json.encode(EventData(event.type, _time(event.at), msgspec.Raw(event.payload)))
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (event.sequence, event.type.encode(), data)

    def _read(self, call: Call, kind: type[T]) -> T:
        """The body of a request.

        Raises
        ------
        Refusal
            415 if it is no JSON by its own word, 400 if it is none in fact or not what is taken.
        """
        media_type = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if media_type not in (JSON, "application/vnd.greenlang.v1+json"):
            raise Refusal(
                415,
                Fault("content_type", f"{media_type[:80]} is not taken here", "Content-Type", f"send {JSON}"),
            )
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.json.Decoder(kind)
        try:
            read: T = decoder.decode(call.body)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at ")
            raise Refusal(400, Fault("request", message, place.strip("`") or "$")) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, Fault("json", f"the body is not JSON in UTF-8 ({error})", "$")) from error
        return read

    async def _row(self, call: Call) -> ExecutionRow:
        row = await self._store.execution(call.tenant, call.names["id"])
        if row is None:
            raise _unknown("execution", call.names["id"])
        return row

    def _offers(self) -> list[AgentData]:
        return [
            AgentData(offer.name, offer.version, offer.summary, sorted(offer.effects), offer.origin)
            for offer in self._runner.plans.registry.offers()
        ]


def _told(row: ExecutionRow) -> ExecutionData:
    return ExecutionData(
        execution_id=row.id,
        state=str(row.state),
        priority=f"P{row.priority}",
        plan_hash=row.plan_hash,
        agents=list(row.agents),
        created_at=_time(row.created_at),
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        started_at=None if row.started_at is None else _time(row.started_at),
        finished_at=None if row.finished_at is None else _time(row.finished_at),
        deadline_at=None if row.deadline_at is None else _time(row.deadline_at),
        cancel_requested=row.cancel_requested,
        calculation_id=row.calculation_id,
        error=None if row.error is None else msgspec.Raw(row.error),
        result=None if row.result is None else msgspec.Raw(row.result),
    )


def _time(at: int) -> str:
    seconds, microseconds = divmod(at, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{microseconds:06}Z"


def _unknown(kind: str, name: str) -> Refusal:
    return Refusal(404, Fault("not_found", f"there is no {kind} '{name[:80]}'", "id"))


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise Refusal(
            400, Fault("query", f"'{text[:40]}' is no state", "state", f"there are {', '.join(State)}")
        ) from None


def _moment(query: Any, name: str) -> int | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
    except ValueError:
        raise Refusal(
            400, Fault("query", f"'{query[name][:40]}' is no time", name, "write it as 2025-06-30T12:00:00Z")
        ) from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _limit(query: Any) -> int:
    text = query.get("limit", str(_USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _LARGEST_PAGE and len(text) < 9):
        raise Refusal(
            400, Fault("query", f"'{text[:40]}' is no page size", "limit", f"give 1 to {_LARGEST_PAGE}")
        )
    return int(text)
