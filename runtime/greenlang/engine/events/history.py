"""What was: an aggregate's events, and how they say that it stood at a time."""

from __future__ import annotations

__all__ = ["AggregateState", "history", "rebuild"]

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from greenlang.engine.events.upcasting import UPCASTERS, Payload, Upcasters
from greenlang.stores import Event, State, Store

#: Events that are read at once.
_PORTION = 500

_EXECUTION_STATES = frozenset(map(str, State))


class AggregateState(msgspec.Struct, frozen=True, kw_only=True):
    """How an aggregate stood after some of its events."""

    aggregate_type: str
    aggregate_id: str
    tenant_id: str
    state: str
    #: What else its events had told by then.
    attributes: dict[str, Any]
    #: How many events made it so, and which was the last.
    events: int
    last_event_id: str
    changed_at: datetime


#: Gives state and attributes after an event of a name with a payload, from those before it.
Fold = Callable[[str, Mapping[str, Any], str, Payload], tuple[str, dict[str, Any]]]


async def history(
    store: Store,
    tenant: str,
    aggregate_type: str,
    aggregate_id: str,
    *,
    until: datetime | None = None,
    upcasters: Upcasters = UPCASTERS,
) -> AsyncIterator[Event]:
    """Events of an aggregate in the order they happened, those of times past `until` left out."""
    after = 0
    while True:
        events = await store.events(
            tenant, aggregate_id, aggregate_type=aggregate_type, after=after, limit=_PORTION
        )
        for event in events:
            # The clocks of nodes differ a little, so one of an earlier time may follow.
            if until is None or event.timestamp <= until:
                yield upcasters.present(event)
        if len(events) < _PORTION:
            return
        after = events[-1].sequence


async def rebuild(
    store: Store,
    tenant: str,
    aggregate_type: str,
    aggregate_id: str,
    *,
    at: datetime | None = None,
    upcasters: Upcasters = UPCASTERS,
) -> AggregateState | None:
    """How an aggregate stood at a time, made from its events alone; None if nothing had happened by then."""
    fold = _FOLDS.get(aggregate_type, _fold_moves)
    attributes: dict[str, Any] = {}
    state, count, last = "", 0, None
    async for event in history(store, tenant, aggregate_type, aggregate_id, until=at, upcasters=upcasters):
        state, attributes = fold(state, attributes, event.name, msgspec.json.decode(event.payload))
        count, last = count + 1, event
    if last is None:
        return None
    return AggregateState(
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        tenant_id=tenant,
        state=state,
        attributes=attributes,
        events=count,
        last_event_id=last.event_id,
        changed_at=last.timestamp,
    )


def _fold_execution(
    state: str, attributes: Mapping[str, Any], name: str, payload: Payload
) -> tuple[str, dict[str, Any]]:
    if name == "cancel_requested":
        return state, {**attributes, "cancel_requested": True}
    if name not in _EXECUTION_STATES:
        return state, {**attributes, **payload}  # progress
    attempt = attributes.get("attempt", 0)
    if name == State.RUNNING:
        # What ran where it was asked for was claimed by nobody, and its event tells nothing.
        return name, {**attributes, "attempt": attempt + 1, **payload}
    if name == State.QUEUED and state == State.DEAD_LETTER:
        attempt = 0  # an operator has it tried from the beginning
    elif name == State.QUEUED and state == State.RUNNING and "code" not in payload:
        attempt -= 1  # handed back unrun
    # An end clears what an attempt left behind; what only waits keeps it to be seen.
    kept = {} if state in (State.RUNNING, State.DEAD_LETTER) else attributes.get("error", {})
    error = {key: value for key, value in payload.items() if key != "steps"} or kept
    steps = {"steps": payload["steps"]} if "steps" in payload else {}
    left = {key: value for key, value in attributes.items() if key not in ("worker", "error", "steps")}
    return name, {**left, **steps, "attempt": attempt, **({"error": error} if error else {})}


def _fold_moves(
    _state: str, attributes: Mapping[str, Any], name: str, payload: Payload
) -> tuple[str, dict[str, Any]]:
    """Of what moves from state to state: `to` says where it stands, the rest is kept as it was last told."""
    told = {key: value for key, value in payload.items() if key not in ("from", "to")}
    return payload.get("to") or name, {**attributes, **told}


_FOLDS: Mapping[str, Fold] = {"execution": _fold_execution}
