"""JSON Web Tokens: verified with the keys that their issuer publishes, and remembered for a short while.

Only algorithms of the settings are taken, and a key only for its own, so neither `none` nor a public key used
as a secret gets anywhere; nor does a token that says it is for something else. Keys are fetched one fetch at
a time; while an issuer cannot be reached, those it had are used.
"""

from __future__ import annotations

__all__ = ["KeySet", "TokenVerifier"]

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from typing import Any

import aiohttp
import jwt
import msgspec

from greenlang.service.identity.settings import TokenSettings
from greenlang.service.roles import Identity, Role

_log = logging.getLogger("greenlang.service")

#: A token that was verified is believed for so long at most, and so many of them are.
_BELIEVED_SECONDS = 60.0
_BELIEVED_TOKENS = 10_000

_LONGEST_TOKEN = 16_384
_LONGEST_TENANT = 200
_FETCH_SECONDS = 10.0
_LARGEST_DOCUMENT = 1_048_576


class KeySet:
    """The keys of one issuer, by their ids."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = -float("inf")
        #: When that was tried last, whatever came of it.
        self._tried_at = -float("inf")
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key of an id. A token without one is taken only where its issuer has a single key."""
        now, found = time.monotonic(), self._found(key_id)
        keys_seconds, pause = self._settings.keys_seconds, self._settings.unknown_key_seconds
        rested = now - self._tried_at
        stale = now - self._fetched_at > keys_seconds and rested > min(keys_seconds, pause)
        if stale or (found is None and rested > pause):
            await self._refresh(now)
            found = self._found(key_id)
        return found

    def _found(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    async def _refresh(self, asked_at: float) -> None:
        async with self._fetching:
            if self._tried_at > asked_at:  # another call fetched them meanwhile
                return
            try:
                keys = await self._fetch()
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, jwt.PyJWTError) as error:
                _log.error("the keys of %s cannot be fetched: %s", self._settings.issuer, error)
            else:
                self._keys, self._fetched_at = keys, time.monotonic()
            self._tried_at = time.monotonic()

    async def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        timeout = aiohttp.ClientTimeout(_FETCH_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            url = self._settings.jwks_url
            if url is None:
                issuer = self._settings.issuer.rstrip("/")
                found = await _document(session, f"{issuer}/.well-known/openid-configuration")
                if found.get("issuer") != self._settings.issuer:
                    raise ValueError(f"it says that it is {found.get('issuer')!r}")
                url = str(found.get("jwks_uri"))
            keys = jwt.PyJWKSet.from_dict(await _document(session, url)).keys
        return {key.key_id: key for key in keys if key.public_key_use in (None, "sig")}


def _is_for_access(header: dict[str, Any]) -> bool:
    """Whether it does not say that it is something else, as notices do that are signed with the same keys."""
    kind = header.get("typ", "JWT")
    return isinstance(kind, str) and kind.lower().removeprefix("application/") in ("jwt", "at+jwt")


async def _document(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        text = bytearray()
        async for piece in response.content.iter_any():
            text += piece
            if len(text) > _LARGEST_DOCUMENT:
                raise ValueError(f"{url} gives more than {_LARGEST_DOCUMENT:,} bytes")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(f"{url} gives no JSON object") from error


class TokenVerifier:
    """Makes identities of tokens."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._keys = KeySet(settings)
        #: By the hash of the token: until when it is believed, and whose it is.
        self._believed: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()

    async def identity(self, token: str) -> Identity | None:
        """Whose a token is; None if it is not to be believed, for whatever reason."""
        if len(token) > _LONGEST_TOKEN:
            return None
        digest = hashlib.sha256(token.encode()).digest()
        known = self._believed.get(digest)
        if known is not None and time.time() < known[0]:
            return known[1]
        try:
            claims = await self._claims(token)
        except (jwt.PyJWTError, ValueError) as error:
            _log.info("a token was refused: %s", error)
            return None
        identity = None if claims is None else self._identity_in(claims)
        if claims is not None and identity is not None:
            self._believed[digest] = (min(claims["exp"], time.time() + _BELIEVED_SECONDS), identity)
            if len(self._believed) > _BELIEVED_TOKENS:
                self._believed.popitem(last=False)
        return identity

    async def _claims(self, token: str) -> dict[str, Any] | None:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in self._settings.algorithms or not _is_for_access(header):
            return None
        key_id = header.get("kid")
        key = await self._keys.key(key_id if isinstance(key_id, str) else None)
        if key is None or key.algorithm_name != header["alg"]:
            return None
        claims = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=self._settings.leeway_seconds,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        # The library takes a text of digits, too, which is no time of a token (RFC 7519).
        return claims if isinstance(claims["exp"], int | float) else None

    def _identity_in(self, claims: dict[str, Any]) -> Identity | None:
        tenant, named = claims.get(self._settings.tenant_claim), claims.get(self._settings.roles_claim, [])
        if not isinstance(tenant, str) or not 0 < len(tenant) <= _LONGEST_TENANT or "\0" in tenant:
            return None
        if not isinstance(named, list):
            return None
        roles = frozenset(Role(name) for name in named if isinstance(name, str) and name in set(Role))
        return Identity.of_roles(tenant, str(claims["sub"]), roles)
