"""API keys of a tenant: make one, list them, revoke one."""

from __future__ import annotations

__all__ = ["Keys"]

from greenlang.engine.executions import now, time_text
from greenlang.engine.tenancy import note
from greenlang.service.identity import end_api_key, new_api_key
from greenlang.service.messages import KeyData, KeyList, KeyRequest, MadeKeyData
from greenlang.service.operations.acting import actor
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body
from greenlang.service.reads import Reads
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer
from greenlang.stores import ApiKey, Store

_DAY = 86_400 * 1_000_000


class Keys:
    """Operations on API keys, over a store."""

    def __init__(self, store: Store, reads: Reads) -> None:
        self._store = store
        self._reads = reads

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/keys",
                self.create_key,
                "Make an API key",
                permission=Permission.MANAGE_KEYS,
                request=KeyRequest,
                answers={201: (MadeKeyData,)},
                examples={"A key for a build": {"name": "nightly", "roles": ["developer"], "days": 90}},
            ),
            Route(
                "GET",
                "/v1/keys",
                self.keys,
                "List API keys",
                permission=Permission.MANAGE_KEYS,
                answers={200: (KeyList,)},
            ),
            Route(
                "DELETE",
                "/v1/keys/{id}",
                self.revoke_key,
                "Revoke an API key",
                permission=Permission.MANAGE_KEYS,
                answers={200: (KeyList,)},
            ),
        ]

    async def create_key(self, call: Call) -> Reply:
        """`POST /v1/keys`."""
        asked = read_body(call, KeyRequest)
        at = now()
        made = new_api_key(
            call.tenant,
            frozenset(asked.roles),
            name=asked.name,
            at=at,
            expires_at=None if asked.days is None else at + asked.days * _DAY,
        )
        await note(self._store.rows, call.tenant, actor(), "key.created", made.kept.id)
        await self._store.add_api_key(made.kept)
        return answer(call, MadeKeyData(made.text, _told(made.kept)), status=201)

    async def keys(self, call: Call) -> Reply:
        """`GET /v1/keys`."""
        return answer(call, KeyList([_told(key) for key in await self._store.api_keys(call.tenant)]))

    async def revoke_key(self, call: Call) -> Reply:
        """`DELETE /v1/keys/{id}`."""
        key_id = call.names["id"]
        if not await end_api_key(self._store, self._reads, call.tenant, key_id, actor=actor(), at=now()):
            raise unknown("key", key_id)
        return await self.keys(call)


def _told(key: ApiKey) -> KeyData:
    return KeyData(
        key_id=key.id,
        name=key.name,
        roles=list(key.roles),
        created_at=time_text(key.created_at),
        expires_at=None if key.expires_at is None else time_text(key.expires_at),
        revoked_at=None if key.revoked_at is None else time_text(key.revoked_at),
    )
