"""`greenlang plan`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from greenlang.errors import GcelError, InputError

if TYPE_CHECKING:
    from greenlang.gcel import Outline, Plan

__all__ = ["plan"]

T = TypeVar("T")


@click.command(
    epilog="""\b
Examples:
  greenlang plan examples/inventory.gcel
  greenlang plan examples/inventory.gcel --format mermaid
  greenlang plan --diff before.gcel after.gcel
  greenlang plan --diff released.json program.gcel
"""
)
@click.argument("programs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PROGRAM...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid", "graphviz", "drawing", "python"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for machines, Mermaid and Graphviz for pictures, Python to run by itself.",
)
@click.option("--planned", is_flag=True, help="Draw the steps that run, after the planner's rewrites.")
@click.option("--diff", is_flag=True, help="Say what changed from the first program to the second, and why.")
def plan(programs: tuple[Path, ...], form: str, planned: bool, diff: bool) -> None:
    """Compile the GCEL program PROGRAM and print its plan, without running it.

    A PROGRAM may also be a plan that was saved as JSON; what is compared need not be able to run here.
    """
    if len(programs) != 1 + diff:
        wanted = "two programs, before and after" if diff else "one program"
        raise click.UsageError(f"give {wanted}")
    if diff:
        from greenlang.gcel import differences

        before, after = [_outline(program) for program in programs]
        click.echo("\n".join(differences(before, after) or ["the plans are the same"]))
        return
    loaded = _load(programs[0])
    click.echo(loaded.to_python() if form == "python" else loaded.explain(form, planned=planned))


def _load(program: Path) -> Plan:
    if program.suffix != ".json":
        from greenlang.engine import load_program

        return load_program(program)
    from greenlang.gcel import Plan

    return _read(program, Plan.from_json)


def _outline(program: Path) -> Outline:
    """What of a plan can be compared; a saved one may be of code that is not installed."""
    from greenlang.gcel import outline_of, read_outline

    return _read(program, read_outline) if program.suffix == ".json" else outline_of(_load(program))


def _read(program: Path, reader: Callable[[bytes], T]) -> T:
    """What a reader makes of a saved plan; what is wrong with it is told with its name."""
    try:
        return reader(program.read_bytes())
    except OSError as error:
        raise InputError(f"'{program}' cannot be read: {error.strerror}", fix="name a saved plan") from error
    except GcelError as error:
        raise (error if error.place else error.at(str(program))) from None
