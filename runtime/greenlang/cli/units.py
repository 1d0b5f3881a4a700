"""`greenlang units`."""

from __future__ import annotations

import click

from greenlang.carbon import units as known_units
from greenlang.cli.console import output, table
from greenlang.cli.formats import format_option, print_json
from greenlang.errors import InputError, either, nearest

__all__ = ["units"]


@click.command(
    epilog="""\b
Examples:
  greenlang units
  greenlang units --dimension energy
"""
)
@click.option("--dimension", help="Only units of this dimension: energy, mass, volume, ...")
@format_option
def units(dimension: str | None, form: str) -> None:
    """List the units that quantities can have, each an exact ratio to the base unit of its dimension."""
    every = known_units().values()
    known = sorted({unit.dimension for unit in every})
    if dimension is not None and dimension not in known:
        fix = f"choose {either(nearest(dimension, known) or known)}"
        raise InputError(f"there is no dimension '{dimension}'", fix=fix, place="--dimension")
    found = [
        {"symbol": unit.symbol, "dimension": unit.dimension, "ratio": str(unit.ratio)}
        for unit in every
        if dimension in (None, unit.dimension)
    ]
    if form == "json":
        print_json(found)
        return
    listing = table("", "unit", "measures", ">of the base unit")
    for entry in found:
        listing.add_row(*entry.values())
    output().print(listing)
