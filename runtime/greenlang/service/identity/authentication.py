"""Authentication: the identity behind a call, or a refusal that says what to show."""

from __future__ import annotations

__all__ = ["Authenticator"]

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from greenlang.service.identity.api_keys import holds, key_id_of
from greenlang.service.identity.settings import AuthenticationSettings
from greenlang.service.messages import Fault
from greenlang.service.roles import EVERYTHING, ROLES, Identity, Role
from greenlang.service.wire import Call, Refusal
from greenlang.stores import ApiKey

if TYPE_CHECKING:
    from greenlang.service.identity.tokens import TokenVerifier

#: Nobody who is being answered is believed for longer without being identified again.
_BELIEVED_SECONDS = 60.0


class Keys(Protocol):
    """Where keys are found: a store, or a cache of one."""

    async def api_key(self, key_id: str) -> ApiKey | None:
        """One key, of whichever tenant."""


class Authenticator:
    """Identifies callers by `Authorization: Bearer …` (a token or a key) or `X-API-Key`.

    Services that show a certificate with their name need neither; with one, they act for its tenant.

    Parameters
    ----------
    keys : Keys
        Knows API keys; it is asked with each call.
    """

    def __init__(self, settings: AuthenticationSettings, keys: Keys) -> None:
        self.settings = settings
        self._keys = keys
        self._verifier: TokenVerifier | None = None
        if settings.tokens is not None:
            from greenlang.service.identity.tokens import TokenVerifier

            self._verifier = TokenVerifier(settings.tokens)

    @property
    def again_seconds(self) -> float:
        """How often to ask again while an answer is streamed."""
        return min(_BELIEVED_SECONDS, self.settings.remembered_seconds)

    async def identify(self, call: Call) -> Identity:
        """Whose call it is.

        Raises
        ------
        Refusal
            401 if nothing is shown, or nothing that holds.
        """
        shown = call.headers.get("x-api-key", "") or _bearer(call.headers.get("authorization", ""))
        service = self._service(call.peer) if call.peer else None
        if not shown and service is not None:
            return service
        if not shown:
            raise _refusal("nothing says who asks", "")
        key_id = key_id_of(shown) if self.settings.api_keys else None
        if key_id is not None:
            identity = await self._by_key(key_id, shown)
        elif self._verifier is not None:
            identity = await self._verifier.identity(shown)
        else:
            identity = None
        if identity is None:
            raise _refusal("the key or token does not hold", 'error="invalid_token"')
        if service is not None:
            identity = replace(identity, unlimited=service.unlimited)
        operates = identity.tenant == self.settings.operating_tenant
        if operates and identity.permissions == ROLES[Role.ADMIN]:
            return replace(identity, permissions=EVERYTHING)
        return identity

    def _service(self, names: frozenset[str]) -> Identity | None:
        """The service that one of the names in a certificate is of."""
        for name in sorted(names & self.settings.services.keys()):
            known = self.settings.services[name]
            identity = Identity.of_roles(known.tenant, f"service:{name}", frozenset(known.roles))
            return replace(identity, unlimited=known.unlimited)
        return None

    async def _by_key(self, key_id: str, shown: str) -> Identity | None:
        kept = await self._keys.api_key(key_id)
        if not holds(kept, shown, time.time_ns() // 1000) or kept is None:
            return None
        return Identity.of_roles(kept.tenant, f"key:{kept.id}", frozenset(map(Role, kept.roles)))


def _bearer(header: str) -> str:
    scheme, _, shown = header.partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def _refusal(message: str, detail: str) -> Refusal:
    fault = Fault(
        "unauthenticated", message, "Authorization", "send Authorization: Bearer and a token or an API key"
    )
    challenge = f'Bearer realm="greenlang"{", " if detail else ""}{detail}'
    return Refusal(401, fault, headers=[("WWW-Authenticate", challenge)])
