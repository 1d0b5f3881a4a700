"""Verification of what a store keeps: its hashes and rows, and the same calculation done again."""

from __future__ import annotations

__all__ = ["verify_calculation"]

from collections.abc import Callable, Iterable, Iterator

import msgspec

from greenlang.engine.calculations.outcome import Outcome, prove_outcome_row, read_outcome
from greenlang.ledger import (
    FIRST_ROW,
    ROWS_PER_RANGE,
    CalculationRecord,
    Finding,
    ItemTree,
    KnownKeys,
    ListRoot,
    Recomputation,
    Verification,
    list_header,
    proof_holds,
    read_kept,
    verify_kept,
)
from greenlang.stores import Calculation


def verify_calculation(
    kept: Calculation,
    recompute: Callable[[], CalculationRecord] | None,
    *,
    tenant: str,
    calculation_id: str,
    keys: KnownKeys,
    beside: Callable[[CalculationRecord], Iterable[Finding]] = lambda _: (),
) -> Verification:
    """Give the three verdicts on a calculation of a store.

    Parameters
    ----------
    tenant, calculation_id : str
        Whose it is and what it is called, as the store has it: its record says both, too.
    recompute : callable
        Makes its record again from the input, or raises `InputError`; None where that was not kept.
    beside : callable
        What is wrong with what else is kept of it, by its record.

    Raises
    ------
    BundleError
        If what is kept cannot be read.
    """
    read = read_kept(kept.record, kept.leaves, kept.position, kept.head)
    found = [*_owner_findings(read.record, tenant, calculation_id), *beside(read.record)]
    if kept.evidence:
        found += _outcome_findings(kept.evidence, read.record)
    again = None if recompute is None else (lambda: Recomputation(recompute()))
    return verify_kept(read, again, beside=found, keys=keys)


def _owner_findings(record: CalculationRecord, tenant: str, calculation_id: str) -> Iterator[Finding]:
    """Whether it is the record that it stands in the place of."""
    for name, kept in (("tenant", tenant), ("calculation_id", calculation_id)):
        if (said := getattr(record, name)) != kept:
            yield Finding(f"record.{name}", f"is '{said}', and it is kept as that of '{kept}'")


def _outcome_findings(evidence: bytes, record: CalculationRecord) -> list[Finding]:
    try:
        outcome = read_outcome(evidence)
        return [*_row_findings(outcome, record), *_list_findings(outcome, record)]
    except (ValueError, IndexError) as error:  # bytes that are no columns, codes of nothing
        return [Finding("rows", f"cannot be read: {error}")]


def _row_findings(outcome: Outcome, record: CalculationRecord) -> Iterator[Finding]:
    """Every range of rows against the root in the record."""
    row_root = record.row_root
    if row_root is None:
        yield Finding("record.row_root", "is missing, and the calculation has rows")
        return
    if len(outcome) != record.row_count:
        yield Finding("rows", f"are {len(outcome):,}, and {record.row_count:,} in the record")
    for first in range(0, len(outcome), ROWS_PER_RANGE):
        proof = prove_outcome_row(outcome, first + FIRST_ROW, row_root)
        if not proof_holds(proof):
            last = min(first + ROWS_PER_RANGE, len(outcome))
            place = f"rows {first + FIRST_ROW:,} to {last - 1 + FIRST_ROW:,}"
            yield Finding(place, "do not lead to the row_root in the record")


def _list_findings(outcome: Outcome, record: CalculationRecord) -> Iterator[Finding]:
    """What rows were multiplied by, and why some were not computed, against their roots in the record."""
    lists = {"selections": outcome.selections, "skipped": map(msgspec.to_builtins, outcome.refused)}
    for name, items in lists.items():
        tree = ItemTree(list_header(name))
        for item in items:
            tree.add(item)
        made = ListRoot(len(tree), tree.finish()) if len(tree) else None
        if made != record.lists.get(name):
            yield Finding(f"lists.{name}", "does not lead to its root in the record")
