"""API keys: `gl_<id>_<secret>`, shown once, kept as a hash.

The secret has 256 bits of chance, so a plain SHA-256 of it tells nothing; slow hashes are for passwords.
"""

from __future__ import annotations

__all__ = ["MadeKey", "end_api_key", "holds", "key_id_of", "new_api_key"]

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from greenlang.engine.tenancy import note
from greenlang.service.reads import Reads
from greenlang.service.roles import Role
from greenlang.stores import ApiKey, Store

_KEY = re.compile(r"gl_([0-9a-f]{16})_([0-9A-Za-z_-]{43})")


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key: what is kept of it, and its text, which is told to its owner and forgotten."""

    kept: ApiKey
    text: str


def new_api_key(
    tenant: str, roles: frozenset[Role], *, name: str, at: int, expires_at: int | None
) -> MadeKey:
    """Make a key of a tenant, with the roles it grants; times are microseconds since 1970."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    kept = ApiKey(
        id=key_id,
        tenant=tenant,
        name=name,
        roles=tuple(sorted(roles)),
        secret_hash=_hash(secret),
        created_at=at,
        expires_at=expires_at,
        revoked_at=None,
    )
    return MadeKey(kept, f"gl_{key_id}_{secret}")


async def end_api_key(store: Store, reads: Reads, tenant: str, key_id: str, *, actor: str, at: int) -> bool:
    """Revoke a key; False, and nothing is written down, if the tenant has no good one of that id."""
    kept = await store.api_key(key_id)
    if kept is None or kept.tenant != tenant or kept.revoked_at is not None:
        return False
    await note(store.rows, tenant, actor, "key.revoked", key_id)
    ended = await store.revoke_api_key(tenant, key_id, at=at)
    await reads.forget_api_key(key_id)
    return ended


def key_id_of(text: str) -> str | None:
    """The id of what looks like a key; None for anything else."""
    found = _KEY.fullmatch(text)
    return None if found is None else found[1]


def holds(kept: ApiKey | None, text: str, at: int) -> bool:
    """Whether a text is the key that is kept, and it is still good; it takes as long where it is not."""
    found = _KEY.fullmatch(text)
    given = _hash(found[2] if found is not None else "")
    same = hmac.compare_digest(given, kept.secret_hash if kept is not None else bytes(32))
    if kept is None or not same or kept.revoked_at is not None:
        return False
    return kept.expires_at is None or at < kept.expires_at


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
