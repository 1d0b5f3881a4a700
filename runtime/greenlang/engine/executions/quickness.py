"""Which plans are quick enough to be run where they are asked for, in the event loop that others wait for."""

from __future__ import annotations

__all__ = ["QUICK_BYTES", "Quickness"]

from greenlang.engine.effects import is_harmless
from greenlang.gcel import Plan

#: A pure plan that takes less than this, on an input no larger, is quick.
_QUICK_SECONDS = 0.002
QUICK_BYTES = 65_536

#: A slow run weighs as much as several quick ones; a plan with this much weight is not run there for a while.
#: One slow run alone may be the machine's doing.
_SLOW_WEIGHT = 4
_TOO_SLOW = 8
_SLOWEST = 16

#: Plans whose weight is kept; with one more, all are weighed anew.
_WEIGHED = 4096


class Quickness:
    """How slow plans were in this process."""

    def __init__(self) -> None:
        #: By hash; one that is not here was not tried yet, or is none for the event loop.
        self._weights: dict[str, int] = {}

    def of(self, plan: Plan) -> bool:
        """Whether a plan has been quick lately."""
        return self._weights.get(plan.hash, _TOO_SLOW) < _TOO_SLOW

    def took(self, plan: Plan, seconds: float) -> None:
        """Remember how long a plan took, if it may be run in an event loop at all."""
        before = self._weights.get(plan.hash)
        if before is None and not _may_be_quick(plan):
            return
        slow = seconds >= _QUICK_SECONDS
        if before is None:
            before = _TOO_SLOW - _SLOW_WEIGHT if slow else 0
            if len(self._weights) >= _WEIGHED:
                self._weights.clear()
        self._weights[plan.hash] = min(before + _SLOW_WEIGHT, _SLOWEST) if slow else max(before - 1, 0)


def _may_be_quick(plan: Plan) -> bool:
    return not plan.is_async and is_harmless(plan) and not any(spec.blocking for spec in plan.agents)
