"""The API: it finds the operation of a call, and gives whatever goes wrong an answer. It knows no server."""

from __future__ import annotations

__all__ = ["Api"]

import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from greenlang.agents.phases import phases
from greenlang.caches import InProcessCache
from greenlang.engine.batches import BatchesAgain
from greenlang.engine.calculations import Calculator
from greenlang.engine.executions import Again, Runner
from greenlang.engine.tenancy import Guard, KeyStore, OwnFactorFiles
from greenlang.observing import NONE, Counts
from greenlang.service.batches import BatchKeeper
from greenlang.service.console import Looking, Pages
from greenlang.service.documents import Documents
from greenlang.service.identity import Authenticator
from greenlang.service.limits import Gate
from greenlang.service.messages import Fault
from greenlang.service.negotiation import Version, accepts, version_asked_for, version_headers
from greenlang.service.operations import (
    Agents,
    BatchOperations,
    Calculations,
    Contributed,
    Emissions,
    Executions,
    Factors,
    HealthChecks,
    Histories,
    Inventories,
    Keys,
    Metrics,
    OwnFactors,
    OwnTenant,
    People,
    Registrations,
    SavedWorkflows,
    Tenants,
    Verifications,
    Workflows,
    look_at_batches,
    look_at_executions,
)
from greenlang.service.origins import refuse_foreign
from greenlang.service.reads import Reads
from greenlang.service.refusals import refusal_of
from greenlang.service.roles import Identity, Permission
from greenlang.service.routing import Route, Router
from greenlang.service.wire import VERSIONED_JSON, Call, Refusal, Reply, Stream, refuse
from greenlang.stores import EventMetadata, Initiator, initiate

if TYPE_CHECKING:
    from greenlang.channels.connection import RedisConnection
    from greenlang.observing.traces import Tracer

_log = logging.getLogger("greenlang.service")
_access = logging.getLogger("greenlang.access")


class Api:
    """Answers calls.

    Parameters
    ----------
    runner : Runner
        Started; what it takes on, it finishes.
    calculator : Calculator
        On the same store.
    check_webhook : callable
        Raises InputError for a URL that nothing can be delivered to.
    authenticator : Authenticator, optional
        Tells who asks; without one everybody is the tenant `default` and may do everything.
    gate : Gate, optional
        Limits what tenants may ask.
    guard : Guard, optional
        Knows how tenants stand; without one there are none, and nobody is refused.
    key_store : KeyStore, optional
        Keeps secrets of tenants; without one they have none.
    batches : BatchKeeper, optional
        Keeps batches; without one there are none.
    reads : Reads, optional
        Keeps what is read often; without, this process keeps it alone.
    redis : RedisConnection, optional
        Whose health is told.
    counts : Counts, optional
        Counts what is answered.
    metrics : Metrics, optional
        Shows what is counted.
    access_log : bool
        Whether every request gets a line in the log.
    tracer : Tracer, optional
        Follows requests.
    versions : mapping
        What is said of the versions of the API, by the first segment of their paths.
    """

    def __init__(
        self,
        runner: Runner,
        calculator: Calculator,
        *,
        check_webhook: Callable[[str], None],
        authenticator: Authenticator | None = None,
        gate: Gate | None = None,
        guard: Guard | None = None,
        key_store: KeyStore | None = None,
        batches: BatchKeeper | None = None,
        reads: Reads | None = None,
        redis: RedisConnection | None = None,
        counts: Counts | None = None,
        metrics: Metrics | None = None,
        access_log: bool = False,
        tracer: Tracer | None = None,
        versions: Mapping[str, Version] = {},
    ) -> None:
        reads = Reads(runner.store, InProcessCache()) if reads is None else reads
        self.health = HealthChecks(runner.store, redis)
        again, batches_again = Again(runner.plans), BatchesAgain(runner.plans.registry)
        operations = [
            *Workflows(runner, reads, check_webhook).routes(),
            *SavedWorkflows(runner).routes(),
            *Emissions(calculator, OwnFactorFiles(runner.store.rows)).routes(),
            *Calculations(reads).routes(),
            *Executions(runner, reads).routes(),
            *Histories(runner.store).routes(),
            *Looking(runner).routes(),
            *Inventories("execution", look_at_executions(runner.store, again)).routes(),
            *Verifications(
                runner.store, again, None if batches is None else batches.batches, batches_again
            ).routes(),
            *Agents(runner.plans.registry).routes(),
            *Factors(runner.plans.registry).routes(),
            *self.health.routes(),
        ]
        self._authenticator = authenticator
        self._gate = gate
        self._guard = guard
        self._counts = counts
        self._access_log = access_log
        self._tracer = tracer
        if metrics is not None:
            operations += metrics.routes()
        if batches is not None:
            operations += BatchOperations(batches).routes()
            operations += Inventories("batch", look_at_batches(batches.batches, batches_again)).routes()
        if guard is not None:
            operations += [
                *OwnFactors(runner.store).routes(),
                *OwnTenant(runner.store, guard, key_store).routes(),
                *People(runner.store).routes(),
                *Registrations(runner.store, guard, runner.plans.registry).routes(),
            ]
        if guard is not None and authenticator is not None:
            operations += Tenants(runner.store, guard).routes()
        if authenticator is not None:
            operations += Keys(runner.store, reads).routes()
        operations += Contributed(runner.plans.registry, Router(operations).knows).routes()
        documents = Documents(operations, authenticated=authenticator is not None)
        pages = Pages(None if authenticator is None else authenticator.settings)
        self.router = Router([*operations, *documents.routes(), *pages.routes()])
        self.set_versions(versions)

    def set_versions(self, versions: Mapping[str, Version]) -> None:
        """Say something else of the versions from now on."""
        self._said = {name: said for name, version in versions.items() if (said := version_headers(version))}

    def respond(self, call: Call) -> Coroutine[Any, Any, Reply | Stream]:
        """Answer a call, whatever it is; it is counted, and traced where anything is."""
        return self._counted(call) if self._tracer is None else self._traced(call, self._tracer)

    async def _counted(self, call: Call) -> Reply | Stream:
        began = time.perf_counter()
        reply = await self._replied(call)
        seconds = time.perf_counter() - began
        status = reply.status if isinstance(reply, Reply) else 200
        if self._counts is not None:
            tenant = NONE if status == 401 else call.tenant
            self._counts.answered(call.agent or NONE, tenant, status, call.operation or NONE, seconds)
        if self._access_log:
            _log_access(call, status, seconds)
        return reply

    async def _traced(self, call: Call, tracer: Tracer) -> Reply | Stream:
        asked = {
            "http.request.method": call.method,
            "url.path": call.path,
            "greenlang.request_id": call.request_id,
        }
        with tracer.follow(f"{call.method} {call.path}", call.headers.get("traceparent"), asked) as followed:
            reply = await self._counted(call)
            status = reply.status if isinstance(reply, Reply) else 200
            followed.name(f"{call.method} {call.operation or 'unknown'}")
            followed.note(
                {
                    "http.response.status_code": status,
                    "greenlang.operation": call.operation,
                    "greenlang.tenant_id": call.tenant,
                    "greenlang.agent_id": call.agent,
                }
            )
            if status >= 500:
                followed.fail(f"answered {status}")
        return reply

    async def _replied(self, call: Call) -> Reply | Stream:
        try:
            reply = await self._answer(call)
        except Exception as error:  # whatever it is, its reader gets an answer
            reply = refuse(call, refusal_of(call, error))
        if not (call.said or self._said):
            return reply
        version = call.path.removeprefix("/").partition("/")[0]
        return replace(reply, headers=(*reply.headers, *call.said, *self._said.get(version, ())))

    async def _answer(self, call: Call) -> Reply | Stream:
        if "\0" in call.path or any("\0" in text for text in call.query.values()):
            raise Refusal(400, Fault("nul", "NUL is no character of a path or a parameter", "path"))
        if self._authenticator is None:
            refuse_foreign(call)
        accept = call.headers.get("accept", "")
        if accept and (version := version_asked_for(accept)) and not self.router.knows(call.path):
            call.path = f"/{version}{call.path}"
        route = self.router.find(call)
        call.operation = route.operation
        identity = await self._admit(call, route)
        # What is refused from here on was counted, and says what is left.
        call.gives = accepts(accept, route.gives, route.other_gives) if accept else route.gives
        if identity is not None:
            _check_allowed(identity, route.permission)
        # What anybody may ask takes no body.
        if call.read is not None and route.permission is not None and not route.streams:
            call.body = await call.read()
        reply = await route.handler(call)
        if isinstance(reply, Stream) and self._authenticator is not None and route.permission is not None:
            pieces = self._while_allowed(self._authenticator, call, route.permission, reply.pieces)
            reply = replace(reply, pieces=pieces)
        # Operations that give several types say themselves which one they gave.
        return replace(reply, content_type=VERSIONED_JSON) if call.gives == VERSIONED_JSON else reply

    async def _admit(self, call: Call, route: Route) -> Identity | None:
        """Find out whose a call is, and take it from what their tenant may ask; None where nobody says."""
        identity, quota = None, None
        if self._authenticator is not None and route.permission is not None:
            identity = await _identified(self._authenticator, call)
        if self._guard is not None and route.permission is not None:
            quota = await _served(self._guard, call.tenant)
        followed = None if self._tracer is None else phases()
        traceparent = None if followed is None else followed.traceparent
        user_id = None if identity is None else identity.subject
        initiate(Initiator(call.tenant, EventMetadata(user_id, call.request_id, None, traceparent)))
        limited = quota is not None or (self._gate is not None and self._gate.settings is not None)
        unlimited = identity is not None and identity.unlimited
        if self._gate is not None and limited and route.permission is not None and not unlimited:
            call.said = await self._gate.pass_through(call.tenant, route.operation, quota)
        return identity

    async def _while_allowed(
        self,
        authenticator: Authenticator,
        call: Call,
        permission: Permission,
        pieces: AsyncGenerator[bytes, None],
    ) -> AsyncGenerator[bytes, None]:
        """What a stream brings, until its reader is let in no more: by a key or token, or as a tenant."""
        looked_at = time.monotonic()
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if time.monotonic() - looked_at >= authenticator.again_seconds:
                    try:
                        _check_allowed(await _identified(authenticator, call), permission)
                        if self._guard is not None:
                            await _served(self._guard, call.tenant)
                    except Refusal:
                        return
                    looked_at = time.monotonic()
                yield piece


def _log_access(call: Call, status: int, seconds: float) -> None:
    context = {
        "method": call.method,
        "path": call.path,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "operation": call.operation,
        "agent_id": call.agent or None,
        "request_id": call.request_id,
    }
    _access.info("%s %s %s", call.method, call.path, status, extra={"context": context})


async def _identified(authenticator: Authenticator, call: Call) -> Identity:
    identity = await authenticator.identify(call)
    # Also of what is refused: it is counted as theirs.
    call.tenant, call.permissions = identity.tenant, identity.permissions
    return identity


def _check_allowed(identity: Identity, permission: Permission | None) -> None:
    if permission is None or permission in identity.permissions:
        return
    held = ", ".join(sorted(identity.permissions)) or "nothing"
    fault = Fault("forbidden", f"this takes the permission '{permission}'", "Authorization", f"yours: {held}")
    raise Refusal(403, fault)


async def _served(guard: Guard, tenant: str) -> int | None:
    """Requests a minute of a tenant that was made; None if nothing was agreed on.

    Raises
    ------
    Refusal
        403 if it is suspended.
    """
    standing = guard.standings.known(tenant) or await guard.look_at(tenant)
    if standing.tenant is not None and standing.tenant.status == "suspended":
        fault = Fault("suspended", f"tenant '{tenant}' is suspended", hint="ask whoever serves it")
        raise Refusal(403, fault)
    return None if standing.tenant is None or standing.quotas is None else standing.quotas.requests_a_minute
