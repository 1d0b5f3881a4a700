"""Agents as they stand with a tenant: registered, moved from state to state, refused where they may not run.

An agent that a tenant never registered is as it always was: who may use its pack may run it.
"""

from __future__ import annotations

__all__ = ["Registrations", "check_installed", "refusal_of"]

import time
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from greenlang.agents import Registry
from greenlang.engine.tenancy.agent_states import BEGINNINGS, EVENTS, TRANSITIONS, may_move
from greenlang.engine.tenancy.audit import noted
from greenlang.errors import AgentError, InputError
from greenlang.stores import EventMetadata, NewEvent
from greenlang.stores.rows import Insert, Replace, RowChange, Rows, Tell
from greenlang.stores.tables import QUOTAS, REGISTRATIONS, AgentState, Registration


class Registrations:
    """The agents of a store's tenants."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def register(
        self,
        tenant: str,
        agent: str,
        version: str,
        *,
        state: AgentState = AgentState.STAGED,
        reason: str = "",
        by: EventMetadata,
    ) -> Registration | None:
        """Register one version of an agent; None if it is registered.

        Raises
        ------
        InputError
            If it cannot begin in that state, or the tenant has as many agents as it may.
        """
        if state not in BEGINNINGS:
            raise InputError(
                f"an agent does not begin as '{state}'", fix=f"begin as {_or(BEGINNINGS)}", place="state"
            )
        await self._leave_room(tenant)
        at = _now()
        made = Registration(
            tenant=tenant,
            agent=agent,
            version=version,
            state=state,
            reason=reason,
            created_at=at,
            changed_at=at,
        )
        changes: list[RowChange] = [
            Insert(REGISTRATIONS, made),
            _told(made, None, BEGINNINGS[state], by),
            noted(tenant, by.user_id or "", f"agent.{BEGINNINGS[state]}", _id(made), after=made),
        ]
        return made if await self._rows.write(tenant, changes) else None

    async def move(
        self, tenant: str, agent: str, version: str, to: AgentState, *, reason: str = "", by: EventMetadata
    ) -> Registration | None:
        """Move an agent to another state; None if it is not registered.

        Raises
        ------
        InputError
            If it may not be moved there from where it is, or somebody else moved it at the same time.
        """
        before = await self.registration(tenant, agent, version)
        if before is None:
            return None
        if not may_move(before.state, to):
            allowed = _or(TRANSITIONS[before.state]) or "nothing: this is its end"
            raise InputError(
                f"agent '{_id(before)}' is {before.state}, and does not become {to} from there",
                fix=f"it may become {allowed}",
                place="to",
            )
        event = EVENTS[before.state, to]
        after = replace(before, state=to, reason=reason, changed_at=_now(), revision=before.revision + 1)
        changes: list[RowChange] = [
            Replace(REGISTRATIONS, after),
            _told(after, before.state, event, by),
            noted(tenant, by.user_id or "", f"agent.{event}", _id(after), before=before, after=after),
        ]
        if not await self._rows.write(tenant, changes):
            raise InputError(
                "somebody else moved the agent at the same time", fix="look at it, and try again"
            )
        return after

    async def registration(self, tenant: str, agent: str, version: str) -> Registration | None:
        """One version of an agent."""
        wanted = {"agent": agent, "version": version}
        return next(iter(await self._rows.rows(tenant, REGISTRATIONS, where=wanted)), None)

    async def registrations(self, tenant: str) -> tuple[Registration, ...]:
        """All of them, by name and version."""
        return await self._rows.rows(tenant, REGISTRATIONS, limit=100_000)

    async def _leave_room(self, tenant: str) -> None:
        quotas = next(iter(await self._rows.rows(tenant, QUOTAS)), None)
        if quotas is None:
            return
        kept = [one for one in await self.registrations(tenant) if one.state is not AgentState.RETIRED]
        if len(kept) >= quotas.agents:
            raise InputError(
                f"tenant '{tenant}' has {len(kept):,} agents, which is as many as it may",
                fix="retire one, or have its quota of agents raised",
                place="agent",
            )


def check_installed(registry: Registry, agent: str, version: str) -> None:
    """Refuse what is no version of an installed agent: whatever is done to that, the agent runs on.

    Raises
    ------
    AgentError
        With the nearest names, or the versions that there are.
    """
    found = registry.resolve(agent, version).version
    if found != version:
        raise AgentError(f"agent '{agent}' has no version '{version}'", fix=f"write {found}", place="version")


def refusal_of(registration: Registration) -> AgentError:
    """Why an agent that stands there is not executed."""
    because = f" ({registration.reason})" if registration.reason else ""
    fix = "use another version" if registration.state is AgentState.RETIRED else _MENDS[registration.state]
    return AgentError(
        f"agent '{_id(registration)}' is {registration.state} for tenant '{registration.tenant}'{because}",
        fix=fix,
        place="program",
    )


_MENDS = {
    **dict.fromkeys(AgentState, "have it deployed first"),
    AgentState.PAUSED: "have it resumed",
    AgentState.FAILED: "have it mended and deployed again",
}


def _id(registration: Registration) -> str:
    return f"{registration.agent}@{registration.version}"


def _told(after: Registration, before: AgentState | None, event: str, by: EventMetadata) -> Tell:
    payload = {"from": before, "to": after.state, "reason": after.reason}
    told = NewEvent(event, msgspec.json.encode(payload), metadata=by)
    return Tell(after.tenant, "agent", _id(after), told, after.changed_at)


def _or(states: Iterable[AgentState]) -> str:
    return " or ".join(sorted(map(str, states)))


def _now() -> int:
    return time.time_ns() // 1000
