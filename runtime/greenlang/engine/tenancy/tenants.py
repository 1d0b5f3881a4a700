"""Tenants: made, changed and suspended by those who look after all of them; configured by themselves."""

from __future__ import annotations

__all__ = ["Tenants"]

import re
import time
from typing import Any

from msgspec.structs import replace

from greenlang.engine.tenancy.audit import noted
from greenlang.engine.tenancy.tiers import quotas_of
from greenlang.errors import InputError
from greenlang.stores.rows import Administrator, Insert, Replace, RowChange, Rows
from greenlang.stores.tables import CONFIGURATIONS, QUOTAS, TENANTS, Configuration, Quotas, Tenant, Tier

#: What can stand in a path as it is.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Tenants:
    """Tenants of a store, with their quotas and configurations.

    A tenant that was never made here may use the runtime all the same, if whoever says who asks says so: it
    has no quotas.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def create(self, by: Administrator, tenant: str, *, name: str, tier: Tier) -> Tenant | None:
        """Make a tenant with the quotas of its tier; None if there is one of that id.

        Raises
        ------
        InputError
            If the id is none.
        """
        if not _NAME.fullmatch(tenant):
            raise InputError(
                f"'{tenant[:80]}' is no id of a tenant",
                fix="use letters, digits, dots, hyphens and underscores, 100 at most",
                place="tenant",
            )
        at = _now()
        made = Tenant(tenant=tenant, name=name, tier=tier, status="active", created_at=at, changed_at=at)
        changes = [
            Insert(TENANTS, made),
            Insert(QUOTAS, quotas_of(tenant, tier, at)),
            noted(tenant, by.name, "tenant.created", tenant, after=made),
        ]
        return made if await self._rows.write(by, changes) else None

    async def change(self, by: Administrator, tenant: str, **changes: Any) -> Tenant | None:
        """Change name, tier or status; None if there is no such tenant.

        Another tier brings its own quotas, whatever had been agreed before.
        """
        before = await self.tenant(tenant)
        if before is None:
            return None
        at = _now()
        after = replace(before, **changes, changed_at=at, revision=before.revision + 1)
        action = (
            "tenant.changed" if after.status == before.status else f"tenant.{_STATUS_WORDS[after.status]}"
        )
        made: list[RowChange] = [
            Replace(TENANTS, after),
            noted(tenant, by.name, action, tenant, before=before, after=after),
        ]
        if after.tier != before.tier:
            quotas = await self.quotas(tenant)
            made.append(Replace(QUOTAS, quotas_of(tenant, after.tier, at, revision=quotas.revision + 1)))
        _must_fit(await self._rows.write(by, made), "tenant")
        return after

    async def set_quotas(self, by: Administrator, tenant: str, **amounts: int) -> Quotas | None:
        """Agree on other amounts than those of the tier; None if there is no such tenant."""
        if await self.tenant(tenant) is None:
            return None
        before = await self.quotas(tenant)
        after = replace(before, **amounts, changed_at=_now(), revision=before.revision + 1)
        entry = noted(tenant, by.name, "quotas.changed", tenant, before=before, after=after)
        _must_fit(await self._rows.write(by, [Replace(QUOTAS, after), entry]), "quotas")
        return after

    async def all(
        self, by: Administrator, *, after: str | None = None, limit: int = 100
    ) -> tuple[Tenant, ...]:
        """Tenants in the order of their ids; that somebody looked is written down."""
        return await self._rows.rows(by, TENANTS, after=None if after is None else (after,), limit=limit)

    async def tenant(self, tenant: str) -> Tenant | None:
        """One tenant, as it sees itself."""
        return next(iter(await self._rows.rows(tenant, TENANTS)), None)

    async def quotas(self, tenant: str) -> Quotas:
        """The quotas of a tenant that was made here."""
        (found,) = await self._rows.rows(tenant, QUOTAS)
        return found

    async def configuration(self, tenant: str) -> Configuration | None:
        """What a tenant configured, if it did."""
        return next(iter(await self._rows.rows(tenant, CONFIGURATIONS)), None)

    async def configure(self, tenant: str, document: bytes, *, actor: str) -> Configuration:
        """Put a document in place of the one before."""
        before = await self.configuration(tenant)
        revision = 1 if before is None else before.revision + 1
        after = Configuration(tenant=tenant, document=document, changed_at=_now(), revision=revision)
        change = Insert(CONFIGURATIONS, after) if before is None else Replace(CONFIGURATIONS, after)
        entry = noted(tenant, actor, "configuration.changed", tenant, before=before, after=after)
        _must_fit(await self._rows.write(tenant, [change, entry]), "configuration")
        return after


_STATUS_WORDS = {"active": "resumed", "suspended": "suspended"}


def _must_fit(written: bool, what: str) -> None:
    if not written:
        raise InputError(
            f"somebody else changed the {what} at the same time", fix="look at it, and try again"
        )


def _now() -> int:
    return time.time_ns() // 1000
