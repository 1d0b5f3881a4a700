"""GreenLang: exact, fast, provable greenhouse-gas calculations, composed from agents.

    import greenlang as gl

Each public name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenlang.agents import Agent, Registry, Resource, agent
    from greenlang.carbon import Quantity
    from greenlang.exact import divide
    from greenlang.exact import round_ as round
    from greenlang.gcel import Graph, Plan, compile, parse, when

__all__ = [
    "Agent",
    "Graph",
    "Plan",
    "Quantity",
    "Registry",
    "Resource",
    "__version__",
    "agent",
    "compile",
    "divide",
    "parse",
    "round",
    "when",
]

__version__ = "0.1.0"

#: Where each public name lives: (module, name there).
_HOMES = {
    "Agent": ("greenlang.agents", "Agent"),
    "Graph": ("greenlang.gcel", "Graph"),
    "Plan": ("greenlang.gcel", "Plan"),
    "Quantity": ("greenlang.carbon", "Quantity"),
    "Registry": ("greenlang.agents", "Registry"),
    "Resource": ("greenlang.agents", "Resource"),
    "agent": ("greenlang.agents", "agent"),
    "compile": ("greenlang.gcel", "compile"),
    "divide": ("greenlang.exact", "divide"),
    "parse": ("greenlang.gcel", "parse"),
    "round": ("greenlang.exact", "round_"),
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
