"""`greenlang doctor`."""

from __future__ import annotations

import platform
import sys

import click

from greenlang import __version__
from greenlang.agents import default_registry
from greenlang.cli.console import output, table

__all__ = ["doctor"]


@click.command(
    epilog="""\b
Example:
  greenlang doctor
"""
)
def doctor() -> None:
    """Check this installation: Python, the compiled core, packs, the signing key.

    The exit code is 1 if a pack is broken.
    """
    from greenlang.engine import signing_state
    from greenlang_core.decimals import DecimalColumn

    registry = default_registry()
    total = DecimalColumn.from_strings(["0.1", "0.2"], 1).sum()
    listing = table("", "what", "state")
    listing.add_row("greenlang", __version__)
    listing.add_row("Python", f"{platform.python_version()} ({platform.system()} {platform.machine()})")
    listing.add_row("compiled core", f"works: 0.1 + 0.2 = {total}")
    listing.add_row(
        "agents", f"{len(registry.names())}, from {len({offer.origin for offer in registry.offers()})} packs"
    )
    listing.add_row("factor files", str(len(registry.factors())))
    listing.add_row("signing key", signing_state())
    output().print(listing)
    for problem in registry.problems:
        click.echo(f"broken: {problem}", err=True)
    sys.exit(1 if registry.problems else 0)
