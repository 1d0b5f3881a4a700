"""Outputs that `cache` keeps, in this process: by tenant, step key and input, one flight at a time."""

from __future__ import annotations

__all__ = ["Flight", "cached"]

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from greenlang.gcel.running.digests import input_digest

if TYPE_CHECKING:
    from asyncio import Future

#: Outputs that are kept at once; the ones used longest ago go first.
MAXIMUM_OUTPUTS = 10_000

_Key = tuple[str, str, str]


class Flight:
    """A computation that others wait for: event loops by awaiting it, threads without one by blocking."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._landed = threading.Event()
        self._waiters: list[Future[None]] = []

    def land(self) -> None:
        """Let all go on that wait."""
        with self._lock:
            self._landed.set()
        for waiter in self._waiters:
            # A loop that is closed has nobody who waits any more.
            with contextlib.suppress(RuntimeError):
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    def wait(self, seconds: float | None) -> bool:
        """Block until it has landed; False if that takes longer than `seconds`, or this thread flies it."""
        return self._thread != threading.get_ident() and self._landed.wait(seconds)

    async def landed(self) -> None:
        """Wait until it has landed, whichever thread it is of."""
        import asyncio

        waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._landed.is_set():
                return
            self._waiters.append(waiter)
        await waiter


def _wake(waiter: Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class _Outputs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Until when, the output, and its digest: whoever was given it may have changed it.
        self._kept: OrderedDict[_Key, tuple[float, Any, str | None]] = OrderedDict()
        self._flights: dict[_Key, Flight] = {}

    def look(self, key: _Key, now_s: float) -> tuple[bool, Any, Flight, bool]:
        """Whether an output is kept, the output, else the flight to it, and whether that is ours to fly."""
        changed = None
        while True:
            with self._lock:
                kept = self._kept.get(key)
                if kept is None or kept is changed or now_s >= kept[0]:
                    flight = self._flights.get(key)
                    if flight is not None:
                        return False, None, flight, False
                    flight = self._flights[key] = Flight()
                    return False, None, flight, True
                self._kept.move_to_end(key)
            if kept[2] == input_digest(kept[1]):
                return True, kept[1], _NO_FLIGHT, False
            changed = kept

    def keep(self, key: _Key, output: Any, until_s: float) -> None:
        digest = input_digest(output)
        with self._lock:
            self._kept[key] = until_s, output, digest
            self._kept.move_to_end(key)
            while len(self._kept) > MAXIMUM_OUTPUTS:
                self._kept.popitem(last=False)

    def land(self, key: _Key, flight: Flight) -> None:
        with self._lock:
            del self._flights[key]
        flight.land()


_NO_FLIGHT = Flight()
_OUTPUTS = _Outputs()


def _forget_outputs() -> None:
    """Begin anew in a process that was forked: flights of other threads never land there."""
    global _OUTPUTS
    _OUTPUTS = _Outputs()


os.register_at_fork(after_in_child=_forget_outputs)


async def cached(
    step: tuple[str, str],
    value: Any,
    ttl_s: float,
    now: Callable[[], float],
    run: Callable[[], Awaitable[Any]],
    landing: Callable[[Flight], Awaitable[bool]],
) -> Any:
    """The output of a step for a value: kept from a success less than `ttl_s` ago, or from running it.

    `step` is the tenant and the step's key. A value that has no digest is not looked for: the step runs, as
    it does where `landing`, which waits for somebody's flight, says that it cannot.
    """
    digest = input_digest(value)
    if digest is None:
        return await run()
    key, outputs = (*step, digest), _OUTPUTS
    while True:
        found, output, flight, ours = outputs.look(key, now())
        if found:
            return output
        if ours:
            break
        if not await landing(flight):
            return await run()
    try:
        output = await run()
        outputs.keep(key, output, now() + ttl_s)
        return output
    finally:
        outputs.land(key, flight)
