"""One execution, as the lifecycle hooks see it."""

from __future__ import annotations

__all__ = ["LIFECYCLE", "ExecutionContext", "LifecycleHook"]

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from greenlang.agents.discovered import Plugin

#: The lifecycle hooks, in the order in which they run; `on_error` only where something failed.
LIFECYCLE = (
    "pre_init",
    "post_init",
    "pre_validate",
    "post_validate",
    "pre_execute",
    "post_execute",
    "on_error",
    "cleanup",
)


@dataclass(slots=True)
class ExecutionContext:
    """What is run, for whom, and what came of it; one object for all hooks of one execution."""

    #: The `greenlang.Plan`.
    plan: Any
    #: May be replaced before the plan runs: what is run, checked and recorded is what stands here then.
    input: Any
    tenant: str
    #: Whatever hooks hand on to one another; the runtime reads none of it.
    notes: dict[str, Any] = field(default_factory=dict)
    #: What the plan gave, from `post_execute` on. To replace it does nothing: a result is what was computed.
    output: Any = None
    #: The `greenlang.engine.Execution` with its record, likewise, where the run is proved.
    execution: Any = None
    #: What failed, in `on_error` and `cleanup`.
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class LifecycleHook:
    """One plugin's implementation of one lifecycle hook."""

    function: Callable[..., Any]
    #: Whether it has the parameter `context`.
    takes_context: bool
    #: Whether it is a generator that surrounds the others.
    wraps: bool
    plugin: Plugin
