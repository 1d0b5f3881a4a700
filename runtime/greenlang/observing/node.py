"""What one process tells of itself and, where several share a port, of the others."""

from __future__ import annotations

__all__ = ["Looks", "Watched"]

import asyncio
from collections.abc import Callable, Mapping

from greenlang.agents.spending import model_use
from greenlang.observing.counts import Counts, Snapshot, add_up
from greenlang.observing.families import RUNTIME
from greenlang.observing.slots import Slot
from greenlang.observing.usage import cpu_seconds, memory_bytes

#: How old what others see of this process may be.
_WRITE_SECONDS = 1.0

#: Gives, by tier of a cache, how often something was found there and how often not.
Looks = Callable[[], Mapping[str, tuple[int, int]]]


class Watched:
    """The counts of one process, together with what is known of it at the moment of asking.

    Parameters
    ----------
    slot : Slot, optional
        Where it meets the other processes on its port; without one there are none.
    looks : callables
        The caches of the process.
    """

    def __init__(self, counts: Counts, slot: Slot | None, *looks: Looks) -> None:
        self.counts = counts
        self._slot = slot
        self._looks = looks
        self._before = None if slot is None else slot.read()
        if self._before is not None:
            self._before.memory_bytes, self._before.workers = 0.0, 0

    def own(self) -> Snapshot:
        """What this process counted, and the ones before it in its slot."""
        counted = self.counts.snapshot()
        for looks in self._looks:
            for tier, (found, missed) in looks().items():
                counted.hits.append(((RUNTIME, tier), found))
                counted.misses.append(((RUNTIME, tier), missed))
        for used in model_use():
            counted.tokens.append(((used.agent, used.model, used.kind), used.tokens))
            counted.dollars.append(((used.agent, used.model), float(used.cost_usd)))
        counted.cpu_seconds, counted.memory_bytes = cpu_seconds(), memory_bytes()
        return add_up([counted] if self._before is None else [self._before, counted])

    def all(self) -> Snapshot:
        """What all processes on this port counted; the others' part is as old as a second."""
        own = self.own()
        if self._slot is None:
            return own
        # What is told is written first: were this process to die now, the others would tell no less.
        self._slot.write(own)
        return add_up([own, *self._slot.others()])

    async def keep(self) -> None:
        """Let the others see what this process counts, for as long as it runs, and once more at its end."""
        if self._slot is None:
            return
        try:
            while True:
                self._slot.write(self.own())
                await asyncio.sleep(_WRITE_SECONDS)
        finally:
            self._slot.write(self.own())
