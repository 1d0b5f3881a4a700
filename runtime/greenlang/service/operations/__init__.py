"""The operations of the API, a module for each kind.

Each is a class over what it needs (a runner, a store, a registry) that tells its routes; a call goes in, a
reply or a stream comes out. `told` is what they share, and `acting` what those that change tenants do.
"""

from __future__ import annotations

from greenlang.service.operations.agents import Agents
from greenlang.service.operations.batches import BatchOperations
from greenlang.service.operations.calculations import Calculations
from greenlang.service.operations.contributed import Contributed
from greenlang.service.operations.emissions import Emissions
from greenlang.service.operations.executions import Executions
from greenlang.service.operations.factors import Factors
from greenlang.service.operations.health import HealthChecks
from greenlang.service.operations.histories import Histories
from greenlang.service.operations.inventories import Inventories, look_at_batches, look_at_executions
from greenlang.service.operations.keys import Keys
from greenlang.service.operations.metrics import Metrics
from greenlang.service.operations.own_factors import OwnFactors
from greenlang.service.operations.own_tenant import OwnTenant
from greenlang.service.operations.people import People
from greenlang.service.operations.registrations import Registrations
from greenlang.service.operations.saved_workflows import SavedWorkflows
from greenlang.service.operations.tenants import Tenants
from greenlang.service.operations.verification import Verifications
from greenlang.service.operations.workflows import Workflows

__all__ = [
    "Agents",
    "BatchOperations",
    "Calculations",
    "Contributed",
    "Emissions",
    "Executions",
    "Factors",
    "HealthChecks",
    "Histories",
    "Inventories",
    "Keys",
    "Metrics",
    "OwnFactors",
    "OwnTenant",
    "People",
    "Registrations",
    "SavedWorkflows",
    "Tenants",
    "Verifications",
    "Workflows",
    "look_at_batches",
    "look_at_executions",
]
