"""Verification of what a store keeps: its hashes and rows, and the same calculation done again."""

from __future__ import annotations

__all__ = ["verify_calculation"]

from collections.abc import Callable, Iterator

from greenlang.engine.calculations.outcome import Outcome, prove_outcome_row, read_outcome
from greenlang.ledger import (
    FIRST_ROW,
    ROWS_PER_RANGE,
    CalculationRecord,
    Finding,
    KnownKeys,
    Recomputation,
    Verification,
    proof_holds,
    read_kept,
    verify_kept,
)
from greenlang.stores import Calculation


def verify_calculation(
    kept: Calculation, recompute: Callable[[], CalculationRecord] | None, *, keys: KnownKeys
) -> Verification:
    """Give the three verdicts on a calculation of a store.

    Parameters
    ----------
    recompute : callable
        Makes its record again from the input, or raises `InputError`; None where that was not kept.

    Raises
    ------
    BundleError
        If what is kept cannot be read.
    """
    read = read_kept(kept.record, kept.leaves, kept.position, kept.head)
    outcome = read_outcome(kept.evidence) if kept.evidence else None
    rows = () if outcome is None else tuple(_row_findings(outcome, read.record.row_root))
    again = None if recompute is None else (lambda: Recomputation(recompute()))
    return verify_kept(read, again, rows=rows, keys=keys)


def _row_findings(outcome: Outcome, row_root: str | None) -> Iterator[Finding]:
    """Every range of rows against the root in the record."""
    if row_root is None:
        yield Finding("record.row_root", "is missing, and the calculation has rows")
        return
    for first in range(0, len(outcome), ROWS_PER_RANGE):
        proof = prove_outcome_row(outcome, first + FIRST_ROW, row_root)
        if not proof_holds(proof):
            last = min(first + ROWS_PER_RANGE, len(outcome))
            place = f"rows {first + FIRST_ROW:,} to {last - 1 + FIRST_ROW:,}"
            yield Finding(place, "do not lead to the row_root in the record")
