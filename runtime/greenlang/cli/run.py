"""`greenlang run`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greenlang.cli.console import output, reading_progress, remarks, working
from greenlang.cli.places import check_places
from greenlang.cli.policies import policy_of, policy_options
from greenlang.cli.reports import FORMATS, check_format, print_report
from greenlang.cli.results import print_result
from greenlang.cli.traces import print_trace

if TYPE_CHECKING:
    from greenlang.engine import FileLedger

__all__ = ["run"]

_SUFFIXES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def byte_size(text: str) -> int:
    """Read a size in bytes: `256MB`, `2G`, `1048576`."""
    written = text.strip().lower().removesuffix("b").removesuffix("i")
    digits = written.rstrip("kmg")
    if not digits.isdigit() or written[len(digits) :] not in _SUFFIXES:
        raise click.BadParameter(f"{text!r} is not a size; write 256MB or 2G")
    return int(digits) * _SUFFIXES[written[len(digits) :]]


@click.command(
    epilog="""\b
Examples:
  greenlang run examples/inventory.gcel --input examples/activities.csv
  greenlang run examples/inventory.gcel --input activities.csv --gwp AR6 --output result.json
  greenlang run examples/inventory.gcel --input activities.csv --on-error skip --format json
  greenlang run examples/seattle/seattle.gcel --input buildings.csv --format csv
  greenlang run examples/inventory.gcel --input activities.parquet --table totals.parquet
  greenlang run examples/inventory.gcel --input activities.csv --resume
  greenlang run examples/inventory.gcel --input activities.csv --trace
"""
)
@click.argument("program", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "input_path",
    type=click.Path(path_type=Path),
    help="Data: CSV, JSON lines, Parquet or Arrow; JSON for a value.",
)
@click.option("--output", "output_path", type=click.Path(path_type=Path), help="Write a result bundle here.")
@click.option(
    "--table",
    "table_path",
    type=click.Path(path_type=Path),
    help="Write the table of the result here: .csv, .jsonl, .parquet or .arrow.",
)
@click.option(
    "--format",
    "form",
    metavar="[" + "|".join(FORMATS) + "|NAME]",
    callback=check_format,
    default="table",
    show_default=True,
    help="What to print: tables for people, all of it as JSON, its table in a format for machines, or a "
    "report that a plugin brings.",
)
@policy_options
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Rows with mistakes: stop, or go on without them and list them in the result.",
)
@click.option(
    "--max-input-size",
    type=byte_size,
    metavar="SIZE",
    default="256MB",
    show_default=True,
    help="Refuse larger inputs.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Keep what each step gives, and go on from what an earlier run with --resume kept.",
)
@click.option(
    "--steps",
    "steps_path",
    type=click.Path(path_type=Path),
    help="Keep it in this file, not in the state folder; implies --resume.",
)
@click.option(
    "--trace", "traced", is_flag=True, help="Show when each step was at work and where the time went."
)
def run(
    program: Path,
    input_path: Path | None,
    output_path: Path | None,
    table_path: Path | None,
    form: str,
    factor_paths: tuple[Path, ...],
    on_error: str,
    max_input_size: int,
    resume: bool,
    steps_path: Path | None,
    traced: bool,
    **choices: Any,
) -> None:
    """Run the GCEL program PROGRAM on data and print what it gives.

    Activity data are a table with the columns id, period, activity, quantity, unit and, where known,
    site, region, method and tags.
    """
    from greenlang.carbon import format_of_suffix
    from greenlang.engine import (
        Limits,
        execute,
        load_program,
        read_input,
        save_result,
        save_table,
    )
    from greenlang.gcel import Trace

    check_places((output_path, table_path), (program, input_path, *factor_paths))
    table_format = format_of_suffix(table_path) if table_path is not None else None
    policy = policy_of(on_error=on_error, **choices)
    plan = load_program(program)
    size = input_path.stat().st_size if input_path is not None and input_path.is_file() else 0
    with reading_progress(f"reading {input_path.name if input_path else ''}", size) as on_bytes:
        given = read_input(
            plan,
            input_path,
            policy,
            factor_paths,
            limits=Limits(max_input_bytes=max_input_size),
            on_bytes=on_bytes,
        )
    with _ledger(program, input_path, resume, steps_path) as ledger, working("computing"):
        execution = execute(plan, given, ledger=ledger, trace=Trace() if traced else None)
    if table_path is not None and table_format is not None:
        save_table(execution, table_path, table_format)
    if output_path is not None:
        with working(f"writing {output_path.name}"):
            save_result(execution, output_path)
    if form in FORMATS:
        print_result(execution, form, bundle=output_path)
    else:
        print_report(execution, form)
    if execution.trace is not None and form != "json":
        # Beside a table for machines the picture is a remark.
        print_trace(execution.trace, output() if form == "table" else remarks())


@contextmanager
def _ledger(
    program: Path, input_path: Path | None, resume: bool, steps_path: Path | None
) -> Iterator[FileLedger | None]:
    """The ledger of the run's steps, if one is wanted; says at the end what came of it, also of a failure."""
    from greenlang.engine import FileLedger, default_ledger_path

    if not resume and steps_path is None:
        yield None
        return
    with FileLedger(steps_path or default_ledger_path(program, input_path)) as ledger:
        try:
            yield ledger
            ledger.finish()
        finally:
            click.echo("\n".join(ledger.reuse.lines()), err=True)
            if ledger.broken:
                click.echo(f"warning: not all steps were kept: {ledger.broken}", err=True)
