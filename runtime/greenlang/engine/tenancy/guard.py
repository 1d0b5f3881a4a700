"""The guard before executions: what a tenant may run now, and what it has used, by a look in memory."""

from __future__ import annotations

__all__ = ["UNGUARDED", "Guard", "Unguarded"]

import asyncio
from collections.abc import Iterable

from greenlang.agents import AgentSpec
from greenlang.agents.spending import Spent
from greenlang.engine.tenancy.metering import Meter
from greenlang.engine.tenancy.registrations import refusal_of
from greenlang.engine.tenancy.standing import Heard, Standing, Standings
from greenlang.stores.rows import Rows

#: As many executions of a tenant as there are.
_UNLIMITED = 2**31 - 1


class Guard:
    """What one process knows of tenants, and holds them to.

    Parameters
    ----------
    heard : callable, optional
        Told each entry of the audit log, of whichever node, soon after it was written and a few times.
    """

    def __init__(self, rows: Rows, *, heard: Heard | None = None) -> None:
        self.standings = Standings(rows, heard=heard)
        self.meter = Meter(rows)
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow what changes, and to write what is used."""
        self._keepers = [
            asyncio.create_task(self.standings.follow()),
            asyncio.create_task(self.meter.keep()),
        ]

    async def stop(self) -> None:
        """Write what was used, and end."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self.meter.flush()

    async def look_at(self, tenant: str) -> Standing:
        """The standing of a tenant, after which `admit` knows it."""
        found = self.standings.known(tenant)
        if found is None:
            found = await self.standings.of(tenant)
            if found.quotas is not None:
                await self.meter.load(tenant)
        return found

    async def is_suspended(self, tenant: str) -> bool:
        """Whether nothing is begun for a tenant now; after this `admit` knows it."""
        return (await self.look_at(tenant)).is_suspended

    def admit(self, agents: Iterable[AgentSpec], tenant: str, *, fresh: bool = True) -> Spent | None:
        """See that a tenant may run agents now; `fresh` where that is one more execution of its quotas.

        Returns
        -------
        Spent or None
            Where to count what the run spends; None if nobody wants to know.

        Raises
        ------
        AgentError
            If one of them is paused, retired or not deployed yet.
        QuotaError
            If the tenant has used up a quota.
        """
        standing = self.standings.known(tenant)
        if standing is None:
            return None  # nobody looked at it in the last minute: what is run is what was admitted before
        if standing.refused:
            for spec in agents:
                registration = standing.refused.get(f"{spec.name}@{spec.version}")
                if registration is not None:
                    raise refusal_of(registration)
        if standing.quotas is None:
            return None
        if fresh:
            self.meter.hold(tenant, standing.quotas)
        return Spent()

    def accepted(self, tenant: str, spent: Spent | None) -> None:
        """Count an execution that was accepted, and will be run."""
        if spent is not None:
            self.meter.count(tenant)

    def spend(self, tenant: str, execution_id: str, attempt: int, spent: Spent | None) -> None:
        """Write down what an attempt of an execution used; None: nobody wants to know."""
        if spent is not None:
            self.meter.spend(tenant, execution_id, attempt, spent)

    def ran(self, tenant: str, execution_id: str, spent: Spent | None) -> None:
        """Count and write down what was accepted and run at once."""
        if spent is not None:
            self.meter.count(tenant)
            self.meter.spend(tenant, execution_id, 1, spent)

    def most_at_once(self, usual: int | None) -> int | None:
        """How many executions of a tenant without quotas run at once; None where no tenant has any."""
        return _UNLIMITED if usual is None and self.standings.any_quotas is not False else usual


class Unguarded:
    """Where nobody keeps tenants: everything may be run, and nobody wants to know what it used."""

    async def look_at(self, tenant: str) -> None:
        """Nothing is known of a tenant."""

    async def is_suspended(self, tenant: str) -> bool:  # noqa: ARG002  whoever it is
        """Nobody suspends tenants."""
        return False

    def admit(self, agents: Iterable[AgentSpec], tenant: str, *, fresh: bool = True) -> Spent | None:  # noqa: ARG002  whatever they are
        """Whatever it is, it may be run."""
        return None

    def accepted(self, tenant: str, spent: Spent | None) -> None:
        """Nothing is counted."""

    def spend(self, tenant: str, execution_id: str, attempt: int, spent: Spent | None) -> None:
        """Nothing is written down."""

    def ran(self, tenant: str, execution_id: str, spent: Spent | None) -> None:
        """Nothing is written down."""

    def most_at_once(self, usual: int | None) -> int | None:
        """As many as are set."""
        return usual


#: There is nothing to tell one of them from another.
UNGUARDED = Unguarded()
