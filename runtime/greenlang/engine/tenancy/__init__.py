"""Tenants: who is served, what each has and may use, and which agents it runs, over the rows of any store.

`tenants` makes and changes them, with the quotas that `tiers` give; `people` are their organisations and
users, `workflows` the programs and `own_factors` the factors that they keep, and `key_store` their secrets.
`agent_states` is the table of what may follow what, and `registrations` moves agents by it. Whatever changes
is written down by `audit` in the same commit. `standing` remembers how a tenant stands, `metering` what it
uses, and `guard` holds executions to both.
"""

from __future__ import annotations

from greenlang.engine.tenancy.agent_states import BEGINNINGS, EVENTS, TRANSITIONS, may_move
from greenlang.engine.tenancy.audit import AuditPage, audit_page, note
from greenlang.engine.tenancy.guard import UNGUARDED, Guard, Unguarded
from greenlang.engine.tenancy.key_store import KeyStore, read_key
from greenlang.engine.tenancy.metering import Meter
from greenlang.engine.tenancy.own_factors import OwnFactorFiles
from greenlang.engine.tenancy.people import People
from greenlang.engine.tenancy.registrations import Registrations, check_installed
from greenlang.engine.tenancy.standing import Standing, Standings
from greenlang.engine.tenancy.tenants import Tenants
from greenlang.engine.tenancy.tiers import TIERS, quotas_of
from greenlang.engine.tenancy.workflows import Workflows, read_reference

__all__ = [
    "BEGINNINGS",
    "EVENTS",
    "TIERS",
    "TRANSITIONS",
    "UNGUARDED",
    "AuditPage",
    "Guard",
    "KeyStore",
    "Meter",
    "OwnFactorFiles",
    "People",
    "Registrations",
    "Standing",
    "Standings",
    "Tenants",
    "Unguarded",
    "Workflows",
    "audit_page",
    "check_installed",
    "may_move",
    "note",
    "quotas_of",
    "read_key",
    "read_reference",
]
