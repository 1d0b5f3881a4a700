"""What to look at: the dashboards, each a few panels over the metrics of `greenlang.observing.FAMILIES`."""

from __future__ import annotations

__all__ = ["DASHBOARDS", "Dashboard", "Panel"]

from typing import Literal, NamedTuple


class Panel(NamedTuple):
    """One picture: its lines by their legend."""

    title: str
    #: Expressions in PromQL, by what a line of them is called.
    lines: dict[str, str]
    #: As Grafana names units.
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    #: Of 24 columns.
    width: int = 12


class Dashboard(NamedTuple):
    """One page."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def _quantile(quantile: float, by: str = "", where: str = "") -> str:
    groups = f"le, {by}" if by else "le"
    rate = f"rate(agent_request_duration_seconds_bucket{where}[$__rate_interval])"
    return f"histogram_quantile({quantile}, sum by ({groups}) ({rate}))"


def _rate(metric: str, by: str = "", where: str = "") -> str:
    total = f"(rate({metric}{where}[$__rate_interval]))"
    return f"sum by ({by}) {total}" if by else f"sum{total}"


_FAILED = '{status=~"5.."}'
_REFUSED = '{status=~"4.."}'

_REQUESTS = Panel("Requests a second", {"{{status}}": _rate("agent_requests_total", "status")}, "reqps")
_LATENCY = Panel("Time to answer", {f"p{round(q * 100)}": _quantile(q) for q in (0.5, 0.95, 0.99)}, "s")
_QUEUE = Panel("Executions that wait", {"waiting": "max(agent_queue_depth)"})

OVERVIEW = Dashboard(
    "overview",
    "Overview",
    (
        Panel("Requests a second", {"requests": _rate("agent_requests_total")}, "reqps", "stat", 6),
        Panel(
            "Failed",
            {"failed": f"{_rate('agent_requests_total', where=_FAILED)} / {_rate('agent_requests_total')}"},
            "percentunit",
            "stat",
            6,
        ),
        Panel("95th percentile", {"p95": _quantile(0.95)}, "s", "stat", 6),
        Panel("Waiting", {"waiting": "max(agent_queue_depth)"}, "short", "stat", 6),
        _REQUESTS,
        _LATENCY,
        _QUEUE,
        Panel("Executions by state", {"{{state}}": "max by (state) (agent_executions)"}),
        Panel("Calculations a second", {"{{status}}": _rate("agent_calculations_total", "status")}, "ops"),
        Panel("Versions", {"{{version}}": "count by (version) (agent_build_info)"}),
    ),
)

RUNTIME = Dashboard(
    "runtime-performance",
    "Runtime performance",
    (
        _LATENCY,
        Panel("95th percentile by operation", {"{{method}}": _quantile(0.95, "method")}, "s"),
        Panel("95th percentile by agent", {"{{agent_id}}": _quantile(0.95, "agent_id")}, "s"),
        Panel(
            "Mean time to answer",
            {
                "mean": f"{_rate('agent_request_duration_seconds_sum')}"
                f" / {_rate('agent_request_duration_seconds_count')}"
            },
            "s",
        ),
        Panel("CPU by node", {"{{instance}}": _rate("agent_cpu_seconds_total", "instance")}, "percentunit"),
        Panel("Memory by node", {"{{instance}}": "sum by (instance) (agent_memory_bytes)"}, "bytes"),
        Panel("Processes by node", {"{{instance}}": "sum by (instance) (agent_workers)"}),
        Panel(
            "Found in caches",
            {
                "{{cache_tier}}": f"{_rate('agent_cache_hits_total', 'cache_tier')} /"
                f" ({_rate('agent_cache_hits_total', 'cache_tier')}"
                f" + {_rate('agent_cache_misses_total', 'cache_tier')})"
            },
            "percentunit",
        ),
        _QUEUE,
    ),
)

REGISTRY = Dashboard(
    "registry-health",
    "Registry health",
    (
        Panel("Health", {"worst node": "min(agent_registry_health_score)"}, "percentunit", "stat", 8),
        Panel("Agents", {"agents": "max(agent_registry_agents)"}, "short", "stat", 8),
        Panel("Broken plugins", {"broken": "max(agent_registry_problems)"}, "short", "stat", 8),
        Panel("Health by node", {"{{instance}}": "agent_registry_health_score"}, "percentunit"),
        Panel("Agents by node", {"{{instance}}": "agent_registry_agents"}),
        Panel("Broken plugins by node", {"{{instance}}": "agent_registry_problems"}),
        Panel("Agents in use", {"{{agent_id}}": _rate("agent_requests_total", "agent_id")}, "reqps"),
    ),
)

QUALITY = Dashboard(
    "quality",
    "Quality",
    (
        Panel(
            "Calculations that succeed",
            {
                "{{agent_id}}": _rate("agent_calculations_total", "agent_id", '{status="success"}')
                + f" / {_rate('agent_calculations_total', 'agent_id')}"
            },
            "percentunit",
        ),
        Panel(
            "Calculations refused for their input",
            {"{{agent_id}}": _rate("agent_calculations_total", "agent_id", '{status="refused"}')},
            "ops",
        ),
        Panel(
            "Decimal places by formula",
            {"{{formula_id}}": "max by (formula_id) (agent_calculation_precision)"},
        ),
        Panel(
            "Calculations by formula",
            {"{{formula_id}}": _rate("agent_calculations_total", "formula_id")},
            "ops",
        ),
        Panel("Requests refused", {"{{status}}": _rate("agent_requests_total", "status", _REFUSED)}, "reqps"),
        Panel("Dead letters", {"dead letters": 'max(agent_executions{state="dead_letter"})'}),
    ),
)

TENANTS = Dashboard(
    "tenant-usage",
    "Tenants' usage",
    (
        Panel("Requests by tenant", {"{{tenant_id}}": _rate("agent_requests_total", "tenant_id")}, "reqps"),
        Panel("95th percentile by tenant", {"{{tenant_id}}": _quantile(0.95, "tenant_id")}, "s"),
        Panel(
            "Requests beyond their limits",
            {"{{tenant_id}}": _rate("agent_requests_total", "tenant_id", '{status="429"}')},
            "reqps",
        ),
        Panel(
            "Failed requests by tenant",
            {"{{tenant_id}}": _rate("agent_requests_total", "tenant_id", _FAILED)},
            "reqps",
        ),
        Panel(
            "Tokens of language models",
            {
                "{{agent_id}} {{model}} {{token_type}}": _rate(
                    "agent_llm_tokens_total", "agent_id, model, token_type"
                )
            },
        ),
        Panel(
            "Cost of language models within a day",
            {"{{agent_id}} {{model}}": "sum by (agent_id, model) (increase(agent_llm_cost_usd[1d]))"},
            "currencyUSD",
        ),
    ),
)

DASHBOARDS = (OVERVIEW, RUNTIME, REGISTRY, QUALITY, TENANTS)
