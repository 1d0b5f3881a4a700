"""What callers have read again and again, through a cache: API keys, ended executions, calculations.

What has ended and what was proved never change. A key does when it is revoked, which has it dropped in every
process that shares the cache.
"""

from __future__ import annotations

__all__ = ["Reads"]

import zlib
from functools import lru_cache
from typing import Any

import msgspec

from greenlang.caches import Cache, Kind
from greenlang.stores import FINAL_STATES, ApiKey, Calculation, ExecutionRow, State, Store
from greenlang.stores.tables import AuditEntry

#: A key is believed for so long where its revocation is heard of.
_HEARD_SECONDS = 300.0

#: How long what never changes is kept: `purge` deletes it, which nobody is told.
_ENDED_SECONDS = 60.0
_PROVED_SECONDS = 3600.0

#: Of those that ended, what an operator may have tried again.
_MAY_GO_ON = State.DEAD_LETTER

_encode = msgspec.msgpack.Encoder().encode
_execution = msgspec.msgpack.Decoder(ExecutionRow).decode
_calculation = msgspec.msgpack.Decoder(Calculation).decode

#: Made once of the bytes that a cache gives again and again: each request shows a key.
_api_key = lru_cache(maxsize=10_000)(msgspec.msgpack.Decoder(ApiKey).decode)


class Reads:
    """Reads from a store, or from what is kept of it.

    Parameters
    ----------
    remembered_seconds : float
        A key is believed for so long where its revocation is not heard of; 0: it is never kept.
    """

    def __init__(self, store: Store, cache: Cache, *, remembered_seconds: float = 60.0) -> None:
        self._store = store
        self._cache = cache
        heard = _HEARD_SECONDS if remembered_seconds else 0.0
        self._keys = Kind("key", _version(ApiKey), heard, remembered_seconds)
        self._executions = Kind(
            "execution", _version(ExecutionRow), _ENDED_SECONDS, _ENDED_SECONDS, shared=False
        )
        self._calculations = Kind("calculation", _version(Calculation), _PROVED_SECONDS, _PROVED_SECONDS)

    async def api_key(self, key_id: str) -> ApiKey | None:
        """One key, of whichever tenant: who shows it is not known yet."""
        if not self._keys.seconds:
            return await self._store.api_key(key_id)

        async def load() -> bytes | None:
            found = await self._store.api_key(key_id)
            return None if found is None else _encode(found)

        kept = await self._cache.fetch(self._keys, "", key_id, load)
        return None if kept is None else _api_key(kept)

    async def forget_api_key(self, key_id: str) -> None:
        """Have a key that changed looked for anew, in every process."""
        await self._cache.drop(self._keys, "", key_id)

    async def hear(self, entry: AuditEntry) -> None:
        """Forget what an entry of the audit log says has changed: Redis may not have told it."""
        if entry.action == "key.revoked":
            await self.forget_api_key(entry.subject)

    async def execution(self, tenant: str, execution_id: str) -> ExecutionRow | None:
        """One execution, or None if this tenant has none of that id."""
        found: ExecutionRow | None = None

        async def load() -> bytes | None:
            nonlocal found
            found = await self._store.execution(tenant, execution_id)
            if found is None or found.state not in FINAL_STATES or found.state is _MAY_GO_ON:
                return None
            return _encode(found)

        kept = await self._cache.fetch(self._executions, tenant, execution_id, load)
        return found if kept is None else _execution(kept)

    async def calculation(self, tenant: str, calculation_id: str) -> Calculation | None:
        """One committed record with its proof, or None if this tenant has none of that id."""

        async def load() -> bytes | None:
            found = await self._store.calculation(tenant, calculation_id)
            return None if found is None else _encode(found)

        kept = await self._cache.fetch(self._calculations, tenant, calculation_id, load)
        return None if kept is None else _calculation(kept)


def _version(kept: Any) -> str:
    """Of how something is encoded: another one wherever it has other fields."""
    fields = [f"{field.name}:{field.type}" for field in msgspec.structs.fields(kept)]
    return f"{zlib.crc32('|'.join(fields).encode()):08x}"
