"""What tenants with quotas use: written down for each execution, added up for each day, held to the quotas.

Nothing waits for the store: what was used is written every second, many records in one commit, and what other
nodes wrote is read every few.  So a tenant on several nodes may get a few seconds' worth more than its quota.
"""

from __future__ import annotations

__all__ = ["Meter", "Today"]

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from greenlang.agents.spending import Spent
from greenlang.errors import QuotaError, StoreError
from greenlang.stores import NewEvent
from greenlang.stores.rows import EVERYBODY, Add, Insert, RowChange, Rows, Tell
from greenlang.stores.tables import (
    METERING,
    QUOTA_WARNINGS,
    USAGE,
    Metered,
    Quotas,
    QuotaWarning,
    Usage,
)

_log = logging.getLogger("greenlang.engine")

_DAY = 86_400 * 1_000_000
_MINUTE = 60 * 1_000_000

_FLUSH_SECONDS = 1.0
#: How long what other nodes used, and what is stored, is believed.
_USAGE_SECONDS = 5.0
_STORAGE_SECONDS = 60.0

#: Records in one commit.
_AT_ONCE = 500

#: What a quota is warned of at, of what it allows.
_WARNED_AT = 0.8


@dataclass(slots=True)
class Today:
    """What a tenant used on one day."""

    day: int
    #: What the store knows, and what is yet to be written.
    kept: Usage
    pending: Usage
    stored_bytes: int = 0
    usage_read_at: float = -math.inf
    storage_read_at: float = -math.inf
    #: Whether anything was used since it was read.
    stirred: bool = False
    warned: set[str] = field(default_factory=set)

    @property
    def has_pending(self) -> bool:
        """Whether anything is yet to be written."""
        return bool(self.pending.executions or self.pending.cpu_microseconds or self.pending.tokens)

    def used(self, name: str) -> int:
        """How much of the quota of a name is used."""
        if name == "storage_bytes":
            return self.stored_bytes
        if name == "daily_compute_minutes":
            return (self.kept.cpu_microseconds + self.pending.cpu_microseconds) // _MINUTE
        column = name.removeprefix("daily_")
        return int(getattr(self.kept, column) + getattr(self.pending, column))


#: Quotas that are held to here, each with what mends it.
_HELD = {
    "daily_executions": "the next day begins at midnight UTC",
    "daily_compute_minutes": "the next day begins at midnight UTC",
    "daily_tokens": "the next day begins at midnight UTC",
    "storage_bytes": "delete what is not needed, or have executions purged",
}


class Meter:
    """Counts what is used in this process, and knows what is used everywhere.

    Parameters
    ----------
    now : callable
        Microseconds since 1970.
    """

    def __init__(self, rows: Rows, now: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._rows = rows
        self._now = now
        #: By tenant and day; one of a day that is over stays until all of it is written.
        self._today: dict[tuple[str, int], Today] = {}
        self._flushing = asyncio.Lock()
        #: Batches are made, and counted, in threads.
        self._adding = threading.Lock()
        self._records: list[Metered] = []
        self._warnings: list[QuotaWarning] = []

    async def load(self, tenant: str, *, measured: bool = False) -> Today:
        """What a tenant used today, as the store knows it; `measured`: what is stored too, however lately."""
        today = self._of(tenant)
        kept = await self._rows.rows(tenant, USAGE, where={"day": today.day})
        today.kept = kept[0] if kept else _nothing(tenant, today.day)
        today.usage_read_at, today.stirred = time.monotonic(), False
        if measured or time.monotonic() - today.storage_read_at > _STORAGE_SECONDS:
            today.stored_bytes = await self._rows.stored_bytes(tenant)
            today.storage_read_at = time.monotonic()
        return today

    def hold(self, tenant: str, quotas: Quotas) -> None:
        """See that a tenant may have one more execution.

        Raises
        ------
        QuotaError
            If one of its quotas is used up; it says which, and when there is more.
        """
        today = self._of(tenant)
        for name, mends in _HELD.items():
            limit = getattr(quotas, name)
            used = today.used(name)
            if used >= limit:
                daily = name.startswith("daily_")
                rest = (today.day + 1) * _DAY - self._now() if daily else 3600 * 1_000_000
                raise QuotaError(
                    f"tenant '{tenant}' has used {used:,} of {limit:,} {name.replace('_', ' ')}",
                    fix=mends,
                    place=name,
                    retry_seconds=max(1, rest // 1_000_000),
                )
            if used >= _WARNED_AT * limit:
                self.warn(tenant, name, used, limit)

    def warn(self, tenant: str, quota: str, used: int, allowed: int) -> None:
        """Have it told, once a day, that most of a quota is used."""
        today = self._of(tenant)
        if quota not in today.warned:
            today.warned.add(quota)
            self._warnings.append(
                QuotaWarning(
                    tenant=tenant, day=today.day, quota=quota, at=self._now(), used=used, allowed=allowed
                )
            )

    def warn_of_requests(self, tenant: str, used: int, allowed: int) -> None:
        """Have it told, once a day, that most of what may be asked in a minute was asked."""
        self.warn(tenant, "requests_a_minute", used, allowed)

    def count(self, tenant: str) -> None:
        """Count one execution that was accepted."""
        self._add(tenant, executions=1)

    def spend(self, tenant: str, execution_id: str, attempt: int, spent: Spent) -> None:
        """Write down what an attempt of an execution used."""
        self._add(tenant, cpu_microseconds=spent.cpu_microseconds, tokens=spent.tokens)
        self._records.append(
            Metered(
                tenant=tenant,
                execution_id=execution_id,
                attempt=attempt,
                at=self._now(),
                cpu_microseconds=spent.cpu_microseconds,
                tokens=spent.tokens,
            )
        )

    async def keep(self) -> None:
        """Write what is used, and read what others wrote, for as long as it runs."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                # Whoever stops this cuts nothing off: their own flush waits for it.
                await asyncio.shield(self.flush())
                await self._refresh()
            except StoreError as error:
                _log.warning("what tenants use is written later: %s", error)
            except Exception:  # whatever it is, quotas are held to
                _log.exception("what tenants use is written later")

    async def flush(self) -> None:
        """Write what was used and not written yet; more may be used meanwhile."""
        async with self._flushing:
            while self._records:
                portion = self._records[:_AT_ONCE]
                written = await self._rows.write(EVERYBODY, [Insert(METERING, one) for one in portion])
                if (
                    not written
                ):  # an attempt that was written before, by whoever's doing: the others stand alone
                    for one in portion:
                        await self._rows.write(EVERYBODY, [Insert(METERING, one)])
                del self._records[: len(portion)]
            for today in list(self._today.values()):
                if today.has_pending:
                    await self._add_up(today, today.pending)
            while self._warnings:
                await self._rows.write(EVERYBODY, _told(self._warnings[0]))
                del self._warnings[0]

    async def _add_up(self, today: Today, adding: Usage) -> None:
        try:
            await self._rows.write(EVERYBODY, [Add(USAGE, adding)])
        except StoreError as error:
            if error.uncertain:
                self._wrote(today, adding)  # rather never counted than twice
            raise
        self._wrote(today, adding)

    def _wrote(self, today: Today, usage: Usage) -> None:
        with self._adding:
            today.kept, today.pending = _sum(today.kept, usage), _sum(today.pending, usage, -1)

    async def _refresh(self) -> None:
        now = time.monotonic()
        for (tenant, day), today in list(self._today.items()):
            if day != self._now() // _DAY:
                if not today.has_pending:
                    del self._today[tenant, day]
            elif today.stirred and now - today.usage_read_at > _USAGE_SECONDS:
                await self.load(tenant)

    def _of(self, tenant: str) -> Today:
        day = self._now() // _DAY
        today = self._today.get((tenant, day))
        if today is None:
            nothing = _nothing(tenant, day)
            today = self._today[tenant, day] = Today(day, nothing, nothing)
        return today

    def _add(self, tenant: str, *, executions: int = 0, cpu_microseconds: int = 0, tokens: int = 0) -> None:
        today = self._of(tenant)
        added = Usage(
            tenant=tenant,
            day=today.day,
            executions=executions,
            cpu_microseconds=cpu_microseconds,
            tokens=tokens,
        )
        with self._adding:
            today.pending = _sum(today.pending, added)
        today.stirred = True


def _nothing(tenant: str, day: int) -> Usage:
    return Usage(tenant=tenant, day=day, executions=0, cpu_microseconds=0, tokens=0)


def _sum(one: Usage, other: Usage, sign: int = 1) -> Usage:
    return Usage(
        tenant=one.tenant,
        day=one.day,
        executions=one.executions + sign * other.executions,
        cpu_microseconds=one.cpu_microseconds + sign * other.cpu_microseconds,
        tokens=one.tokens + sign * other.tokens,
    )


def _told(warning: QuotaWarning) -> list[RowChange]:
    payload = {"quota": warning.quota, "used": warning.used, "allowed": warning.allowed}
    event = NewEvent("quota_warning", msgspec.json.encode(payload))
    return [
        Insert(QUOTA_WARNINGS, warning),
        Tell(warning.tenant, "tenant", warning.tenant, event, warning.at),
    ]
