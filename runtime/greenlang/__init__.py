"""GreenLang: exact, fast, provable greenhouse-gas calculations, composed from agents.

    import greenlang as gl

Each public name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenlang.agents import Agent, Example, Graph, Registry, Resource, agent
    from greenlang.carbon import Quantity
    from greenlang.carbon import parse_unit as unit
    from greenlang.engine import Runtime
    from greenlang.exact import divide
    from greenlang.exact import round_ as round
    from greenlang.gcel import (
        Plan,
        Report,
        branch,
        cache,
        cancelled,
        catch,
        compile,
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
        parse,
        reduce,
        retry,
        route,
        sort,
        sum,
        time_left,
        timeout,
        when,
    )
    from greenlang.gcel.running.clocks import VirtualClock

__all__ = [
    "Agent",
    "Example",
    "Graph",
    "Plan",
    "Quantity",
    "Registry",
    "Report",
    "Resource",
    "Runtime",
    "VirtualClock",
    "__version__",
    "agent",
    "branch",
    "cache",
    "cancelled",
    "catch",
    "compile",
    "count",
    "divide",
    "filter",
    "first",
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
    "parse",
    "reduce",
    "retry",
    "round",
    "route",
    "sort",
    "sum",
    "time_left",
    "timeout",
    "unit",
    "when",
]

__version__ = "0.1.0"

#: Where each public name lives: (module, name there).
_HOMES = {
    "Agent": ("greenlang.agents", "Agent"),
    "Example": ("greenlang.agents", "Example"),
    "Graph": ("greenlang.agents", "Graph"),
    "Plan": ("greenlang.gcel", "Plan"),
    "Quantity": ("greenlang.carbon", "Quantity"),
    "Registry": ("greenlang.agents", "Registry"),
    "Report": ("greenlang.gcel", "Report"),
    "Resource": ("greenlang.agents", "Resource"),
    "Runtime": ("greenlang.engine", "Runtime"),
    "VirtualClock": ("greenlang.gcel.running.clocks", "VirtualClock"),
    "agent": ("greenlang.agents", "agent"),
    "branch": ("greenlang.gcel", "branch"),
    "cache": ("greenlang.gcel", "cache"),
    "cancelled": ("greenlang.gcel", "cancelled"),
    "catch": ("greenlang.gcel", "catch"),
    "compile": ("greenlang.gcel", "compile"),
    "count": ("greenlang.gcel", "count"),
    "divide": ("greenlang.exact", "divide"),
    "filter": ("greenlang.gcel", "filter"),
    "first": ("greenlang.gcel", "first"),
    "get": ("greenlang.gcel", "get"),
    "group": ("greenlang.gcel", "group"),
    "group_by": ("greenlang.gcel", "group_by"),
    "identity": ("greenlang.gcel", "identity"),
    "last": ("greenlang.gcel", "last"),
    "map": ("greenlang.gcel", "map"),
    "max": ("greenlang.gcel", "max"),
    "mean": ("greenlang.gcel", "mean"),
    "merge": ("greenlang.gcel", "merge"),
    "min": ("greenlang.gcel", "min"),
    "monitor": ("greenlang.gcel", "monitor"),
    "parse": ("greenlang.gcel", "parse"),
    "reduce": ("greenlang.gcel", "reduce"),
    "retry": ("greenlang.gcel", "retry"),
    "round": ("greenlang.exact", "round_"),
    "route": ("greenlang.gcel", "route"),
    "sort": ("greenlang.gcel", "sort"),
    "sum": ("greenlang.gcel", "sum"),
    "time_left": ("greenlang.gcel", "time_left"),
    "timeout": ("greenlang.gcel", "timeout"),
    "unit": ("greenlang.carbon", "parse_unit"),
    "when": ("greenlang.gcel", "when"),
}


def __getattr__(name: str) -> object:
    """Load a public name on first use and keep it."""
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'greenlang' has no attribute {name!r}") from None
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
