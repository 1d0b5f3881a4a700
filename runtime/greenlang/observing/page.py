"""The page of metrics: what the processes of a node have counted, in Prometheus' text format."""

from __future__ import annotations

__all__ = ["CONTENT_TYPE", "NodeState", "render_page"]

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from greenlang import __version__
from greenlang.observing.counts import Snapshot
from greenlang.observing.families import BUCKETS, FAMILIES, RUNTIME, Family
from greenlang.stores import State

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_BOUNDS = (*map(str, BUCKETS), "+Inf")

#: Executions that wait for a worker.
_WAITING = (State.PENDING, State.QUEUED)

_Sample = tuple[str, tuple[str, ...], float]


class NodeState(NamedTuple):
    """What a node has, apart from what its processes count."""

    #: None where the store did not answer: then nothing is told of it.
    executions: dict[State, int] | None
    agents: int
    problems: int


def render_page(counted: Snapshot, state: NodeState) -> bytes:
    """The page, every metric of `FAMILIES` on it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(counted, state))
    return generate_latest(registry)


class _Page(Collector):
    """Gives the client library what was counted elsewhere: it counts nothing itself."""

    def __init__(self, counted: Snapshot, state: NodeState) -> None:
        self._samples: dict[str, list[_Sample]] = {
            "agent_requests_total": _requests(counted),
            "agent_request_duration_seconds": _durations(counted),
            "agent_calculations_total": _plain("agent_calculations_total", counted.calculations),
            "agent_calculation_precision": _plain("agent_calculation_precision", counted.precisions),
            "agent_memory_bytes": [("agent_memory_bytes", (RUNTIME,), counted.memory_bytes)],
            "agent_cpu_seconds_total": [("agent_cpu_seconds_total", (RUNTIME,), counted.cpu_seconds)],
            "agent_cache_hits_total": _plain("agent_cache_hits_total", counted.hits),
            "agent_cache_misses_total": _plain("agent_cache_misses_total", counted.misses),
            "agent_llm_tokens_total": _plain("agent_llm_tokens_total", counted.tokens),
            "agent_llm_cost_usd": _plain("agent_llm_cost_usd", counted.dollars),
            **_of_store(state.executions),
            "agent_registry_agents": [("agent_registry_agents", (), state.agents)],
            "agent_registry_problems": [("agent_registry_problems", (), state.problems)],
            "agent_registry_health_score": [("agent_registry_health_score", (), _health(state))],
            "agent_workers": [("agent_workers", (), counted.workers)],
            "agent_build_info": [("agent_build_info", (__version__,), 1)],
        }

    def collect(self) -> Iterator[Metric]:
        """Every metric with its samples."""
        for family in FAMILIES:
            yield _metric(family, self._samples.get(family.name, ()))


def _metric(family: Family, samples: Iterable[_Sample]) -> Metric:
    # The library puts `_total` behind the names of counters, and has a word of its own for `untyped`.
    kind = "unknown" if family.kind == "untyped" else family.kind
    metric = Metric(family.name.removesuffix("_total"), family.help, kind)
    for name, values, figure in samples:
        names = (*family.labels, "le") if name.endswith("_bucket") else family.labels
        metric.add_sample(name, dict(zip(names, values, strict=True)), figure)
    return metric


def _plain(name: str, counted: Iterable[tuple[tuple[str, ...], float]]) -> list[_Sample]:
    return [(name, labels, figure) for labels, figure in counted]


def _requests(counted: Snapshot) -> list[_Sample]:
    return [("agent_requests_total", labels, sum(series[:-1])) for labels, series in counted.requests]


def _durations(counted: Snapshot) -> list[_Sample]:
    """The histogram, over all statuses: buckets count what is below them too."""
    summed: dict[tuple[str, ...], list[float]] = {}
    for (agent, tenant, _, method), series in counted.requests:
        before = summed.get((agent, tenant, method), [0.0] * len(series))
        summed[agent, tenant, method] = [one + other for one, other in zip(before, series, strict=True)]
    name = "agent_request_duration_seconds"
    samples: list[_Sample] = []
    for labels, (*buckets, seconds) in summed.items():
        below = list(accumulate(buckets))
        samples += [
            (f"{name}_bucket", (*labels, bound), count) for bound, count in zip(_BOUNDS, below, strict=True)
        ]
        samples += [(f"{name}_count", labels, below[-1]), (f"{name}_sum", labels, seconds)]
    return samples


def _of_store(executions: dict[State, int] | None) -> dict[str, list[_Sample]]:
    if executions is None:
        return {}
    waiting = sum(executions.get(state, 0) for state in _WAITING)
    return {
        "agent_queue_depth": [("agent_queue_depth", (), waiting)],
        "agent_executions": [
            ("agent_executions", (str(state),), executions.get(state, 0)) for state in State
        ],
    }


def _health(state: NodeState) -> float:
    """The share of what is installed that is sound; a broken plugin weighs as much as an agent."""
    return state.agents / (state.agents + state.problems) if state.problems else 1.0
