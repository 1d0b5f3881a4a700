"""The tenant of whoever asks: how it stands, its settings, its secrets and its audit log."""

from __future__ import annotations

__all__ = ["OwnTenant"]

import msgspec

from greenlang.engine.executions import time_text
from greenlang.engine.tenancy import Guard, KeyStore, Tenants, audit_page
from greenlang.errors import InputError
from greenlang.service.messages import (
    AuditData,
    AuditList,
    AuditQuery,
    ConfigurationData,
    ConfigurationRequest,
    OwnTenantData,
    SecretList,
    SecretRequest,
    UsageData,
)
from greenlang.service.operations.acting import actor
from greenlang.service.operations.tenants import tenant_told
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer, next_link
from greenlang.stores import Store
from greenlang.stores.tables import AuditEntry


class OwnTenant:
    """Operations on the caller's tenant, over a store.

    Parameters
    ----------
    keys : KeyStore, optional
        Keeps secrets; without it there are none.
    """

    def __init__(self, store: Store, guard: Guard, keys: KeyStore | None) -> None:
        self._rows = store.rows
        self._tenants = Tenants(store.rows)
        self._guard = guard
        self._keys = keys

    def routes(self) -> list[Route]:
        """What is answered here."""
        routes = [
            Route(
                "GET",
                "/v1/tenant",
                self.own_tenant,
                "Your tenant, its quotas and what it used today",
                permission=Permission.READ,
                answers={200: (OwnTenantData,)},
            ),
            Route(
                "GET",
                "/v1/tenant/configuration",
                self.configuration,
                "Your tenant's own settings",
                permission=Permission.READ,
                answers={200: (ConfigurationData,)},
            ),
            Route(
                "PUT",
                "/v1/tenant/configuration",
                self.configure,
                "Put your tenant's own settings",
                permission=Permission.MANAGE,
                request=ConfigurationRequest,
                answers={200: (ConfigurationData,)},
            ),
            Route(
                "GET",
                "/v1/tenant/audit",
                self.audit,
                "Who changed what of your tenant",
                permission=Permission.MANAGE,
                query=AuditQuery,
                answers={200: (AuditList,)},
            ),
        ]
        return routes if self._keys is None else [*routes, *self._secret_routes()]

    def _secret_routes(self) -> list[Route]:
        listed: dict[int, tuple[type[msgspec.Struct], ...]] = {200: (SecretList,)}
        manage = Permission.MANAGE
        return [
            Route("GET", "/v1/secrets", self.secrets, "List secrets", permission=manage, answers=listed),
            Route(
                "PUT",
                "/v1/secrets/{id}",
                self.put_secret,
                "Keep a secret",
                permission=manage,
                request=SecretRequest,
                answers=listed,
            ),
            Route(
                "DELETE",
                "/v1/secrets/{id}",
                self.remove_secret,
                "Forget a secret",
                permission=manage,
                answers=listed,
            ),
        ]

    async def own_tenant(self, call: Call) -> Reply:
        """`GET /v1/tenant`."""
        tenant = await self._tenants.tenant(call.tenant)
        if tenant is None:
            return answer(call, OwnTenantData(call.tenant))
        today = await self._guard.meter.load(call.tenant, measured=True)
        usage = UsageData(*(today.used(name) for name in UsageData.__struct_fields__))
        quotas = await self._tenants.quotas(call.tenant)
        return answer(call, OwnTenantData(call.tenant, tenant_told(tenant, quotas), usage))

    async def configuration(self, call: Call) -> Reply:
        """`GET /v1/tenant/configuration`."""
        found = await self._tenants.configuration(call.tenant)
        if found is None:
            return answer(call, ConfigurationData(msgspec.Raw(b"{}"), 0))
        return answer(call, ConfigurationData(msgspec.Raw(found.document), found.revision))

    async def configure(self, call: Call) -> Reply:
        """`PUT /v1/tenant/configuration`."""
        asked = bytes(read_body(call, ConfigurationRequest).configuration)
        if not asked.lstrip().startswith(b"{"):
            raise InputError(
                "settings are an object", fix='send {"configuration": {…}}', place="configuration"
            )
        made = await self._tenants.configure(call.tenant, asked, actor=actor())
        return answer(call, ConfigurationData(msgspec.Raw(made.document), made.revision))

    async def audit(self, call: Call) -> Reply:
        """`GET /v1/tenant/audit`."""
        asked = read_query(call, AuditQuery)
        page = await audit_page(self._rows, call.tenant, before=asked.cursor, limit=asked.limit)
        cursor = None if page.next_before is None else str(page.next_before)
        headers = () if cursor is None else (next_link(call, cursor),)
        return answer(call, AuditList([_entry_told(one) for one in page.entries], cursor), headers=headers)

    async def secrets(self, call: Call) -> Reply:
        """`GET /v1/secrets`."""
        assert self._keys is not None  # noqa: S101  the route is there with it alone
        return answer(call, SecretList(list(await self._keys.names(call.tenant))))

    async def put_secret(self, call: Call) -> Reply:
        """`PUT /v1/secrets/{id}`."""
        assert self._keys is not None  # noqa: S101
        asked = read_body(call, SecretRequest)
        await self._keys.put(call.tenant, call.names["id"], asked.value.encode(), actor=actor())
        return await self.secrets(call)

    async def remove_secret(self, call: Call) -> Reply:
        """`DELETE /v1/secrets/{id}`."""
        assert self._keys is not None  # noqa: S101
        if not await self._keys.remove(call.tenant, call.names["id"], actor=actor()):
            raise unknown("secret", call.names["id"])
        return await self.secrets(call)


def _entry_told(entry: AuditEntry) -> AuditData:
    return AuditData(
        sequence=entry.sequence,
        at=time_text(entry.at),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        before=None if entry.before is None else msgspec.Raw(entry.before),
        after=None if entry.after is None else msgspec.Raw(entry.after),
    )
