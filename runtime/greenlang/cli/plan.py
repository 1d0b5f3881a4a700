"""`greenlang plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from greenlang.gcel import Plan

__all__ = ["plan"]


@click.command(
    epilog="""\b
Examples:
  greenlang plan examples/inventory.gcel
  greenlang plan examples/inventory.gcel --format mermaid
  greenlang plan --diff before.gcel after.gcel
"""
)
@click.argument("programs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PROGRAM...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid", "graphviz", "python"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for machines, Mermaid and Graphviz for pictures, Python to run by itself.",
)
@click.option("--planned", is_flag=True, help="Draw the steps that run, after the planner's rewrites.")
@click.option("--diff", is_flag=True, help="Say what changed from the first program to the second, and why.")
def plan(programs: tuple[Path, ...], form: str, planned: bool, diff: bool) -> None:
    """Compile the GCEL program PROGRAM and print its plan, without running it.

    A PROGRAM may also be a plan that was saved as JSON.
    """
    if len(programs) != 1 + diff:
        wanted = "two programs, before and after" if diff else "one program"
        raise click.UsageError(f"give {wanted}")
    plans = [_load(program) for program in programs]
    if diff:
        click.echo("\n".join(plans[1].differences(plans[0]) or ["the plans are the same"]))
    elif form == "python":
        click.echo(plans[0].to_python())
    else:
        click.echo(plans[0].explain(form, planned=planned))


def _load(program: Path) -> Plan:
    if program.suffix != ".json":
        from greenlang.engine import load_program

        return load_program(program)
    from greenlang.errors import InputError
    from greenlang.gcel import Plan

    try:
        document = program.read_bytes()
    except OSError as error:
        raise InputError(f"{program} cannot be read: {error.strerror}", fix="name a saved plan") from error
    return Plan.from_json(document)
