"""How tenants stand, remembered in this process: a look in memory for a tenant that was seen lately.

Whatever changes the standing of a tenant goes with an entry of the audit log, so whoever follows that log
knows what to forget: changes hold on every node within about a second.
"""

from __future__ import annotations

__all__ = ["Heard", "Standing", "Standings"]

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from greenlang.engine.tenancy.agent_states import EXECUTABLE
from greenlang.errors import StoreError
from greenlang.stores.rows import EVERYBODY, AtLeast, Rows
from greenlang.stores.tables import (
    AUDIT_LOG,
    QUOTAS,
    REGISTRATIONS,
    TENANTS,
    AuditEntry,
    Quotas,
    Registration,
    Tenant,
)

#: Told an entry of the audit log.
Heard = Callable[[AuditEntry], Awaitable[None]]

_log = logging.getLogger("greenlang.engine")

#: Tenants that are remembered at once.
_REMEMBERED = 20_000

#: Nothing is believed for longer without being looked at, whatever the clocks of nodes say.
_BELIEVED_SECONDS = 60.0

#: How often the audit log is asked what changed, and how far back: clocks differ, and commits take time.
_FOLLOW_SECONDS = 1.0
_OVERLAP = 5_000_000

#: Changes that are looked at one by one; after more than that, everything is forgotten.
_MOST_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a tenant at present."""

    #: None for one that nobody ever made: it may do what it may, and has no quotas.
    tenant: Tenant | None
    quotas: Quotas | None
    #: Agents that may not be executed now, as `name@version`.
    refused: Mapping[str, Registration]

    @property
    def is_suspended(self) -> bool:
        """Whether nothing is begun for it now."""
        return self.tenant is not None and self.tenant.status == "suspended"


class Standings:
    """The standing of each tenant that was seen lately.

    Parameters
    ----------
    clock : callable
        Seconds since some moment.
    heard : callable
        Told each entry of the audit log, soon after it was written and a few times.
    """

    def __init__(
        self, rows: Rows, clock: Callable[[], float] = time.monotonic, *, heard: Heard | None = None
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._heard = heard
        self._known: dict[str, Standing] = {}
        #: When each was looked at, the longest ago first.
        self._since: dict[str, float] = {}
        #: Whether any tenant has quotas, or None before that was looked for; until one has, nobody need be
        #: counted.
        self.any_quotas: bool | None = None

    def known(self, tenant: str) -> Standing | None:
        """What is known of a tenant; None if it has to be looked for."""
        return self._known.get(tenant)

    async def of(self, tenant: str) -> Standing:
        """The standing of a tenant, looked for if need be."""
        found = self._known.get(tenant)
        if found is None:
            found = await self._load(tenant)
            self.forget(tenant)  # whoever looked meanwhile
            self._known[tenant] = found
            self._since[tenant] = self._clock()
            if len(self._known) > _REMEMBERED:
                self.forget(next(iter(self._since)))
        return found

    def forget(self, tenant: str) -> None:
        """Look for a tenant anew when it is next seen."""
        self._known.pop(tenant, None)
        self._since.pop(tenant, None)

    def forget_old(self) -> None:
        """Forget what nobody has looked at for long."""
        before = self._clock() - _BELIEVED_SECONDS
        while self._since and next(iter(self._since.values())) <= before:
            self.forget(next(iter(self._since)))

    async def follow(self) -> None:
        """Forget what changed, on whichever node, for as long as it runs."""
        since = 0
        while True:
            asked_at = time.time_ns() // 1000
            try:
                await self.forget_changes(since)
                self.forget_old()  # not while the store is gone: what was known holds until it answers
                since = asked_at - _OVERLAP
            except StoreError as error:
                _log.warning("it is not known which tenants changed: %s", error)
            except Exception:  # whatever it is, nobody who was suspended is served for want of another look
                _log.exception("it is not known which tenants changed")
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def forget_changes(self, since: int) -> None:
        """Forget the tenants of which something changed since a time."""
        changed = await self._rows.rows(
            EVERYBODY, AUDIT_LOG, where={"at": AtLeast(since)}, limit=_MOST_CHANGES + 1
        )
        if len(changed) > _MOST_CHANGES:
            self._known.clear()
            self._since.clear()
        if self.any_quotas is None or (changed and not self.any_quotas):
            self.any_quotas = bool(await self._rows.rows(EVERYBODY, QUOTAS, limit=1))
        for entry in changed:
            # What is done to a tenant by somebody else is written down with the tenant that it is done to.
            self.forget(entry.tenant)
            if self._heard is not None:
                await self._heard(entry)

    async def _load(self, tenant: str) -> Standing:
        made = next(iter(await self._rows.rows(tenant, TENANTS)), None)
        quotas = next(iter(await self._rows.rows(tenant, QUOTAS)), None) if made is not None else None
        registered = await self._rows.rows(tenant, REGISTRATIONS, limit=100_000)
        refused = {f"{one.agent}@{one.version}": one for one in registered if one.state not in EXECUTABLE}
        return Standing(made, quotas, refused)
