"""Executions that outlive the request that asked for them, and the process that runs them.

An order (`orders`) is compiled and committed to a store before it is accepted by the `runner`, unless it can
be run at once (`quickness`); a worker (`working`) claims it, runs it and commits what came of it at most
once, and who waits for that is told by `watching`.  `states` is the table of what may follow what;
`proving` makes the records and links them, `identifiers` names them and `moments` tells when; `mishaps`
tells what failed, and when to try again.  `again` computes what was kept once more, to be looked at and
verified, and `steps` tells step by step what it does; `timing` writes that down of what is not run twice.
"""

from __future__ import annotations

from greenlang.engine.executions.again import Again, result_findings
from greenlang.engine.executions.identifiers import new_id, random_hex
from greenlang.engine.executions.mishaps import backoff
from greenlang.engine.executions.moments import now, time_text, timestamp_text
from greenlang.engine.executions.orders import Order, PlanCache, read_order
from greenlang.engine.executions.proving import Prover
from greenlang.engine.executions.runner import Accepted, Runner, Terms, requeue
from greenlang.engine.executions.states import REASONS, TRANSITIONS, may_become
from greenlang.engine.executions.steps import StepsTold, StepTold, tell_steps
from greenlang.engine.executions.timing import StepTaken, steps_taken
from greenlang.engine.executions.working import RunnerSettings

__all__ = [
    "REASONS",
    "TRANSITIONS",
    "Accepted",
    "Again",
    "Order",
    "PlanCache",
    "Prover",
    "Runner",
    "RunnerSettings",
    "StepTaken",
    "StepTold",
    "StepsTold",
    "Terms",
    "backoff",
    "may_become",
    "new_id",
    "now",
    "random_hex",
    "read_order",
    "requeue",
    "result_findings",
    "steps_taken",
    "tell_steps",
    "time_text",
    "timestamp_text",
]
