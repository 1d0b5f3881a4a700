"""When to wake somebody: the alert rules, and what each of them means for whoever is woken."""

from __future__ import annotations

__all__ = ["ALERTS", "Alert"]

from typing import Literal, NamedTuple


class Alert(NamedTuple):
    """One rule."""

    name: str
    expression: str
    #: How long it has to hold: `5m`.
    holds: str
    severity: Literal["warning", "critical"]
    summary: str
    #: What to look at, and what to do.
    description: str


_ASKED = 'method=~"execute|calculate"'

ALERTS = (
    Alert(
        "AgentRuntimeDown",
        "absent(agent_build_info)",
        "3m",
        "critical",
        "No node tells any metrics",
        "No node is scraped: look whether any runs, and whether /metrics can be reached from Prometheus.",
    ),
    Alert(
        "AgentRuntimeHighErrorRate",
        'sum(rate(agent_requests_total{status=~"5.."}[5m])) / sum(rate(agent_requests_total[5m])) > 0.01',
        "5m",
        "critical",
        "{{ $value | humanizePercentage }} of requests fail",
        "More than 1 % of requests are answered with 5xx: look into the log at level ERROR and at the store.",
    ),
    Alert(
        "AgentRuntimeHighLatency",
        f"histogram_quantile(0.95, sum by (le) (rate(agent_request_duration_seconds_bucket{{{_ASKED}}}[5m])))"
        " > 0.1",
        "5m",
        "warning",
        "One request in twenty takes longer than {{ $value | humanizeDuration }}",
        "The 95th percentile of calculations and executions is above 100 ms: look which agent and tenant it"
        " is on the dashboard of the runtime's performance, and whether nodes lack CPU.",
    ),
    Alert(
        "AgentRegistryUnhealthy",
        "min(agent_registry_health_score) < 0.8",
        "3m",
        "critical",
        "A fifth of what is installed is broken",
        "Plugins are broken and left out: `greenlang doctor` on the node names them.",
    ),
    Alert(
        "AgentQueueDeep",
        "max(agent_queue_depth) > 100",
        "10m",
        "warning",
        "{{ $value }} executions wait",
        "More executions wait than one node is meant to have waiting: see that nodes are added, and whether"
        " one tenant's executions fill the queue.",
    ),
    Alert(
        "AgentDeadLetters",
        'max(delta(agent_executions{state="dead_letter"}[15m])) > 0',
        "0m",
        "warning",
        "Executions failed at every attempt",
        "`greenlang store executions --state dead_letter` lists them with their errors, and `greenlang store"
        " requeue` has one tried again.",
    ),
    Alert(
        "AgentCalculationsFailing",
        'sum by (agent_id) (rate(agent_calculations_total{status="error"}[10m]))'
        " / sum by (agent_id) (rate(agent_calculations_total[10m])) > 0.05",
        "10m",
        "warning",
        "{{ $value | humanizePercentage }} of the calculations of {{ $labels.agent_id }} fail",
        "An agent fails by itself, not for its input: look for its name in the log.",
    ),
    Alert(
        "AgentPrecisionChanged",
        "max by (agent_id, formula_id) (changes(agent_calculation_precision[30m])) > 0",
        "0m",
        "warning",
        "{{ $labels.formula_id }} rounds to other places than before",
        "A formula has another precision than half an hour ago: results before and after differ in their last"
        " digits. See which pack was updated.",
    ),
    Alert(
        "AgentMemoryHigh",
        "max by (instance) (sum by (instance, agent_id) (agent_memory_bytes)) > 6.4 * 1024 * 1024 * 1024",
        "10m",
        "warning",
        "{{ $labels.instance }} holds {{ $value | humanize1024 }}B",
        "A node holds more than 80 % of the 8 GiB that it is sized for: lower --workers, or the largest body"
        " that it takes.",
    ),
    Alert(
        "AgentCacheCold",
        'sum(rate(agent_cache_hits_total{cache_tier="plans"}[30m]))'
        ' / (sum(rate(agent_cache_hits_total{cache_tier="plans"}[30m]))'
        ' + sum(rate(agent_cache_misses_total{cache_tier="plans"}[30m]))) < 0.5'
        ' and sum(rate(agent_cache_misses_total{cache_tier="plans"}[30m])) > 1',
        "30m",
        "warning",
        "Most programs are compiled for one use",
        "Callers send programs that differ each time: what differs belongs into their input.",
    ),
    Alert(
        "AgentLlmCostHigh",
        "sum(increase(agent_llm_cost_usd[1h])) > 50",
        "0m",
        "warning",
        "Language models cost ${{ $value | humanize }} within an hour",
        "See which agent and model it is on the dashboard of tenants' usage.",
    ),
)
