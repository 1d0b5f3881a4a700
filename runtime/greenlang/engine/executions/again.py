"""Executions computed again, in memory: to look at what they gave, and to verify it.

Nothing is committed, so only plans without effects are run: what others would do to the world is not done
twice because somebody looks.
"""

from __future__ import annotations

__all__ = ["Again", "result_findings"]

from collections.abc import Iterator

import msgspec

from greenlang.engine.effects import refuse_effects
from greenlang.engine.evidence import Evidence, gather_evidence
from greenlang.engine.executions.orders import PlanCache, prepare, read_order
from greenlang.engine.kept_evidence import KeptEvidence
from greenlang.gcel import Catching
from greenlang.ledger import CalculationRecord, Finding, ItemTree, ListRoot, list_header
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


def result_findings(row: ExecutionRow, record: CalculationRecord) -> Iterator[Finding]:
    """Whether the result that is kept of an execution, which callers are given, is the one in its record."""
    told = msgspec.json.decode(row.result or b"null")
    if told == record.result:
        return
    place = f"execution {row.id}"
    if not isinstance(told, dict) or told.keys() != {"result", "skipped"} or told["result"] != record.result:
        yield Finding(place, "has another result than its record")
        return
    skipped = ItemTree(list_header("skipped"))
    for row_told in told["skipped"]:
        skipped.add(row_told)
    made = ListRoot(len(skipped), skipped.finish()) if len(skipped) else None
    if made != record.lists.get("skipped"):
        yield Finding(place, "has other skipped rows than its record")
