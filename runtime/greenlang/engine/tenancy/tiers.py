"""Tiers: how much each of them gives a tenant until something else is agreed."""

from __future__ import annotations

__all__ = ["TIERS", "quotas_of"]

from collections.abc import Mapping

from greenlang.stores.tables import Quotas, Tier

#: What the tier `free` gives; the others give as many times as much.
_FREE = {
    "requests_a_minute": 60,
    "concurrent_executions": 10,
    "daily_executions": 1_000,
    "daily_compute_minutes": 500,
    "daily_tokens": 1_000_000,
    "storage_bytes": 1024**3,
    "agents": 100,
}

#: The tiers, and how many times as much as `free` each gives.
TIERS: Mapping[Tier, int] = {"free": 1, "pro": 10, "enterprise": 100}


def quotas_of(tenant: str, tier: Tier, at: int, *, revision: int = 1) -> Quotas:
    """The quotas that a tier gives a tenant."""
    amounts = {name: amount * TIERS[tier] for name, amount in _FREE.items()}
    return Quotas(tenant=tenant, changed_at=at, revision=revision, **amounts)
