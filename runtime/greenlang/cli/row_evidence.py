"""Shows one row of a bundle with its proof, as tables for people and as JSON for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from greenlang.cli.console import output, table
from greenlang.cli.formats import print_json

if TYPE_CHECKING:
    from greenlang.engine import RowEvidence

__all__ = ["print_row_evidence"]


def print_row_evidence(evidence: RowEvidence, form: str) -> None:
    """Print the evidence of a row as `table` or `json`."""
    if form == "json":
        print_json(_as_told(evidence))
        return
    console = output()
    row = (f"Row {evidence.proof.row}", "bold")
    console.print(Text.assemble(row, f" ({evidence.id}) of {evidence.record_id}\n"))
    _print_pairs("Read from", {name: cell for name, cell in evidence.given.items() if cell})
    _print_pairs("Figures, kg", evidence.figures)
    _print_rates(evidence)
    _print_proof(evidence)
    for found in evidence.findings:
        click.echo(found.text())


def _as_told(evidence: RowEvidence) -> dict[str, Any]:
    return {
        "row": evidence.proof.row,
        "id": evidence.id,
        "holds": evidence.holds,
        "findings": [{"place": found.place, "message": found.message} for found in evidence.findings],
        "authentic": {
            "status": evidence.authentic.status.value,
            "sentence": evidence.authentic.sentence,
        },
        "record": {"calculation_id": evidence.record_id, "result_hash": evidence.result_hash},
        "input": evidence.given,
        "figures": evidence.figures,
        "selections": evidence.selections,
        "factors": evidence.factors,
        "proof": evidence.proof,
    }


def _print_pairs(title: str, pairs: Any) -> None:
    if pairs:
        listing = table(title, "what", "value")
        listing.show_header = False
        for name, text in pairs.items():
            listing.add_row(name, text)
        output().print(listing)


def _print_rates(evidence: RowEvidence) -> None:
    rates = table(
        "Multiplied by (exact ratios: kg to one of the row's unit, or to a km driven)",
        "Agent",
        "Scope",
        "Gas",
        ">Rate",
        ">GWP",
        ">Weight",
        "Factor",
    )
    for one in evidence.selections.values():
        for rate in one.rates:
            for position, part in enumerate(rate.factors):
                numbers = (rate.rate, rate.gwp) if position == 0 else ("", "")
                scope = f"{one.scope} {one.method}".strip()
                rates.add_row(one.agent, scope, rate.gas, *numbers, part.weight, part.ef_cid)
    factors = table("Factors", "Factor", "Activity", "Gas", ">Value", "Unit", "Region", "Edition", "Source")
    columns = ("activity", "gas", "value", "unit", "region", "edition", "source")
    for name, factor in evidence.factors.items():
        factors.add_row(name, *(str(factor.get(column, "")) for column in columns))
    console = output()
    console.print(rates)
    console.print(factors)
    for one in evidence.selections.values():
        for fallback in one.fallbacks:
            told = ", ".join(f"{name} {text}" for name, text in fallback.items())
            console.print(f"Fallback of {one.agent}: {told}")


def _print_proof(evidence: RowEvidence) -> None:
    proof = evidence.proof
    path = "\n".join(proof.path) if proof.path else "none: the range is the only one"
    _print_pairs(
        "Proof",
        {
            "range": f"{proof.range_index + 1} of {proof.range_count}, {len(proof.rows):,} rows",
            "path": path,
            "row_root": proof.row_root,
            "result_hash": evidence.result_hash,
            "holds": "yes" if evidence.holds else "NO",
            "authentic": f"{evidence.authentic.status.value}: {evidence.authentic.sentence}",
        },
    )
