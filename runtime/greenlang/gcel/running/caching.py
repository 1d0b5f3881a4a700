"""Outputs that `cache` keeps, in this process: by tenant, step key and input, one flight at a time."""

from __future__ import annotations

__all__ = ["cached"]

import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from greenlang.gcel.running.digests import input_digest

#: Outputs that are kept at once; the ones used longest ago go first.
MAXIMUM_OUTPUTS = 10_000

_Key = tuple[str, str, str]


class _Flight:
    """A computation that others wait for: those of its own event loop by awaiting, threads by blocking."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.landed = threading.Event()
        self.waiters: list[Any] = []


class _Outputs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[float, Any]] = OrderedDict()
        self._flights: dict[_Key, _Flight] = {}

    def look(self, key: _Key, now_s: float) -> tuple[bool, Any, _Flight, bool]:
        """Whether an output is kept, the output, else the flight to it, and whether that is ours to fly."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and now_s < kept[0]:
                self._kept.move_to_end(key)
                return True, kept[1], _NO_FLIGHT, False
            flight = self._flights.get(key)
            if flight is not None:
                return False, None, flight, False
            flight = self._flights[key] = _Flight()
            return False, None, flight, True

    def keep(self, key: _Key, output: Any, until_s: float) -> None:
        with self._lock:
            self._kept[key] = until_s, output
            self._kept.move_to_end(key)
            while len(self._kept) > MAXIMUM_OUTPUTS:
                self._kept.popitem(last=False)

    def land(self, key: _Key, flight: _Flight) -> None:
        with self._lock:
            del self._flights[key]
        flight.landed.set()
        for waiter in flight.waiters:
            if not waiter.done():
                waiter.set_result(None)


_NO_FLIGHT = _Flight()
_OUTPUTS = _Outputs()


async def cached(
    step: tuple[str, str],
    value: Any,
    ttl_s: float,
    now: Callable[[], float],
    run: Callable[[], Awaitable[Any]],
) -> Any:
    """The output of a step for a value: kept from a success less than `ttl_s` ago, or from running it.

    `step` is the tenant and the step's key. A value that has no digest is not looked for: the step runs.
    """
    digest = input_digest(value)
    if digest is None:
        return await run()
    key = (*step, digest)
    while True:
        found, output, flight, ours = _OUTPUTS.look(key, now())
        if found:
            return output
        if ours:
            break
        if not await _landed(flight):
            return await run()
    try:
        output = await run()
        _OUTPUTS.keep(key, output, now() + ttl_s)
        return output
    finally:
        _OUTPUTS.land(key, flight)


async def _landed(flight: _Flight) -> bool:
    """Wait for somebody's flight; False if waiting would be for ourselves."""
    if flight.thread != threading.get_ident():
        flight.landed.wait()
        return True
    import asyncio

    try:
        waiter = asyncio.get_running_loop().create_future()
    except RuntimeError:
        return False
    flight.waiters.append(waiter)
    await waiter
    return True
