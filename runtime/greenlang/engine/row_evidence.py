"""One row of a result bundle: its figures, what they were multiplied by, and whether the hashes lead to it.

Nothing is computed again here and no other range is read, so that a row of a large result is shown at once;
`greenlang.engine.recomputation` verifies the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from greenlang.errors import InputError
from greenlang.ledger import (
    FIRST_ROW,
    Bundle,
    Finding,
    RowProof,
    Status,
    Verdict,
    authenticity,
    factor_id,
    item_holds,
    list_header,
    load_bundle,
    load_known_keys,
    proof_holds,
    prove_row,
    record_findings,
    table_header,
)

__all__ = ["FactorShare", "RowEvidence", "UsedRate", "UsedSelection", "prove_result_row"]


class FactorShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor in a rate."""

    ef_cid: str
    weight: str  #: an exact ratio; several factors share a period by days, or an energy by contracts


class UsedRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate of one gas."""

    gas: str
    rate: str  #: kg of the gas to one of the row's unit (to a km of a distance), an exact ratio
    factors: tuple[FactorShare, ...]
    gwp: str = ""  #: kg CO2e of a kg of the gas; empty for biogenic CO2, which stands apart


class UsedSelection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the list of selections: what some rows were multiplied by."""

    agent: str
    scope: int
    method: str
    activity: str
    rates: tuple[UsedRate, ...]
    fallbacks: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """What a bundle says of one row, and everything that speaks against it."""

    proof: RowProof
    record_id: str
    result_hash: str
    given: Mapping[
        str, str | None
    ]  #: cells of the input by column; empty where the row is not one of its own
    figures: Mapping[str, str]  #: by series, in plain digits
    selections: Mapping[str, UsedSelection]  #: by position in their list
    factors: Mapping[str, Mapping[str, Any]]  #: by id, those that the selections name
    findings: tuple[Finding, ...]
    authentic: Verdict

    @property
    def id(self) -> str:
        """The row's own id."""
        return str(self.proof.proved.get("id") or "")

    @property
    def holds(self) -> bool:
        """Whether every hash from the row to the record holds, and no signature is wrong."""
        return not self.findings and self.authentic.status is not Status.FAILED


def prove_result_row(path: Path, row: int) -> RowEvidence:
    """Show row `row`, as the bundle and messages count them, of the bundle in a file.

    Raises
    ------
    BundleError
        If the file is no bundle.
    InputError
        If it has no such row.
    """
    bundle = load_bundle(path)
    proof = prove_row(bundle, row)
    shown = proof.proved
    given, given_findings = _given(bundle, row, shown.get("id"))
    selections, selection_findings = _selections(bundle, shown.get("selections"))
    factors = {factor.ef_cid: factor for factor in bundle.factors}
    used = sorted({part.ef_cid for one in selections.values() for rate in one.rates for part in rate.factors})
    return RowEvidence(
        proof=proof,
        record_id=bundle.record.calculation_id,
        result_hash=bundle.record.result_hash,
        given=given,
        figures={name: shown[name] for name in proof.series if shown.get(name) is not None},
        selections=selections,
        factors={name: factors[name].record for name in used if name in factors},
        findings=(
            *_row_findings(proof),
            *given_findings,
            *selection_findings,
            *(
                Finding(f"factor {name}", "is missing from the bundle, or is not what it is called")
                for name in used
                if name not in factors or factor_id(factors[name]) != name
            ),
            *record_findings(bundle),
        ),
        authentic=authenticity(bundle, load_known_keys()),
    )


def _row_findings(proof: RowProof) -> Iterator[Finding]:
    place = f"output row {proof.row}"
    try:
        if not proof_holds(proof):
            yield Finding(place, "does not lead to the row_root in the record: its range was changed")
    except InputError as error:
        yield Finding(place, f"does not lead to the row_root in the record: a row of its range {error}")


def _given(bundle: Bundle, row: int, identity: object) -> tuple[dict[str, str | None], tuple[Finding, ...]]:
    """The cells that the row was read from: nothing where its table was made from another, or left out."""
    given = bundle.input
    index = row - FIRST_ROW
    if given.rows is None or given.columns is None or "id" not in given.columns or index >= len(given.rows):
        return {}, ()
    cells = given.rows[index]
    if not isinstance(cells, list) or len(cells) != len(given.columns):
        return {}, (Finding(f"input row {row}", "is not as wide as its columns"),)
    found = {
        column: None if cell is None else str(cell) for column, cell in zip(given.columns, cells, strict=True)
    }
    if (found["id"] or "").strip() != identity:
        return {}, ()
    if item_holds(given.rows, table_header(given.columns), given.root, index):
        return found, ()
    return found, (Finding(f"input row {row}", "does not lead to the input's root: its range was changed"),)


def _selections(bundle: Bundle, named: object) -> tuple[dict[str, UsedSelection], tuple[Finding, ...]]:
    """The entries that a row names, and those that do not lead to the record."""
    carried, expected = bundle.lists.get("selections"), bundle.record.lists.get("selections")
    found = {}
    findings = []
    for position in map(str, named if isinstance(named, list) else ()):
        place = f"lists.selections[{position}]"
        index = int(position) if position.isdecimal() else -1
        if carried is None or expected is None or not 0 <= index < len(carried):
            findings.append(Finding(place, "is named by the row, and is not there"))
            continue
        try:
            found[position] = msgspec.convert(carried[index], UsedSelection)
        except msgspec.ValidationError as error:
            findings.append(Finding(place, f"is no selection: {error}"))
            continue
        if not item_holds(carried, list_header("selections"), expected.root, index):
            findings.append(Finding(place, "does not lead to the list's root: its range was changed"))
    return found, tuple(findings)
