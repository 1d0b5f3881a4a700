"""How much dearer one piece of code is than another, measured side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def cost_ratio(
    candidate: Callable[[], object], reference: Callable[[], object], *, calls: int, rounds: int = 15
) -> float:
    """Median over rounds of the candidate's time over the reference's; both run in turn, so noise hits both.

    Lower is better; 1.0 is the reference itself.
    """
    ratios = []
    for _ in range(rounds):
        reference_s = _seconds(reference, calls)
        candidate_s = _seconds(candidate, calls)
        # The reference once more, because the machine may have changed its pace meanwhile.
        reference_s = (reference_s + _seconds(reference, calls)) / 2
        ratios.append(candidate_s / reference_s)
    return statistics.median(ratios)


def _seconds(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start
