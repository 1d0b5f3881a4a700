"""GCEL, the language that composes agents: text or Python operators in, a plan that runs out.

    text --tokens, parser--> Graph --lowering, calls--> programs --checker--> Plan --> results, pictures

- `text`: text to a `Graph`, with every error of form told at once. Python's operators build the same tree
  (`greenlang.agents.expressions`), with the words of `combinators`.
- `lowering`: the tree to programs of `steps`; `calls` finds agents and checks options; `builtins` are the
  steps of the language's own.
- `modifiers`: what may cover a step, and with which options.
- `checking`, `types`: what each edge carries, and whether it fits.
- `compiled`: the immutable result and its hash, with the `keys` of its steps; `documents` its JSON,
  `pictures` and `drawings` show it, `shapes` its widths, `python_source` its Python, `differences` of two
  `outlines` what changed, with `changes` step by step, `timelines` the trace of a run; `passes` make it run
  with less.
- `running`: a plan to what the compiled scheduler runs, and what came of a run.
- `plan`: the compiled program with all that can be done with it; `compiler`: all of it in order.
"""

# ruff: noqa: A004  the words of the language are what they are

from greenlang.gcel.changes import form_changes
from greenlang.gcel.combinators import (
    branch,
    cache,
    catch,
    count,
    filter,
    first,
    get,
    group,
    group_by,
    identity,
    last,
    map,
    max,
    mean,
    merge,
    min,
    monitor,
    reduce,
    retry,
    route,
    sort,
    sum,
    timeout,
    when,
)
from greenlang.gcel.compiler import compile
from greenlang.gcel.differences import differences
from greenlang.gcel.outlines import Outline, outline_of, read_outline
from greenlang.gcel.plan import Plan
from greenlang.gcel.running import (
    Catching,
    Caught,
    Happening,
    LedgerStep,
    Report,
    StepLedger,
    StepResult,
    StepTimes,
    Trace,
    UnstorableError,
    cancelled,
    read_value,
    time_left,
    write_value,
)
from greenlang.gcel.text import parse
from greenlang.gcel.timelines import seconds_text, timeline

__all__ = [
    "Catching",
    "Caught",
    "Happening",
    "LedgerStep",
    "Outline",
    "Plan",
    "Report",
    "StepLedger",
    "StepResult",
    "StepTimes",
    "Trace",
    "UnstorableError",
    "branch",
    "cache",
    "cancelled",
    "catch",
    "compile",
    "count",
    "differences",
    "filter",
    "first",
    "form_changes",
    "get",
    "group",
    "group_by",
    "identity",
    "last",
    "map",
    "max",
    "mean",
    "merge",
    "min",
    "monitor",
    "outline_of",
    "parse",
    "read_outline",
    "read_value",
    "reduce",
    "retry",
    "route",
    "seconds_text",
    "sort",
    "sum",
    "time_left",
    "timeline",
    "timeout",
    "when",
    "write_value",
]
