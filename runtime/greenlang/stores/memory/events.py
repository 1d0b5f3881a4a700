"""The log of events in memory: each aggregate's by itself, and everybody's once somebody asks for that."""

from __future__ import annotations

__all__ = ["EventLog"]

import heapq
from bisect import bisect_left
from collections.abc import Collection, Hashable
from operator import attrgetter

import msgspec

from greenlang.stores.entries import submitted_states
from greenlang.stores.protocol import EventMetadata, NewEvent, State

#: What an execution has been by when it is completed, where it waits for nobody.
BEGUN = (*submitted_states(State.QUEUED), State.RUNNING)


class Line(msgspec.Struct, frozen=True, gc=False):
    """What `event_of` takes."""

    sequence: int
    aggregate_type: str
    aggregate_id: str
    tenant: str
    kind: str
    at: int
    version: int
    payload: bytes
    metadata: EventMetadata | None


class _Course(msgspec.Struct, frozen=True, gc=False):
    """The lines of an execution that was accepted and completed at once, before somebody reads them."""

    sequence: int
    execution_id: str
    tenant: str
    began_at: int
    ended_at: int

    def lines(self) -> list[Line]:
        times = [*(self.began_at for _ in BEGUN), self.ended_at]
        return [
            Line(self.sequence + step, "execution", self.execution_id, self.tenant, kind, at, 1, b"{}", None)
            for step, (kind, at) in enumerate(zip((*BEGUN, State.COMPLETED), times, strict=True))
        ]


_number = attrgetter("sequence")


class EventLog:
    """Events, as lines in the order of their numbers."""

    def __init__(self) -> None:
        self._sequence = 0
        self._of_aggregate: dict[Hashable, list[Line] | _Course] = {}
        #: Everybody's; not kept before it is asked for, as most never ask.
        self._all: list[Line] | None = None

    def append(self, aggregate_type: str, aggregate_id: str, tenant: str, event: NewEvent, at: int) -> None:
        """Add what happened to an aggregate."""
        self._sequence += 1
        line = Line(
            self._sequence,
            aggregate_type,
            aggregate_id,
            tenant,
            event.type,
            at,
            event.version,
            event.payload,
            event.metadata,
        )
        self._lines(_key(aggregate_type, aggregate_id, tenant)).append(line)
        if self._all is not None:
            self._all.append(line)

    def complete(self, execution_id: str, tenant: str, began_at: int, ended_at: int) -> None:
        """Add what happened to an execution that was accepted and completed at once."""
        course = _Course(self._sequence + 1, execution_id, tenant, began_at, ended_at)
        self._sequence += len(BEGUN) + 1
        self._of_aggregate[execution_id] = course
        if self._all is not None:
            self._all += course.lines()

    def of_aggregate(
        self, aggregate_type: str, aggregate_id: str, tenant: str, after: int, limit: int
    ) -> list[Line]:
        """An aggregate's, past a number."""
        key = _key(aggregate_type, aggregate_id, tenant)
        return _past(self._lines(key) if key in self._of_aggregate else [], after, limit)

    def of_everybody(self, after: int, limit: int) -> list[Line]:
        """Everybody's, past a number."""
        if self._all is None:
            self._all = list(heapq.merge(*map(self._lines, self._of_aggregate), key=_number))
        return _past(self._all, after, limit)

    def _lines(self, key: Hashable) -> list[Line]:
        lines = self._of_aggregate.setdefault(key, [])
        if isinstance(lines, _Course):
            lines = self._of_aggregate[key] = lines.lines()
        return lines

    def forget(self, execution_ids: Collection[str]) -> None:
        """Drop the events of executions that are gone."""
        for execution_id in execution_ids:
            del self._of_aggregate[execution_id]
        if self._all is not None:
            self._all = [line for line in self._all if not _is_of(line, execution_ids)]


def _key(aggregate_type: str, aggregate_id: str, tenant: str) -> Hashable:
    """What an aggregate is found by: an execution by its id, which no two have."""
    return aggregate_id if aggregate_type == "execution" else (aggregate_type, aggregate_id, tenant)


def _is_of(line: Line, execution_ids: Collection[str]) -> bool:
    return line.aggregate_type == "execution" and line.aggregate_id in execution_ids


def _past(lines: list[Line], after: int, limit: int) -> list[Line]:
    first = bisect_left(lines, after + 1, key=_number)
    return lines[first : first + limit]
