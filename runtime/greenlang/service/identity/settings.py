"""How callers are told apart: the part `[authentication]` of the configuration."""

from __future__ import annotations

__all__ = ["AuthenticationSettings", "ServiceSettings", "SignInSettings", "TlsSettings", "TokenSettings"]

from typing import Annotated, Literal

import msgspec

from greenlang.service.roles import Role

Algorithm = Literal["RS256", "ES256", "EdDSA"]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class TokenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose JSON Web Tokens are believed."""

    #: As in the tokens' `iss`; its `/.well-known/openid-configuration` leads to its keys.
    issuer: Name
    #: As in their `aud`.
    audience: Name
    #: Where its keys are, if they are not found from the issuer.
    jwks_url: str | None = None
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")
    #: The claims that name the tenant and its roles; a role that is none of ours grants nothing.
    tenant_claim: Name = "tenant_id"
    roles_claim: Name = "roles"
    #: Seconds that clocks may be apart.
    leeway_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30.0
    #: Seconds after which keys are fetched again, and between two fetches for a key that is not known.
    keys_seconds: Seconds = 3600.0
    unknown_key_seconds: Seconds = 30.0


class SignInSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How people sign in to the console: OpenID Connect, authorization code and PKCE, a public client."""

    #: Registered with the issuer of the tokens; its redirect URI is the console's own address.
    client_id: Name
    scope: Name = "openid"
    #: What else the issuer is to be asked with, so that its access tokens are for our audience:
    #: `{resource = "urn:greenlang"}`, `{audience = "greenlang"}`.
    parameters: dict[str, str] = {}
    #: Where these are, if they are not found from the issuer, or lie at another origin.
    authorization_url: str | None = None
    token_url: str | None = None


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What another service may do that shows a certificate with its name."""

    #: Whose it acts for, and as what, when it shows neither key nor token.
    tenant: Name
    roles: tuple[Role, ...] = ()
    #: Whether the limits of tenants are not for it, whatever else it shows.
    unlimited: bool = False


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part `[tls]`: files in PEM, read again on SIGHUP."""

    #: The server's certificate with those that lead to its authority, and its key.
    certificate: Name
    key: Name
    #: Authorities whose certificates are believed of clients; none are asked for theirs without it.
    client_ca: str | None = None
    #: Whether connections without one are taken too, whose callers show keys or tokens.
    client_certificates: Literal["optional", "required"] = "optional"


class AuthenticationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What callers may show."""

    #: Keys that `greenlang keys create` makes.
    api_keys: bool = True
    tokens: TokenSettings | None = None
    #: Other services, by a URI or DNS name in the certificates that they show.
    services: dict[str, ServiceSettings] = {}
    #: The tenant whose admins look after all tenants.
    operating_tenant: Name | None = None
    #: For the console, by the issuer of the tokens.
    sign_in: SignInSettings | None = None
    #: Seconds that a key is believed without looking again where its revocation is not heard of: in another
    #: process, without Redis or while it is gone.
    remembered_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 60.0
