"""All tenants, for those who look after them: make one, look at them, change what they may use."""

from __future__ import annotations

__all__ = ["Tenants", "quotas_told", "tenant_told"]

from typing import Any

import msgspec

from greenlang.engine.executions import time_text
from greenlang.engine.tenancy import Guard
from greenlang.engine.tenancy import Tenants as TenantKeeper
from greenlang.service.messages import (
    QuotasData,
    QuotasRequest,
    TenantChangeRequest,
    TenantData,
    TenantList,
    TenantQuery,
    TenantRequest,
)
from greenlang.service.operations.acting import administrator, conflict
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer, next_link
from greenlang.stores import Store
from greenlang.stores.tables import Quotas, Tenant

_EXAMPLES = {"A tenant": {"tenant": "acme", "name": "Acme Ltd", "tier": "pro"}}


class Tenants:
    """Operations on tenants, over a store."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._tenants = TenantKeeper(store.rows)
        self._guard = guard

    def routes(self) -> list[Route]:
        """What is answered here."""
        manage = Permission.MANAGE_TENANTS
        told: dict[int, tuple[type[msgspec.Struct], ...]] = {200: (TenantData,)}
        return [
            Route(
                "POST",
                "/v1/tenants",
                self.create_tenant,
                "Make a tenant",
                permission=manage,
                request=TenantRequest,
                answers={201: (TenantData,)},
                refusals=(409,),
                examples=_EXAMPLES,
            ),
            Route(
                "GET",
                "/v1/tenants",
                self.tenants,
                "List tenants",
                permission=manage,
                query=TenantQuery,
                answers={200: (TenantList,)},
            ),
            Route("GET", "/v1/tenants/{id}", self.tenant, "One tenant", permission=manage, answers=told),
            Route(
                "PATCH",
                "/v1/tenants/{id}",
                self.change_tenant,
                "Change, suspend or resume a tenant",
                permission=manage,
                request=TenantChangeRequest,
                answers=told,
            ),
            Route(
                "PUT",
                "/v1/tenants/{id}/quotas",
                self.set_quotas,
                "Agree on other quotas than those of the tier",
                permission=manage,
                request=QuotasRequest,
                answers=told,
            ),
        ]

    async def create_tenant(self, call: Call) -> Reply:
        """`POST /v1/tenants`."""
        asked = read_body(call, TenantRequest)
        made = await self._tenants.create(administrator(call), asked.tenant, name=asked.name, tier=asked.tier)
        if made is None:
            raise conflict("tenant", f"there is a tenant '{asked.tenant}'", "choose another id")
        self._guard.standings.forget(made.tenant)
        location = ("Location", f"/v1/tenants/{made.tenant}")
        quotas = await self._tenants.quotas(made.tenant)
        return answer(call, tenant_told(made, quotas), status=201, headers=(location,))

    async def tenants(self, call: Call) -> Reply:
        """`GET /v1/tenants`."""
        asked = read_query(call, TenantQuery)
        found = await self._tenants.all(administrator(call), after=asked.cursor, limit=asked.limit + 1)
        page = found[: asked.limit]
        cursor = page[-1].tenant if len(found) > asked.limit else None
        headers = () if cursor is None else (next_link(call, cursor),)
        return answer(call, TenantList([tenant_told(one) for one in page], cursor), headers=headers)

    async def tenant(self, call: Call) -> Reply:
        """`GET /v1/tenants/{id}`."""
        found = await self._tenants.tenant(call.names["id"])
        return await self._answer(call, found)

    async def change_tenant(self, call: Call) -> Reply:
        """`PATCH /v1/tenants/{id}`."""
        asked = _given(read_body(call, TenantChangeRequest))
        return await self._answer(
            call, await self._tenants.change(administrator(call), call.names["id"], **asked)
        )

    async def set_quotas(self, call: Call) -> Reply:
        """`PUT /v1/tenants/{id}/quotas`."""
        asked = _given(read_body(call, QuotasRequest))
        await self._tenants.set_quotas(administrator(call), call.names["id"], **asked)
        return await self.tenant(call)

    async def _answer(self, call: Call, tenant: Tenant | None) -> Reply:
        if tenant is None:
            raise unknown("tenant", call.names["id"])
        self._guard.standings.forget(tenant.tenant)
        return answer(call, tenant_told(tenant, await self._tenants.quotas(tenant.tenant)))


def _given(asked: msgspec.Struct) -> dict[str, Any]:
    """What a request asks to change: what it leaves out stays."""
    return {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}


def tenant_told(tenant: Tenant, quotas: Quotas | None = None) -> TenantData:
    """A tenant as callers see it."""
    return TenantData(
        tenant=tenant.tenant,
        name=tenant.name,
        tier=tenant.tier,
        status=tenant.status,
        created_at=time_text(tenant.created_at),
        changed_at=time_text(tenant.changed_at),
        quotas=None if quotas is None else quotas_told(quotas),
    )


def quotas_told(quotas: Quotas) -> QuotasData:
    """Quotas as callers see them."""
    return QuotasData(*(getattr(quotas, name) for name in QuotasData.__struct_fields__))
