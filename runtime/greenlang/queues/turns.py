"""Which priority goes when: the highest first, and one place in eight for a lower one, each in its turn."""

from __future__ import annotations

__all__ = ["Turns"]

from greenlang.queues.protocol import PRIORITIES

_ONE_IN = 8


class Turns:
    """Counts places, as they are given out."""

    def __init__(self) -> None:
        self._places = 0
        self._favoured = PRIORITIES[0]

    def next(self, places: int) -> tuple[int, int]:
        """For so many places: the priority that is favoured, and how many it gets before all others."""
        self._places += places
        reserved, self._places = divmod(self._places, _ONE_IN)
        if reserved:
            self._favoured = self._favoured % PRIORITIES[-1] + 1
        return self._favoured, reserved
