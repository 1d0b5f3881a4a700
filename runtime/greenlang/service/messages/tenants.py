"""What is sent and answered of tenants: what each has, may use, runs and saved."""

from __future__ import annotations

__all__ = [
    "AuditData",
    "AuditList",
    "AuditQuery",
    "ConfigurationData",
    "ConfigurationRequest",
    "FactorFileData",
    "FactorFileList",
    "FactorFileRequest",
    "MoveRequest",
    "OrganisationData",
    "OrganisationList",
    "OrganisationRequest",
    "OwnTenantData",
    "QuotasData",
    "QuotasRequest",
    "RegistrationData",
    "RegistrationList",
    "RegistrationRequest",
    "SaveWorkflowRequest",
    "SavedWorkflowData",
    "SavedWorkflowList",
    "SavedWorkflowQuery",
    "SecretList",
    "SecretRequest",
    "TenantChangeRequest",
    "TenantData",
    "TenantList",
    "TenantQuery",
    "TenantRequest",
    "UsageData",
    "UserData",
    "UserList",
    "UserQuery",
    "UserRequest",
]

from typing import Annotated, Literal

import msgspec

from greenlang.service.messages.executions import Name, Program
from greenlang.service.roles import Role
from greenlang.stores.tables import AgentState, Tier

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]
Text = Annotated[str, msgspec.Meta(max_length=1000, pattern="^[^\\x00]*$")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]


class TenantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tenant to be made."""

    tenant: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    name: Name
    tier: Tier = "free"


class TenantChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be changed of a tenant; another tier brings its quotas."""

    name: Name | None = None
    tier: Tier | None = None
    status: Literal["active", "suspended"] | None = None


class QuotasRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Quotas that are agreed on; what is left out stays."""

    requests_a_minute: Positive | None = None
    concurrent_executions: Positive | None = None
    daily_executions: Amount | None = None
    daily_compute_minutes: Amount | None = None
    daily_tokens: Amount | None = None
    storage_bytes: Amount | None = None
    agents: Amount | None = None


class QuotasData(msgspec.Struct, frozen=True):
    """How much a tenant may use."""

    requests_a_minute: int
    concurrent_executions: int
    daily_executions: int
    daily_compute_minutes: int
    daily_tokens: int
    storage_bytes: int
    agents: int


class UsageData(msgspec.Struct, frozen=True):
    """What a tenant used today, in UTC, and what it has stored."""

    daily_executions: int
    daily_compute_minutes: int
    daily_tokens: int
    storage_bytes: int


class TenantData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tenant."""

    tenant: str
    name: str
    tier: Tier
    status: str
    created_at: str
    changed_at: str
    quotas: QuotasData | None = None


class TenantList(msgspec.Struct, frozen=True):
    """One page of tenants, by their ids."""

    tenants: list[TenantData]
    next_cursor: str | None


class TenantQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tenants to list."""

    limit: Limit = 50
    cursor: Name | None = None


class OwnTenantData(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tenant of whoever asks; one that was never made has a name and nothing else."""

    tenant: str
    made: TenantData | None = None
    usage: UsageData | None = None


class ConfigurationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a tenant's own, which the runtime keeps and does not read."""

    configuration: msgspec.Raw


class ConfigurationData(msgspec.Struct, frozen=True):
    """Settings of a tenant's own."""

    configuration: msgspec.Raw
    revision: int


class OrganisationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a tenant to be added, under another or under none."""

    id: Identifier
    name: Name
    parent: Identifier | None = None


class OrganisationData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a tenant."""

    id: str
    name: str
    parent: str | None = None


class OrganisationList(msgspec.Struct, frozen=True):
    """The parts of a tenant."""

    organisations: list[OrganisationData]


class UserRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody of a tenant, to be added or changed."""

    name: Name
    roles: Annotated[list[Role], msgspec.Meta(max_length=4)] = []
    organisation: Identifier | None = None


class UserData(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody of a tenant."""

    id: str
    name: str
    roles: list[str]
    organisation: str | None = None


class UserList(msgspec.Struct, frozen=True):
    """One page of users, by their ids."""

    users: list[UserData]
    next_cursor: str | None


class UserQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which users to list."""

    limit: Limit = 50
    cursor: Name | None = None


class RegistrationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of an agent, to be registered as a draft or, if it is installed, waiting to be deployed."""

    agent: Name
    version: Name
    state: Literal["draft", "staged"] = "staged"
    reason: Text = ""


class MoveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an agent is to be moved, and why."""

    to: AgentState
    reason: Text = ""


class RegistrationData(msgspec.Struct, frozen=True):
    """An agent as it stands with a tenant."""

    agent: str
    version: str
    state: AgentState
    reason: str
    changed_at: str
    #: Where it may be moved from there.
    may_become: list[str]


class RegistrationList(msgspec.Struct, frozen=True):
    """The agents that a tenant registered."""

    registrations: list[RegistrationData]


class SaveWorkflowRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to be saved as the next version of a name."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,99}$")]
    program: Program
    summary: Text = ""


class SavedWorkflowData(msgspec.Struct, frozen=True):
    """One version of a saved program; `workflow` is what runs it."""

    workflow: str
    name: str
    version: int
    program: str
    summary: str
    plan_hash: str
    created_at: str
    created_by: str


class SavedWorkflowList(msgspec.Struct, frozen=True):
    """One page of saved programs, by name and version."""

    workflows: list[SavedWorkflowData]
    next_cursor: str | None


class SavedWorkflowQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which saved programs to list."""

    limit: Limit = 50
    cursor: Name | None = None


class SecretRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value to be kept, encrypted; the API never tells it."""

    value: Annotated[str, msgspec.Meta(max_length=65_536)]


class SecretList(msgspec.Struct, frozen=True):
    """What a tenant's secrets are called."""

    secrets: list[str]


class FactorFileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a tenant's own factors: CSV, as `greenlang run --factors` takes it."""

    text: Annotated[str, msgspec.Meta(max_length=4_194_304)]


class FactorFileData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of a tenant's own factors; lists leave its text out."""

    name: str
    changed_at: str
    changed_by: str
    revision: int
    text: str = ""


class FactorFileList(msgspec.Struct, frozen=True):
    """The files of a tenant's own factors."""

    files: list[FactorFileData]


class AuditData(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who changed what, and from what to what."""

    sequence: int
    at: str
    actor: str
    action: str
    subject: str
    before: msgspec.Raw | None = None
    after: msgspec.Raw | None = None


class AuditList(msgspec.Struct, frozen=True):
    """One page of the audit log, newest first."""

    entries: list[AuditData]
    next_cursor: str | None


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries to list."""

    limit: Limit = 50
    cursor: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
