"""Watching executions, wherever they run: a broadcast says at once that one changed, the store says how.

A broadcast may be lost, so the store is looked at now and then anyway.
"""

from __future__ import annotations

__all__ = ["POLL_SECONDS", "Watch"]

import asyncio
from collections.abc import AsyncIterator

from greenlang.channels import Broadcast
from greenlang.stores import FINAL_STATES, Event, ExecutionRow, State, Store

#: How long whoever waits goes without a look at the store; who follows, twice as long.
POLL_SECONDS = 0.25


class Watch:
    """Tells that executions changed, and waits for it."""

    def __init__(self, store: Store, broadcast: Broadcast) -> None:
        self._store = store
        self._broadcast = broadcast

    def tell(self, execution_id: str, state: State) -> None:
        """Say that an execution stands elsewhere now."""
        self._broadcast.publish(_channel(execution_id), state.encode())

    async def end(self, tenant: str, execution_id: str, seconds: float) -> ExecutionRow | None:
        """The execution once it has ended or the time is over; None if there is none."""
        if seconds <= 0:
            return await self._store.execution(tenant, execution_id)
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        ended = asyncio.Event()

        def heard(state: bytes | None) -> None:
            if state is None or state.decode() in FINAL_STATES:
                ended.set()

        stop = self._broadcast.listen(_channel(execution_id), heard)
        try:
            while True:
                ended.clear()
                row = await self._store.execution(tenant, execution_id)
                left = end - loop.time()
                if row is None or row.state in FINAL_STATES or left <= 0:
                    return row
                await _wait_for(ended, min(left, POLL_SECONDS))
        finally:
            stop()

    async def follow(self, tenant: str, execution_id: str, *, after: int = 0) -> AsyncIterator[Event | None]:
        """Events of an execution as they happen, until it ends; None now and then while nothing happens."""
        changed = asyncio.Event()
        stop = self._broadcast.listen(_channel(execution_id), lambda _: changed.set())
        try:
            while True:
                changed.clear()
                row = await self._store.execution(tenant, execution_id)
                if row is None:
                    return
                events = await self._store.events(tenant, execution_id, after=after)
                for event in events:
                    after = event.sequence
                    yield event
                if events:
                    continue
                if row.state in FINAL_STATES:
                    return
                if not await _wait_for(changed, 2 * POLL_SECONDS):
                    yield None
        finally:
            stop()


def _channel(execution_id: str) -> str:
    return f"execution:{execution_id}"


async def _wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set within the time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
