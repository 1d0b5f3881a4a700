"""Roles, and what each of them may do."""

from __future__ import annotations

__all__ = ["EVERYTHING", "ROLES", "Identity", "Permission", "Role"]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """One thing that somebody may do, within a tenant."""

    READ = "read"  #: look at executions, calculations, agents, plans
    RUN = "run"  #: run programs, compute emissions
    OPERATE = "operate"  #: cancel executions, try dead letters again
    MANAGE_KEYS = "manage_keys"  #: make and revoke API keys
    MANAGE = "manage"  #: change what the tenant has: users, organisations, agents, settings, secrets
    MANAGE_TENANTS = "manage_tenants"  #: look after all tenants: what admins of the operating tenant may


class Role(StrEnum):
    """What somebody is to a tenant."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    VIEWER = "viewer"


EVERYTHING = frozenset(Permission)

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: EVERYTHING - {Permission.MANAGE_TENANTS},
    Role.DEVELOPER: frozenset({Permission.READ, Permission.RUN}),
    Role.OPERATOR: frozenset({Permission.READ, Permission.RUN, Permission.OPERATE}),
    Role.VIEWER: frozenset({Permission.READ}),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    tenant: str
    #: The key's id or the token's subject.
    subject: str
    permissions: frozenset[Permission]
    #: Whether the limits of its tenant are not for it: another service of ours, by its certificate.
    unlimited: bool = False

    @classmethod
    def of_roles(cls, tenant: str, subject: str, roles: frozenset[Role]) -> Identity:
        """Somebody who may do what any of their roles may."""
        return cls(tenant, subject, frozenset().union(*(ROLES[role] for role in roles)))
