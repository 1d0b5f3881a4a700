"""The key store: secrets of tenants, encrypted before a store sees them (AES-256-GCM).

What a value is encrypted with says whose it is and what it is called, so that no row can be put in the place
of another.  The first of the keys encrypts; all of them decrypt, so that keys can be changed.
"""

from __future__ import annotations

__all__ = ["KeyStore", "read_key"]

import base64
import binascii
import hashlib
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from greenlang.engine.tenancy.audit import noted
from greenlang.errors import InputError, StoreError
from greenlang.stores.rows import Delete, Insert, Replace, Rows
from greenlang.stores.tables import SECRETS, Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


def read_key(text: str) -> bytes:
    """A key as settings have it: 32 bytes in base64.

    Raises
    ------
    InputError
        If it is none; what was given is not told.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputError(
            "this is no key of a key store", fix="make one with `openssl rand -base64 32`", place="key_store"
        )
    return key


class KeyStore:
    """Secrets of a store's tenants.

    Parameters
    ----------
    keys : sequence of bytes
        Of 32 bytes each, the newest first.
    """

    def __init__(self, rows: Rows, keys: Sequence[bytes]) -> None:
        self._rows = rows
        self._keys = {_id(key): key for key in keys}
        self._newest = _id(keys[0])

    async def put(self, tenant: str, name: str, value: bytes, *, actor: str) -> bool:
        """Keep a value under a name, in place of one that is there; False if another did at the same time."""
        before = await self._kept(tenant, name)
        nonce = os.urandom(_NONCE_BYTES)
        made = Secret(
            tenant=tenant,
            name=name,
            key_id=self._newest,
            value=nonce + _cipher(self._keys[self._newest]).encrypt(nonce, value, _place(tenant, name)),
            changed_at=time.time_ns() // 1000,
            revision=1 if before is None else before.revision + 1,
        )
        change = Insert(SECRETS, made) if before is None else Replace(SECRETS, made)
        return await self._rows.write(tenant, [change, noted(tenant, actor, "secret.put", name)])

    async def value(self, tenant: str, name: str) -> bytes | None:
        """What is kept under a name, or None.

        Raises
        ------
        StoreError
            If the key is not among ours, or the row is not as it was written.
        """
        from cryptography.exceptions import InvalidTag

        kept = await self._kept(tenant, name)
        if kept is None:
            return None
        key = self._keys.get(kept.key_id)
        if key is None:
            raise StoreError(
                f"secret '{name}' is encrypted with key {kept.key_id}",
                fix="add that key to those of the key store",
            )
        nonce, encrypted = kept.value[:_NONCE_BYTES], kept.value[_NONCE_BYTES:]
        try:
            return _cipher(key).decrypt(nonce, encrypted, _place(tenant, name))
        except InvalidTag as error:
            raise StoreError(f"secret '{name}' is not as it was written") from error

    async def names(self, tenant: str) -> tuple[str, ...]:
        """What a tenant's secrets are called."""
        return tuple(kept.name for kept in await self._rows.rows(tenant, SECRETS))

    async def remove(self, tenant: str, name: str, *, actor: str) -> bool:
        """Forget one; False if it is not there."""
        return await self._rows.write(
            tenant, [Delete(SECRETS, tenant, (name,)), noted(tenant, actor, "secret.removed", name)]
        )

    async def _kept(self, tenant: str, name: str) -> Secret | None:
        return next(iter(await self._rows.rows(tenant, SECRETS, where={"name": name})), None)


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _id(key: bytes) -> str:
    """What a key is called where it is used: tells nothing of it."""
    return hashlib.sha256(b"greenlang key store" + key).hexdigest()[:16]


def _place(tenant: str, name: str) -> bytes:
    return f"{len(tenant)}:{tenant}:{name}".encode()
