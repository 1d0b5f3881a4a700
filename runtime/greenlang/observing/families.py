"""Every metric that a node tells: its name, kind, labels and meaning, in one place.

The page of metrics, the alert rules, the dashboards and their tests all go by this list.
"""

from __future__ import annotations

__all__ = ["BUCKETS", "FAMILIES", "NONE", "OTHER", "RUNTIME", "Family", "sample_names"]

from typing import Literal, NamedTuple

#: Seconds up to which each bucket of `agent_request_duration_seconds` counts.
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: Labels of what asks no agent, of what there are too many of to tell apart, and of the process itself.
NONE = "none"
OTHER = "other"
RUNTIME = "runtime"


class Family(NamedTuple):
    """One metric."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "untyped"]
    labels: tuple[str, ...]
    help: str


FAMILIES = (
    Family(
        "agent_requests_total",
        "counter",
        ("agent_id", "tenant_id", "status", "method"),
        "Requests that were answered, by the agent that gives the result, HTTP status and operation.",
    ),
    Family(
        "agent_request_duration_seconds",
        "histogram",
        ("agent_id", "tenant_id", "method"),
        "Seconds from a whole request to its answer.",
    ),
    Family(
        "agent_calculations_total",
        "counter",
        ("agent_id", "formula_id", "status"),
        "Calculations that were recorded (success), refused for their input or failed (error).",
    ),
    Family(
        "agent_calculation_precision",
        "gauge",
        ("agent_id", "formula_id"),
        "Decimal places that the result of a formula is rounded to.",
    ),
    Family("agent_memory_bytes", "gauge", ("agent_id",), "Resident memory of the processes of the node."),
    Family(
        "agent_cpu_seconds_total",
        "counter",
        ("agent_id",),
        "CPU time of the processes of the node.",
    ),
    Family("agent_cache_hits_total", "counter", ("agent_id", "cache_tier"), "Looks that found what is kept."),
    Family("agent_cache_misses_total", "counter", ("agent_id", "cache_tier"), "Looks that found nothing."),
    Family(
        "agent_llm_tokens_total",
        "counter",
        ("agent_id", "model", "token_type"),
        "Tokens of language models, as agents report them.",
    ),
    Family(
        # No counter in its form: those end with `_total`, and the name is agreed on.
        "agent_llm_cost_usd",
        "untyped",
        ("agent_id", "model"),
        "US dollars spent on language models so far, as agents report them.",
    ),
    Family(
        "agent_queue_depth",
        "gauge",
        (),
        "Executions that wait in the store; every node on one store tells the same.",
    ),
    Family(
        "agent_executions",
        "gauge",
        ("state",),
        "Executions in the store by state; every node on one store tells the same.",
    ),
    Family("agent_registry_agents", "gauge", (), "Agents that are installed."),
    Family("agent_registry_problems", "gauge", (), "Installed plugins that are broken, and left out."),
    Family("agent_registry_health_score", "gauge", (), "1 where no plugin is broken, less for each that is."),
    Family("agent_workers", "gauge", (), "Processes whose figures are in this page."),
    Family("agent_build_info", "gauge", ("version",), "1, and the version of the runtime."),
)


def sample_names(family: Family) -> tuple[str, ...]:
    """The names of the series that a metric has."""
    if family.kind != "histogram":
        return (family.name,)
    return tuple(f"{family.name}_{part}" for part in ("bucket", "sum", "count"))
