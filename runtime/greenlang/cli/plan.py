"""`greenlang plan`."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["plan"]


@click.command(
    epilog="""\b
Examples:
  greenlang plan examples/inventory.gcel
  greenlang plan examples/inventory.gcel --format mermaid
"""
)
@click.argument("program", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for machines, Mermaid for a picture.",
)
def plan(program: Path, form: str) -> None:
    """Compile the GCEL program PROGRAM and print its plan, without running it."""
    from greenlang.engine import load_program

    click.echo(load_program(program).explain(form))
