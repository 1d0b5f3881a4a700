"""Executions computed again, in memory: to look at what they gave, and to verify it.

Nothing is committed, so only plans without effects are run: what others would do to the world is not done
twice because somebody looks.
"""

from __future__ import annotations

__all__ = ["Again", "refuse_effects"]

import threading
from collections import OrderedDict

from greenlang.engine.evidence import Evidence, gather_evidence
from greenlang.engine.executions.orders import PlanCache, prepare, read_order
from greenlang.errors import InputError
from greenlang.gcel import Plan
from greenlang.stores import ExecutionRow

#: What may be run as often as somebody likes.
_HARMLESS = frozenset({"pure", "calculates"})

#: Executions whose evidence is kept, those that were looked at last.
_KEPT = 4

#: Rows of activity data beyond which nothing is kept.
_KEPT_ROWS = 200_000

#: Seconds after which computing it again is given up.
_LONGEST_SECONDS = 60.0


class Again:
    """Computes executions again; safe to use from several threads.

    Parameters
    ----------
    plans : PlanCache
        Compiles their programs.
    """

    def __init__(self, plans: PlanCache) -> None:
        self._plans = plans
        self._lock = threading.Lock()
        self._evidence: OrderedDict[tuple[str, str], Evidence] = OrderedDict()

    def evidence(self, row: ExecutionRow) -> Evidence:
        """What an execution gave, with all that it was made from; remembered for a while.

        Raises
        ------
        InputError
            If it cannot be computed again: its program has effects, or does not compile here any more.
        """
        key = (row.tenant, row.id)
        with self._lock:
            found = self._evidence.get(key)
            if found is not None:
                self._evidence.move_to_end(key)
                return found
        made = self.compute(row)
        with self._lock:
            if made.record.row_count <= _KEPT_ROWS:
                self._evidence[key] = made
                if len(self._evidence) > _KEPT:
                    self._evidence.popitem(last=False)
        return made

    def compute(self, row: ExecutionRow) -> Evidence:
        """`evidence`, computed now and not remembered: for whoever wants to see that it is so."""
        order = read_order(row.request)
        plan = self._plans.plan(order.program)
        refuse_effects(plan)
        given = prepare(order, plan)
        value = plan.run(given, deadline=_LONGEST_SECONDS, tenant=row.tenant)
        return gather_evidence(plan, given, value, registry=self._plans.registry, tenant=row.tenant)


def refuse_effects(plan: Plan) -> None:
    """Raise InputError for a plan that does more than compute."""
    for spec in plan.agents:
        if effects := sorted(set(spec.effects) - _HARMLESS):
            raise InputError(
                f"{spec.name} has effects ({', '.join(effects)}), so it is not run again to be looked at",
                fix="look at what the execution gave",
            )
