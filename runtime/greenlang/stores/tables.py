"""What is kept of tenants: a type for the rows of each table, and the table.

Times are integers, microseconds since 1970 in UTC; documents are JSON as bytes.  What can change has a
`revision`, which every change raises by one.
"""

from __future__ import annotations

__all__ = [
    "AUDIT_LOG",
    "CONFIGURATIONS",
    "METERING",
    "ORGANISATIONS",
    "OWN_FACTORS",
    "QUOTAS",
    "QUOTA_WARNINGS",
    "REGISTRATIONS",
    "SECRETS",
    "TABLES",
    "TENANTS",
    "USAGE",
    "USERS",
    "WORKFLOWS",
    "AgentState",
    "AuditEntry",
    "Configuration",
    "Metered",
    "Organisation",
    "OwnFactors",
    "QuotaWarning",
    "Quotas",
    "Registration",
    "SavedWorkflow",
    "Secret",
    "Tenant",
    "Tier",
    "Usage",
    "User",
]

from enum import StrEnum
from typing import Any, Literal

from greenlang.stores.rows import Row, Table

Tier = Literal["free", "pro", "enterprise"]


class AgentState(StrEnum):
    """Where an agent stands with a tenant."""

    DRAFT = "draft"
    BUILDING = "building"
    TESTING = "testing"
    VALIDATED = "validated"
    STAGED = "staged"
    ACTIVE = "active"  #: may be executed
    RUNNING = "running"  #: kept ready to be executed
    PAUSED = "paused"  #: refused until it is resumed
    RETIRED = "retired"  #: refused for good
    FAILED = "failed"


class Tenant(Row, frozen=True, kw_only=True):
    """One organisation that is served, and whether it is."""

    name: str
    tier: Tier
    status: Literal["active", "suspended"]
    created_at: int
    changed_at: int
    revision: int = 1


class Quotas(Row, frozen=True, kw_only=True):
    """How much a tenant may use: what its tier gives, or what was agreed."""

    requests_a_minute: int
    concurrent_executions: int
    daily_executions: int
    daily_compute_minutes: int
    daily_tokens: int
    storage_bytes: int
    agents: int
    changed_at: int
    revision: int = 1


class Configuration(Row, frozen=True, kw_only=True):
    """A tenant's own settings, which the runtime keeps and does not read."""

    document: bytes
    changed_at: int
    revision: int = 1


class Organisation(Row, frozen=True, kw_only=True):
    """A part of a tenant, under another or under none; it never moves, so that none is under itself."""

    id: str
    parent: str | None
    name: str
    created_at: int
    revision: int = 1


class User(Row, frozen=True, kw_only=True):
    """Somebody of a tenant, and the roles that they have there."""

    #: The subject of their tokens.
    id: str
    name: str
    organisation: str | None
    roles: tuple[str, ...]
    created_at: int
    changed_at: int
    revision: int = 1


class Registration(Row, frozen=True, kw_only=True):
    """One version of an agent as it stands with a tenant."""

    agent: str
    version: str
    state: AgentState
    #: Why it came to stand there, in words.
    reason: str
    created_at: int
    changed_at: int
    revision: int = 1


class SavedWorkflow(Row, frozen=True, kw_only=True):
    """One version of a program that a tenant saved under a name."""

    name: str
    version: int
    program: str
    summary: str
    plan_hash: str
    created_at: int
    created_by: str


class OwnFactors(Row, frozen=True, kw_only=True):
    """A file of emission factors of a tenant's own."""

    name: str
    text: str
    changed_at: int
    changed_by: str
    revision: int = 1


class AuditEntry(Row, frozen=True, kw_only=True):
    """Who changed what of a tenant's, and from what to what."""

    #: Its place in the log, which the store gives it.
    sequence: int = 0
    at: int
    actor: str
    #: `tenant.suspended`
    action: str
    subject: str
    before: bytes | None = None
    after: bytes | None = None


class Secret(Row, frozen=True, kw_only=True):
    """A value that only those can read who have the key it is encrypted with."""

    name: str
    #: Which key that is.
    key_id: str
    value: bytes
    changed_at: int
    revision: int = 1


class Metered(Row, frozen=True, kw_only=True):
    """What one attempt of an execution used."""

    execution_id: str
    attempt: int
    at: int
    cpu_microseconds: int
    tokens: int
    #: Known of what ran in a process of its own alone.
    peak_memory_bytes: int | None = None


class Usage(Row, frozen=True, kw_only=True):
    """What a tenant used on one day, in UTC."""

    #: Days since 1970.
    day: int
    executions: int
    cpu_microseconds: int
    tokens: int


class QuotaWarning(Row, frozen=True, kw_only=True):
    """That most of a quota was used on a day: told once, whichever node notices."""

    day: int
    quota: str
    at: int
    used: int
    allowed: int


TENANTS = Table("tenants", Tenant)
QUOTAS = Table("quotas", Quotas)
CONFIGURATIONS = Table("configurations", Configuration)
ORGANISATIONS = Table("organisations", Organisation, ("id",), references=(("parent", "organisations"),))
USERS = Table("users", User, ("id",), references=(("organisation", "organisations"),))
REGISTRATIONS = Table("registrations", Registration, ("agent", "version"))
WORKFLOWS = Table("workflows", SavedWorkflow, ("name", "version"), appended=True)
OWN_FACTORS = Table("own_factors", OwnFactors, ("name",))
AUDIT_LOG = Table("audit_log", AuditEntry, ("sequence",), appended=True, numbered=True)
SECRETS = Table("secrets", Secret, ("name",))
METERING = Table("metering", Metered, ("execution_id", "attempt"), appended=True)
USAGE = Table("usage", Usage, ("day",))
QUOTA_WARNINGS = Table("quota_warnings", QuotaWarning, ("day", "quota"), appended=True)

TABLES: tuple[Table[Any], ...] = (
    TENANTS,
    QUOTAS,
    CONFIGURATIONS,
    ORGANISATIONS,
    USERS,
    REGISTRATIONS,
    WORKFLOWS,
    OWN_FACTORS,
    AUDIT_LOG,
    SECRETS,
    METERING,
    USAGE,
    QUOTA_WARNINGS,
)
