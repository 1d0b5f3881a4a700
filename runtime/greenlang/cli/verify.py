"""`greenlang verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.text import Text

from greenlang.cli.console import output, table, working
from greenlang.cli.formats import format_option, print_json
from greenlang.cli.row_evidence import print_row_evidence

__all__ = ["verify"]

#: How a verdict is coloured on a terminal.
_STYLES = {"ok": "green", "failed": "bold red", "not possible": "yellow"}


@click.command(
    epilog="""\b
Examples:
  greenlang verify result.json
  greenlang verify result.json --input activities.csv
  greenlang verify result.json --format json
  greenlang verify result.json --row 9
"""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--input", "input_path", type=click.Path(path_type=Path), help="The table that the result is of."
)
@click.option(
    "--row", type=int, metavar="N", help="Show and prove this row alone; row 2 is the first, as in the table."
)
@format_option
def verify(bundle: Path, input_path: Path | None, row: int | None, form: str) -> None:
    """Give three verdicts on the result bundle BUNDLE, and name what was changed.

    Integrity: every hash holds. Recomputed: the same result comes out here. Authentic: a known key signed
    it. The exit code is 1 if one of them failed.

    With --row, show the figures of one row, the factors and exact rates that it was multiplied by, and
    whether the hashes lead from there to the record. The exit code is 1 if they do not.
    """
    from greenlang.engine import prove_result_row, verify_bundle

    if row is not None:
        if input_path is not None:
            raise click.UsageError("--row shows what the bundle carries; leave out --input, or --row")
        with working(f"reading {bundle.name}"):
            evidence = prove_result_row(bundle, row)
        print_row_evidence(evidence, form)
        sys.exit(0 if evidence.holds else 1)
    with working(f"verifying {bundle.name}"):
        verification = verify_bundle(bundle, input_path=input_path)
    if form == "json":
        told = {
            name: {
                "status": verdict.status.value,
                "sentence": verdict.sentence,
                "findings": [{"place": found.place, "message": found.message} for found in verdict.findings],
            }
            for name, verdict in verification.verdicts.items()
        }
        print_json(told)
    else:
        listing = table("", "verdict", "", "why")
        for name, verdict in verification.verdicts.items():
            status = verdict.status.value
            listing.add_row(name, Text(status, _STYLES[status]), verdict.sentence)
        output().print(listing)
        for name, verdict in verification.verdicts.items():
            for found in verdict.findings:
                click.echo(f"{name}: {found.text()}")
    sys.exit(1 if verification.failed else 0)
