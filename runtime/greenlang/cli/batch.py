"""`greenlang batch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greenlang.cli.batch_output import (
    bar,
    print_comparison,
    print_list,
    print_state,
    print_totals,
    write_tables,
)
from greenlang.cli.formats import format_option
from greenlang.cli.places import check_places
from greenlang.cli.policies import policy_of, policy_options
from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.engine.batches import Batches, BatchFolder, BatchResult

__all__ = ["batch"]

#: What `_work_options` adds, but for where batches are kept.
_WORK = ("engine", "workers", "output_path", "failures_path", "form")


@click.group(
    epilog="""\b
Examples:
  greenlang batch run activities.parquet
  greenlang batch run activities.csv --output rows.parquet --failures failures.csv
  greenlang batch run activities.parquet --engine processes --workers 8
  greenlang batch list
  greenlang batch resume batch_01a1ff7b4da25a886c4139dfbee8d400
"""
)
def batch() -> None:
    """Compute files of any size in partitions, and go on where a run was killed."""


def _folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    made: Callable[..., Any] = click.option(
        "--folder",
        "root",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where batches are kept.  [default: in the state folder]",
    )(command)
    return made


def _work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a batch is worked through, and where what it gives is written."""
    options = (
        click.option(
            "--engine",
            default="threads",
            show_default=True,
            help="threads or processes of this machine, or with greenlang-dask: dask for a cluster on it,"
            " dask://HOST:PORT for yours.",
        ),
        click.option("--workers", type=click.IntRange(1), help="Partitions at once.  [default: processors]"),
        click.option(
            "--output",
            "output_path",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the rows here: .csv, .jsonl, .parquet or .arrow.",
        ),
        click.option(
            "--failures",
            "failures_path",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the rows that were not computed here, with their reasons.",
        ),
        format_option,
    )
    for option in reversed(options):
        command = option(command)
    return _folder_option(command)


@batch.command(
    epilog="""\b
Examples:
  greenlang batch run activities.parquet
  greenlang batch run activities.csv --program examples/inventory.gcel --output rows.csv
  greenlang batch run activities.parquet --gwp AR6 --partition-rows 65536 --format json
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="A GCEL program, from activity data to an inventory.  [default: every installed first-party pack]",
)
@policy_options
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="skip",
    show_default=True,
    help="Rows with mistakes: go on without them and list them, or stop.",
)
@click.option(
    "--partition-rows",
    type=click.IntRange(1024),
    help="Rows computed together: a multiple of 1,024.  [default: 131072, or what the file is grouped by]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=1800.0,
    show_default=True,
    help="Seconds for a partition.",
)
@click.option("--tries", type=click.IntRange(1), default=3, show_default=True, help="For a partition.")
@_work_options
def run(
    file: Path,
    program: Path | None,
    factor_paths: tuple[Path, ...],
    on_error: str,
    partition_rows: int | None,
    timeout: float,
    tries: int,
    root: Path | None,
    **options: Any,
) -> None:
    """Compute the activity data in FILE: CSV, JSON lines, Parquet or Arrow, of any number of rows.

    What is done is kept as it goes, so that a run that was killed can be resumed.
    """
    from greenlang.agents import Resource, default_registry
    from greenlang.engine import load_program
    from greenlang.engine.batches import BatchOrder, make_batch

    work = {name: options.pop(name) for name in _WORK}
    order = BatchOrder(
        file,
        None if program is None else load_program(program),
        policy_of(on_error=on_error, **options),
        tuple(Resource.load(factors) for factors in factor_paths),
        partition_rows=partition_rows,
        tries=tries,
        timeout_s=timeout,
    )
    read = (file, program, *factor_paths)
    _run(lambda: make_batch(_batches(root), order, registry=default_registry()), read, **work)


@batch.command(
    epilog="""\b
Example:
  greenlang batch resume batch_01a1ff7b4da25a886c4139dfbee8d400 --output rows.parquet
"""
)
@click.argument("batch_id")
@_work_options
def resume(batch_id: str, root: Path | None, **work: Any) -> None:
    """Go on with a batch that was killed, failed or was cancelled; what is done is not done again.

    Of one that is completed, show and write again what it gave.
    """
    folder = _batches(root).get("default", batch_id)
    _run(lambda: folder, [folder.input_path(folder.definition())], **work)


@batch.command(
    "list",
    epilog="""\b
Example:
  greenlang batch list --format json
""",
)
@format_option
@_folder_option
def list_batches(form: str, root: Path | None) -> None:
    """List batches, newest first."""
    print_list(_batches(root).of_tenant("default"), form)


@batch.command(
    epilog="""\b
Example:
  greenlang batch status batch_01a1ff7b4da25a886c4139dfbee8d400
"""
)
@click.argument("batch_id")
@format_option
@_folder_option
def status(batch_id: str, form: str, root: Path | None) -> None:
    """Say how far a batch is, and what ended it."""
    print_state(_batches(root).get("default", batch_id), form)


@batch.command(
    epilog="""\b
Example:
  greenlang batch cancel batch_01a1ff7b4da25a886c4139dfbee8d400
"""
)
@click.argument("batch_id")
@_folder_option
def cancel(batch_id: str, root: Path | None) -> None:
    """Have a batch stop; what is done of it stays, for `resume`."""
    folder = _batches(root).get("default", batch_id)
    state = folder.ask_to_cancel()
    click.echo(f"{batch_id} is {state.state}", err=True)


@batch.command(
    epilog="""\b
Examples:
  greenlang batch recalculate batch_01a1ff7b4da25a886c4139dfbee8d400 --edition ghg-emission-factors-hub=2025
  greenlang batch recalculate batch_01a1ff7b4da25a886c4139dfbee8d400 --gwp AR6
"""
)
@click.argument("batch_id")
@policy_options
@_work_options
def recalculate(batch_id: str, factor_paths: tuple[Path, ...], root: Path | None, **options: Any) -> None:
    """Compute the input of a batch again under other choices, as a batch of its own.

    Partitions that the choices do not touch are taken over as they are. Choices that are not made are the
    usual ones, not those of the earlier batch; its factors of one's own stay unless --factors is given.
    """
    from greenlang.agents import Resource
    from greenlang.engine.batches import make_recalculation

    work = {name: options.pop(name) for name in _WORK}
    batches = _batches(root)
    base = batches.get("default", batch_id)
    files = tuple(Resource.load(factors) for factors in factor_paths)
    policy = policy_of(on_error=base.definition().policy.on_error, **options)
    read = (base.input_path(base.definition()), *factor_paths)
    _run(lambda: make_recalculation(batches, base, policy=policy, factor_files=files or None), read, **work)


@batch.command(
    epilog="""\b
Examples:
  greenlang batch diff batch_01a1ff7b4da25a886c4139dfbee8d400 batch_01a1ff806e56d7ddec32d94fac06cdbc
"""
)
@click.argument("before")
@click.argument("after")
@format_option
@_folder_option
def diff(before: str, after: str, form: str, root: Path | None) -> None:
    """Explain by what batch AFTER differs from batch BEFORE, in kg CO2e that come to the whole difference.

    Rows are the same where their ids are. Of a row with several causes its cells are changed first, then
    the factors, then the GWP set.
    """
    from greenlang.agents import default_registry
    from greenlang.engine.batches import compare_batches

    batches = _batches(root)
    found = compare_batches(
        batches.get("default", before), batches.get("default", after), registry=default_registry()
    )
    print_comparison(found, form)


def _batches(root: Path | None) -> Batches:
    from greenlang.engine.batches import Batches
    from greenlang.folders import state_folder

    return Batches((root or state_folder() / "batches").absolute())


def _run(
    made: Callable[[], BatchFolder],
    read: Iterable[Path | None],
    *,
    engine: str,
    workers: int | None,
    output_path: Path | None,
    failures_path: Path | None,
    form: str,
) -> None:
    from greenlang.carbon import format_of_suffix
    from greenlang.engine.batches import failure_tables, open_engine, row_tables, run_batch
    from greenlang.ledger import load_signer

    # First: without an engine, or a place for what it gives, there is no use in making a batch.
    check_places((output_path, failures_path), read)
    written = [
        (path, tables, format_of_suffix(path))
        for path, tables in ((output_path, row_tables), (failures_path, failure_tables))
        if path is not None
    ]
    opened = open_engine(engine, workers)
    try:
        folder = made()
        with _resumable(folder), bar(folder) as on_progress:
            result: BatchResult = run_batch(folder, opened, on_progress=on_progress, signer=load_signer())
    finally:
        opened.close()
    try:
        for path, tables, table_format in written:
            write_tables(path, tables(folder), table_format)
    except InputError:
        click.echo(f"it is computed; write it with: greenlang batch resume {folder.batch_id}", err=True)
        raise
    print_totals(folder, result, form)


@contextmanager
def _resumable(folder: BatchFolder) -> Iterator[None]:
    """Say how to go on, whatever ends the run."""
    try:
        yield
    except InputError:
        raise
    except BaseException:
        click.echo(f"go on with: greenlang batch resume {folder.batch_id}", err=True)
        raise
