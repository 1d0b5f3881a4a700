"""Organisations of a tenant, one under another, and the users that belong to them."""

from __future__ import annotations

__all__ = ["People"]

import time

from greenlang.engine.tenancy.audit import noted
from greenlang.stores.rows import Delete, Insert, Replace, Rows
from greenlang.stores.tables import ORGANISATIONS, USERS, Organisation, User


class People:
    """Organisations and users of a store's tenants."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def add_organisation(
        self, tenant: str, organisation: str, *, name: str, parent: str | None, actor: str
    ) -> Organisation | None:
        """Add one; None if there is one of that id, or its parent is not there."""
        made = Organisation(tenant=tenant, id=organisation, parent=parent, name=name, created_at=_now())
        entry = noted(tenant, actor, "organisation.added", organisation, after=made)
        return made if await self._rows.write(tenant, [Insert(ORGANISATIONS, made), entry]) else None

    async def organisations(self, tenant: str) -> tuple[Organisation, ...]:
        """All of them, by their ids."""
        return await self._rows.rows(tenant, ORGANISATIONS)

    async def remove_organisation(self, tenant: str, organisation: str, *, actor: str) -> bool:
        """Remove one; False if it is not there, or something belongs to it."""
        entry = noted(tenant, actor, "organisation.removed", organisation)
        return await self._rows.write(tenant, [Delete(ORGANISATIONS, tenant, (organisation,)), entry])

    async def put_user(
        self,
        tenant: str,
        user: str,
        *,
        name: str,
        organisation: str | None,
        roles: tuple[str, ...],
        actor: str,
    ) -> User | None:
        """Add a user, or change one; None if the organisation is not there, or another changed it too."""
        before = next(iter(await self._rows.rows(tenant, USERS, where={"id": user})), None)
        at = _now()
        made = User(
            tenant=tenant,
            id=user,
            name=name,
            organisation=organisation,
            roles=roles,
            created_at=at if before is None else before.created_at,
            changed_at=at,
            revision=1 if before is None else before.revision + 1,
        )
        change = Insert(USERS, made) if before is None else Replace(USERS, made)
        action = "user.added" if before is None else "user.changed"
        entry = noted(tenant, actor, action, user, before=before, after=made)
        return made if await self._rows.write(tenant, [change, entry]) else None

    async def users(self, tenant: str, *, after: str | None = None, limit: int = 100) -> tuple[User, ...]:
        """Users in the order of their ids."""
        behind = None if after is None else (tenant, after)
        return await self._rows.rows(tenant, USERS, after=behind, limit=limit)

    async def remove_user(self, tenant: str, user: str, *, actor: str) -> bool:
        """Remove one; False if it is not there."""
        entry = noted(tenant, actor, "user.removed", user)
        return await self._rows.write(tenant, [Delete(USERS, tenant, (user,)), entry])


def _now() -> int:
    return time.time_ns() // 1000
