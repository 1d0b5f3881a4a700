"""How much dearer one piece of code is than another, measured side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def cost_ratio(
    candidate: Callable[[], object],
    reference: Callable[[], object],
    *,
    calls: int,
    rounds: int = 15,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Median over rounds of the candidate's time over the reference's; both run in turn, so noise hits both.

    Lower is better; 1.0 is the reference itself. Work of one thread that waits for nothing is better told by
    `time.process_time`: on a machine that is shared a round of some milliseconds is often cut in two.
    """
    ratios = []
    for _ in range(rounds):
        reference_s = seconds_of(reference, calls, clock)
        candidate_s = seconds_of(candidate, calls, clock)
        # The reference once more, because the machine may have changed its pace meanwhile.
        reference_s = (reference_s + seconds_of(reference, calls, clock)) / 2
        ratios.append(candidate_s / reference_s)
    return statistics.median(ratios)


def seconds_of(function: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    """Seconds that so many calls take together."""
    start = clock()
    for _ in range(calls):
        function()
    return clock() - start
