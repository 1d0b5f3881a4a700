"""Executions computed again, in memory: to look at what they gave, and to verify it.

Nothing is committed, so only plans without effects are run: what others would do to the world is not done
twice because somebody looks.
"""

from __future__ import annotations

__all__ = ["Again"]

from greenlang.engine.effects import refuse_effects
from greenlang.engine.evidence import Evidence, gather_evidence
from greenlang.engine.executions.orders import PlanCache, prepare, read_order
from greenlang.engine.kept_evidence import KeptEvidence
from greenlang.gcel import Catching
from greenlang.stores import ExecutionRow

#: Seconds after which computing it again is given up.
_LONGEST_SECONDS = 20.0


class Again:
    """Computes executions again; safe to use from several threads.

    Parameters
    ----------
    plans : PlanCache
        Compiles their programs.
    """

    def __init__(self, plans: PlanCache) -> None:
        self._plans = plans
        self._kept = KeptEvidence()

    def evidence(self, row: ExecutionRow) -> Evidence:
        """What an execution gave, with all that it was made from; remembered for a while.

        Raises
        ------
        InputError
            If it cannot be computed again: its program has effects, or does not compile here any more.
        """
        return self._kept.of((row.tenant, row.id), lambda: self.compute(row))

    def compute(self, row: ExecutionRow) -> Evidence:
        """`evidence`, computed now and not remembered: for whoever wants to see that it is so."""
        order = read_order(row.request)
        plan = self._plans.plan(order.program)
        refuse_effects(plan)
        given = prepare(order, plan)
        with Catching() as caught:
            value = plan.run(given, deadline=_LONGEST_SECONDS, tenant=row.tenant)
        registry = self._plans.registry
        return gather_evidence(plan, given, value, registry=registry, tenant=row.tenant, caught=caught)
