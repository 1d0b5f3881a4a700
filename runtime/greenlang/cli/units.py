"""`greenlang units`."""

from __future__ import annotations

import json

import click

from greenlang.carbon import units as known_units
from greenlang.cli.console import output, table

__all__ = ["units"]


@click.command(
    epilog="""\b
Examples:
  greenlang units
  greenlang units --dimension energy
"""
)
@click.option("--dimension", help="Only units of this dimension: energy, mass, volume, ...")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def units(dimension: str | None, form: str) -> None:
    """List the units that quantities can have, each an exact ratio to the base unit of its dimension."""
    found = [
        {"symbol": unit.symbol, "dimension": unit.dimension, "ratio": str(unit.ratio)}
        for unit in known_units().values()
        if dimension is None or unit.dimension == dimension
    ]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    listing = table("", "unit", "measures", ">of the base unit")
    for entry in found:
        listing.add_row(*entry.values())
    output().print(listing)
