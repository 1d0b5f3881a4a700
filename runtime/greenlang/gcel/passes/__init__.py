"""The planner's rewrites: programs of steps in, fewer or cheaper ones out that give the same results.

Every pass is a function of a `Wiring` alone and can be run by itself; `plan_wiring` runs them all and keeps
what each made of the plan. What is hashed, saved and compared is the plan as written: a rewrite changes how
it runs, never what it is.

- `constants`: runs pure steps on literals, and decides conditionals on them, before the plan runs.
- `sharing`: pure steps that are equal and read the same run once.
- `dropping`: pure steps that nobody reads do not run; a field taken from a `branch` is taken from its step.
- `columns`: maps over agents that offer a columnar form call each once for a whole column.
- `fusing`: maps one after another become one map of a chain.
- `listing`: an iterator that several steps read is made a list.
- `wiring`: what passes are made with: steps rewired, programs renumbered, who is pure.

A pass that runs fewer steps, or runs them in another order, may hide an error or raise another one of
several. Where a `catch` would see that, steps stay as they are, so that results are the same bit for bit.
Agents do not change what they are given: branches of a parallel share one input with or without a planner.
"""

from greenlang.gcel.passes.listing import slots_read_again
from greenlang.gcel.passes.planning import PASSES, Pass, Planned, Stage, plan_wiring
from greenlang.gcel.passes.wiring import Wiring

__all__ = ["PASSES", "Pass", "Planned", "Stage", "Wiring", "plan_wiring", "slots_read_again"]
