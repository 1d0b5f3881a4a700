"""Sends the log to sinks: each is sent every event at least once, and those of an aggregate in their order.

The log is the outbox: what was committed stands in it, and how far a sink is stands in the store, so neither
a process nor a sink that fails loses anything, and nothing is written twice.  Of all processes one at a time
sends to a sink.  Each sink has a task of its own: one that is dead holds up no other.
"""

from __future__ import annotations

__all__ = ["Outbox", "OutboxSettings"]

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from greenlang.engine.events.sinks import Sink
from greenlang.engine.events.upcasting import UPCASTERS, Upcasters
from greenlang.engine.executions import backoff, now
from greenlang.errors import StoreError
from greenlang.stores import SinkState, Store

_log = logging.getLogger("greenlang.engine")


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """How sinks are sent the log."""

    #: Events at once.
    portion: int = 500
    #: How long to rest when there is nothing to send.
    rest_seconds: float = 0.25
    #: How long a sink may take for a portion; longer is a failure.
    send_seconds: float = 10.0
    #: How long a process that is gone holds a sink; longer than a portion may take.
    lease_seconds: float = 30.0


class Outbox:
    """What one process does for sinks.

    Parameters
    ----------
    worker : str
        The name of the process among all.
    sinks : mapping
        By their names, under which the store knows how far they are.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        sinks: Mapping[str, Sink],
        settings: OutboxSettings = OutboxSettings(),
        *,
        upcasters: Upcasters = UPCASTERS,
    ) -> None:
        self._store = store
        self._worker = worker
        self._sinks = sinks
        self._settings = settings
        self._upcasters = upcasters
        self._feeding: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send."""
        self._feeding = [asyncio.create_task(self._feed(name, sink)) for name, sink in self._sinks.items()]

    async def stop(self) -> None:
        """Send nothing more, and let other processes take over at once."""
        for feeding in self._feeding:
            feeding.cancel()
        await asyncio.gather(*self._feeding, return_exceptions=True)
        for name, sink in self._sinks.items():
            with contextlib.suppress(StoreError):
                await self._store.claim_sink(name, self._worker, now=now(), lease=0)
            try:
                await sink.close()
            except Exception as error:  # foreign code may raise anything, and the rest is still to be closed
                _log.error("the sink '%s' was not closed: %s", name, error)

    async def _feed(self, name: str, sink: Sink) -> None:
        lease_seconds = self._settings.lease_seconds
        while True:
            state = None
            try:
                state = await self._store.claim_sink(
                    name, self._worker, now=now(), lease=int(lease_seconds * 1e6)
                )
                if state is not None:
                    until = asyncio.get_running_loop().time() + lease_seconds / 3
                    await self._feed_until(until, state, sink)
            except StoreError as error:
                _log.warning("the sink '%s' is sent nothing for now: %s", name, error)
                state = None
            except Exception:  # whatever it is, the log is sent on later
                _log.exception("the sink '%s' is sent nothing for now", name)
                state = None
            if state is None:
                await asyncio.sleep(min(lease_seconds / 3, 1.0))

    async def _feed_until(self, until: float, state: SinkState, sink: Sink) -> None:
        """Send what there is, until the lease is to be extended or the sink fails."""
        loop, position, failures = asyncio.get_running_loop(), state.position, state.failures
        while loop.time() < until:
            events = await self._store.log(after=position, limit=self._settings.portion)
            if not events:
                await asyncio.sleep(self._settings.rest_seconds)
                continue
            try:
                async with asyncio.timeout(self._settings.send_seconds):
                    await sink.send([self._upcasters.present(event) for event in events])
            except Exception as error:  # foreign code may raise anything; the sink is tried again
                await self._failed(state.name, position, failures + 1, error)
                return
            position, failures = events[-1].sequence, 0
            if not await self._store.settle_sink(state.name, self._worker, position=position):
                return  # another process sends to it by now

    async def _failed(self, name: str, position: int, failures: int, error: Exception) -> None:
        told, wait = f"{type(error).__name__}: {error}", backoff(failures)
        _log.warning("the sink '%s' is tried again in %.1f s: %s", name, wait / 1e6, told)
        await self._store.settle_sink(
            name, self._worker, position=position, retry_at=now() + wait, error=told[:500]
        )
