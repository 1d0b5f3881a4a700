"""Who asks, and for which tenant.

A call's headers go in, an `Identity` comes out. `api_keys` makes keys and knows them again, `tokens` verifies
JWTs against the keys of their issuer, `certificates` are the server's and those of other services;
`authentication` puts them before the API, and `settings` says which of them. What each role may do stands in
`greenlang.service.roles`.
"""

from __future__ import annotations

from greenlang.service.identity.api_keys import MadeKey, end_api_key, new_api_key
from greenlang.service.identity.authentication import Authenticator
from greenlang.service.identity.certificates import ServerCertificate, names_in
from greenlang.service.identity.settings import (
    AuthenticationSettings,
    ServiceSettings,
    SignInSettings,
    TlsSettings,
    TokenSettings,
)

__all__ = [
    "AuthenticationSettings",
    "Authenticator",
    "MadeKey",
    "ServerCertificate",
    "ServiceSettings",
    "SignInSettings",
    "TlsSettings",
    "TokenSettings",
    "end_api_key",
    "names_in",
    "new_api_key",
]
