"""`greenlang doctor`."""

from __future__ import annotations

import platform
import sys

import click

from greenlang import __version__
from greenlang.agents import Command, ReportFormat, default_registry
from greenlang.cli import COMMANDS
from greenlang.cli.console import output, table
from greenlang.cli.reports import FORMATS

__all__ = ["doctor"]


@click.command(
    epilog="""\b
Example:
  greenlang doctor
"""
)
def doctor() -> None:
    """Check this installation: Python, the compiled core, packs and plugins, the signing key.

    Every pack and plugin is imported. The exit code is 1 if one is broken.
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
    # What `check` cannot know: the names that are the command line's own.
    registry.contributions(Command, reserved=COMMANDS)
    registry.contributions(ReportFormat, reserved=FORMATS)
    problems = registry.check()
    for problem in problems:
        click.echo(f"broken: {problem}", err=True)
    sys.exit(1 if problems else 0)
