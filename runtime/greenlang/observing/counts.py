"""What a process counts while it works: additions in plain dicts, read only when somebody asks.

A request costs one look into a dict and three additions. Labels come from outside (agents, tenants), so only
so many are told apart; the rest counts as `other`.
"""

from __future__ import annotations

__all__ = ["Counts", "Snapshot", "add_up"]

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from greenlang.carbon.formulas import Formula
from greenlang.ledger import FormulaUse
from greenlang.observing.families import BUCKETS, NONE, OTHER

#: How many of each are told apart: agents and tenants, formulas, and labels of requests in all.
_MOST_NAMES = 100
_MOST_SERIES = 600

_Labels = tuple[str, ...]

#: Of requests with the same labels: how many ended within each bucket and beyond, and their seconds.
_Series = list[float]


class Snapshot(msgspec.Struct):
    """What one process has counted, by labels in the order of `FAMILIES`; sums of several are the same."""

    #: By agent, tenant, status and method: a number for each bucket, one for what took longer, the seconds.
    requests: list[tuple[_Labels, _Series]] = []
    #: By agent, formula and status.
    calculations: list[tuple[_Labels, float]] = []
    #: By agent and formula: places.
    precisions: list[tuple[_Labels, float]] = []
    #: By agent and tier.
    hits: list[tuple[_Labels, float]] = []
    misses: list[tuple[_Labels, float]] = []
    #: By agent, model and kind of token; by agent and model.
    tokens: list[tuple[_Labels, float]] = []
    dollars: list[tuple[_Labels, float]] = []
    cpu_seconds: float = 0.0
    memory_bytes: float = 0.0
    workers: int = 1


class Counts:
    """The counts of one process, from its start or from where an earlier one ended."""

    def __init__(self, most_names: int = _MOST_NAMES, most_series: int = _MOST_SERIES) -> None:
        self._most_names = most_names
        self._most_series = most_series
        self._agents: set[str] = set()
        self._tenants: set[str] = set()
        self._requests: dict[tuple[str, str, int, str], _Series] = {}
        #: By what they were counted with: what their formulas are called is found out when somebody asks.
        self._calculations: dict[tuple[str, tuple[FormulaUse, ...], str], int] = {}

    def answered(self, agent: str, tenant: str, status: int, method: str, seconds: float) -> None:
        """Count a request."""
        series = self._requests.get((agent, tenant, status, method))
        if series is None:
            series = self._series(agent, tenant, status, method)
        series[bisect_left(BUCKETS, seconds)] += 1
        series[-1] += seconds

    def calculated(self, agent: str, formulas: tuple[FormulaUse, ...], status: str) -> None:
        """Count a calculation once for each formula that it used, and once where it used none."""
        key = agent, formulas, status
        if key not in self._calculations:
            key = self._known(self._agents, agent), formulas, status
            if len(self._calculations) >= self._most_series and key not in self._calculations:
                key = OTHER, (), status
            self._calculations.setdefault(key, 0)
        self._calculations[key] += 1

    def snapshot(self) -> Snapshot:
        """All of it so far; it shares nothing with what goes on being counted."""
        counted: list[tuple[_Labels, float]] = []
        precisions: dict[_Labels, float] = {}
        for (agent, formulas, status), count in self._calculations.items():
            rounded = _rounded(formulas)
            counted += [((agent, formula, status), count) for formula, _ in rounded]
            precisions.update({(agent, formula): places for formula, places in rounded})
            if not formulas:
                counted.append(((agent, NONE, status), count))
        return Snapshot(
            requests=[
                ((agent, tenant, str(status), method), list(series))
                for (agent, tenant, status, method), series in self._requests.items()
            ],
            calculations=_summed([counted]),
            precisions=list(precisions.items()),
        )

    def _series(self, agent: str, tenant: str, status: int, method: str) -> _Series:
        """Where a request with labels counts that were not met so far, or are too many."""
        key = self._known(self._agents, agent), self._known(self._tenants, tenant), status, method
        if len(self._requests) >= self._most_series and key not in self._requests:
            key = OTHER, OTHER, status, method
        return self._requests.setdefault(key, [0.0] * (len(BUCKETS) + 2))

    def _known(self, names: set[str], name: str) -> str:
        if name not in names:
            if len(names) >= self._most_names:
                return OTHER
            names.add(name)
        return name


def add_up(snapshots: Sequence[Snapshot]) -> Snapshot:
    """What several processes have counted together."""
    summed = Snapshot(workers=0)
    requests: dict[_Labels, _Series] = {}
    for each in snapshots:
        for labels, series in each.requests:
            before = requests.get(labels)
            requests[labels] = (
                series if before is None else [one + other for one, other in zip(before, series, strict=True)]
            )
        summed.cpu_seconds += each.cpu_seconds
        summed.memory_bytes += each.memory_bytes
        summed.workers += each.workers
    summed.requests = list(requests.items())
    summed.calculations = _summed(each.calculations for each in snapshots)
    summed.precisions = list({key: places for each in snapshots for key, places in each.precisions}.items())
    summed.hits = _summed(each.hits for each in snapshots)
    summed.misses = _summed(each.misses for each in snapshots)
    summed.tokens = _summed(each.tokens for each in snapshots)
    summed.dollars = _summed(each.dollars for each in snapshots)
    return summed


@lru_cache(256)
def _rounded(formulas: tuple[FormulaUse, ...]) -> tuple[tuple[str, int], ...]:
    """The ids of formulas, and the places that their results have."""
    return tuple((use.formula_id, Formula(use.formula_id, use.version, use.text).places) for use in formulas)


def _summed(several: Iterable[list[tuple[_Labels, float]]]) -> list[tuple[_Labels, float]]:
    sums: dict[_Labels, float] = {}
    for each in several:
        for labels, amount in each:
            sums[labels] = sums.get(labels, 0.0) + amount
    return list(sums.items())
