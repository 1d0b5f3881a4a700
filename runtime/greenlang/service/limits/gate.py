"""The gate before the API: takes from a tenant's allowance, and says what is left."""

from __future__ import annotations

__all__ = ["Gate"]

import math
from collections.abc import Callable

import msgspec

from greenlang.service.limits.allowance import TIERS, Allowance, Limiter, LimitSettings, Taken
from greenlang.service.limits.in_process import InProcessLimiter
from greenlang.service.messages import Fault
from greenlang.service.wire import Refusal

Headers = tuple[tuple[str, str], ...]

#: What holds for tenants with quotas where the configuration says nothing of limits.
_NOTHING_SAID = LimitSettings()

#: What is left of an allowance when its tenant is warned.
_WARNED_AT = 0.2


class Gate:
    """Lets through what tenants may ask.

    Parameters
    ----------
    settings : LimitSettings, optional
        Read anew for every request: tiers may be changed while it works.  Without them only tenants that have
        quotas are limited.
    warn : callable
        Told the tenant, what is used and what is allowed, once most of a quota is used.
    limiter : Limiter, optional
        Counts; each process by itself without.
    """

    def __init__(
        self,
        settings: LimitSettings | None,
        warn: Callable[[str, int, int], None] = lambda *_: None,
        *,
        limiter: Limiter | None = None,
    ) -> None:
        self.settings = settings
        self._warn = warn
        self._limiter = InProcessLimiter() if limiter is None else limiter

    async def pass_through(self, tenant: str, operation: str, quota: int | None = None) -> Headers:
        """What to say of the tenant's allowance with the answer.

        Parameters
        ----------
        quota : int, optional
            Requests a minute that were agreed on with the tenant; its tier counts without.

        Raises
        ------
        Refusal
            429 if nothing is left of it, or of the operation's.
        """
        settings = self.settings
        if settings is None:
            if quota is None:
                return ()
            settings = _NOTHING_SAID
        own = settings.operations.get(operation)
        of_operation = _key(tenant, operation)
        if own is not None:
            allowance = Allowance.of(own, settings.burst)
            taken = await self._limiter.take(of_operation, allowance)
            if not taken.allowed:
                raise _refusal(taken, allowance, f"'{operation}'")
        tier = settings.tenants.get(tenant, settings.tier)
        allowance = Allowance.of(TIERS[tier] if quota is None else quota, settings.burst)
        taken = await self._limiter.take(_key(tenant), allowance)
        if not taken.allowed:
            if own is not None:
                await self._limiter.give_back(of_operation)
            what = f"the tier '{tier}'" if quota is None else f"the quota of tenant '{tenant}'"
            raise _refusal(taken, allowance, what)
        if quota is not None and taken.remaining <= _WARNED_AT * quota:
            self._warn(tenant, quota - taken.remaining, quota)
        return _headers(taken, allowance)


def _key(*parts: str) -> str:
    """What is counted under: the same for the same parts alone, whatever characters they have."""
    return msgspec.json.encode(parts).decode()


def _headers(taken: Taken, allowance: Allowance) -> Headers:
    return (
        ("X-RateLimit-Limit", str(allowance.a_minute)),
        ("X-RateLimit-Remaining", str(taken.remaining)),
        ("X-RateLimit-Reset", str(math.ceil(taken.reset_seconds))),
    )


def _refusal(taken: Taken, allowance: Allowance, what: str) -> Refusal:
    rule = f"{what} allows {allowance.a_minute:,} requests a minute and {allowance.a_second:,} a second"
    wait = max(1, math.ceil(taken.reset_seconds))
    fault = Fault("rate_limit", rule, hint=f"ask again in {wait} s")
    return Refusal(429, fault, headers=[("Retry-After", str(wait)), *_headers(taken, allowance)])
