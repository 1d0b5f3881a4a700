"""Which plans may be run again because somebody looks: what others do to the world is not done twice."""

from __future__ import annotations

__all__ = ["HARMLESS", "is_harmless", "refuse_effects"]

from greenlang.errors import InputError
from greenlang.gcel import Plan

#: What may be run as often as somebody likes.
HARMLESS = frozenset({"pure", "calculates"})


def is_harmless(plan: Plan) -> bool:
    """Whether a plan only computes, so that it may be run as often as somebody likes."""
    return all(HARMLESS.issuperset(spec.effects) for spec in plan.agents)


def refuse_effects(plan: Plan) -> None:
    """Raise InputError for a plan that does more than compute."""
    for spec in plan.agents:
        if effects := sorted(set(spec.effects) - HARMLESS):
            raise InputError(
                f"{spec.name} has effects ({', '.join(effects)}), so it is not run again to be looked at",
                fix="look at what the execution gave",
            )
