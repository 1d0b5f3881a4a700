"""Allowances: how many requests a minute, how many of them at once; what a limiter promises."""

from __future__ import annotations

__all__ = ["TIERS", "Allowance", "LimitSettings", "Limiter", "Taken"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from greenlang.engine.tenancy import TIERS as QUOTA_TIERS
from greenlang.engine.tenancy import quotas_of
from greenlang.stores.tables import Tier

WINDOW_SECONDS = 60

Count = Annotated[int, msgspec.Meta(ge=1)]

#: Requests a minute.
TIERS: Mapping[str, int] = {tier: quotas_of("", tier, 0).requests_a_minute for tier in QUOTA_TIERS}


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `a_minute` in any 60 seconds, and at most `a_second` in any one of them."""

    a_minute: int
    a_second: int

    @classmethod
    def of(cls, a_minute: int, burst: float) -> Allowance:
        """An allowance that may be used up to `burst` times as fast as evenly."""
        return cls(a_minute, max(1, min(a_minute, int(a_minute * burst / WINDOW_SECONDS))))


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for one more."""

    allowed: bool
    #: How many more there are in this window.
    remaining: int
    #: Seconds until there is one more than now.
    reset_seconds: float


class Limiter(Protocol):
    """Counts what is taken, by key. Being refused counts for nothing."""

    async def take(self, key: str, allowance: Allowance) -> Taken:
        """Take one, if the allowance has one left."""
        ...

    async def give_back(self, key: str) -> None:
        """Count the last one that was taken no longer: it came to nothing."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part `[limits]` of the configuration."""

    #: The tier of tenants that are not named, and of those that are.
    tier: Tier = "free"
    tenants: dict[str, Tier] = {}
    #: How many times faster than evenly an allowance may be used.
    burst: Annotated[float, msgspec.Meta(ge=1, le=60)] = 5.0
    #: Further limits of single operations, a minute, by their ids in /openapi.json.
    operations: dict[str, Count] = msgspec.field(default_factory=lambda: {"create_key": 10, "revoke_key": 5})
