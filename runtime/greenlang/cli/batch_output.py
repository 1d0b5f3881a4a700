"""Shows batches: a bar while one runs, what it came to, lists and states."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.cli.console import grouped, output, remarks, table, working
from greenlang.cli.formats import print_json
from greenlang.exact import round_

if TYPE_CHECKING:
    from greenlang.carbon import TableFormat
    from greenlang.engine.batches import BatchFolder, BatchResult, BatchState, Comparison

__all__ = ["bar", "print_comparison", "print_list", "print_state", "print_totals", "write_tables"]

#: Digits after the point of kilograms that people read.
_SHOWN_PLACES = 3

_CAUSES = {
    "activity": "activity changed",
    "factors": "factors changed",
    "gwp": "GWP set changed",
    "added": "rows added",
    "removed": "rows removed",
}


@contextmanager
def bar(folder: BatchFolder) -> Iterator[Callable[[BatchState], None]]:
    """A bar on a terminal while a batch runs; gives what is told where it stands."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} rows/s"),
        TimeRemainingColumn(),
    )
    definition = folder.definition()
    with Progress(*columns, console=remarks(), transient=True) as progress:
        task = progress.add_task(definition.name, total=definition.rows, rate="–")

        def tell(state: BatchState) -> None:
            tally = state.tally
            rate = "–" if tally.rows_per_second is None else f"{tally.rows_per_second:,.0f}"
            progress.update(task, completed=tally.rows_done, rate=rate)

        yield tell


def write_tables(path: Path, tables: Iterator[Any], form: TableFormat) -> None:
    """Write a file of many rows; `path` has all of it, or what it had before."""
    from greenlang.engine.batches import encode_tables
    from greenlang.ledger import atomic_writer

    with working(f"writing {path.name}"), atomic_writer(path) as file:
        for piece in encode_tables(tables, form):
            file.write(piece)


def print_totals(folder: BatchFolder, result: BatchResult, form: str) -> None:
    """What a batch came to, and what proves it."""
    record, totals = result.record, result.totals
    if form == "json":
        print_json({"batch_id": folder.batch_id, **msgspec.to_builtins(record)})
        return
    made = table(
        f"{totals.computed:,} rows computed, {totals.failed:,} not",
        ">scope",
        "method",
        "activity",
        ">rows",
        ">kg CO2e",
    )
    for one in totals.sums:
        if one.by == "activity":
            made.add_row(*_cells(one, one.key))
    made.add_section()
    for one in totals.totals:
        made.add_row(*_cells(one, "all"), style="bold")
    console = output()
    console.print(made)
    console.print(f"result_hash  {record.result_hash}")
    console.print(f"input_hash   {record.input_hash}")
    console.print(f"signed by    {record.signer or f'nobody: {record.unsigned_because}'}")
    console.print(f"batch        {folder.batch_id}")


def _cells(one: Any, key: str) -> Sequence[str]:
    return (
        str(one.scope),
        one.method,
        key,
        f"{one.rows:,}",
        grouped(round_(one.co2e_kg, _SHOWN_PLACES)),
    )


def print_list(folders: Sequence[BatchFolder], form: str) -> None:
    """Batches, a line each."""
    if form == "json":
        print_json([_told(one) for one in folders])
        return
    made = table("", "batch", "input", "state", ">rows", ">done", ">not computed")
    for folder in folders:
        told = _told(folder)
        tally = told["tally"]
        made.add_row(
            folder.batch_id,
            told["name"],
            told["state"],
            f"{told['rows']:,}",
            f"{tally['rows_done']:,}",
            f"{tally['failed_rows']:,}",
        )
    output().print(made)


def print_state(folder: BatchFolder, form: str) -> None:
    """Where one batch stands."""
    told = _told(folder)
    if form == "json":
        print_json(told)
        return
    tally = told["tally"]
    lines = [
        ("batch", folder.batch_id),
        ("input", told["name"]),
        ("state", told["state"]),
        ("rows", f"{tally['rows_done']:,} of {told['rows']:,}"),
        ("partitions", f"{tally['partitions_done']:,} of {told['partitions']:,}"),
        ("not computed", f"{tally['failed_rows']:,}"),
    ]
    if tally["seconds_left"]:
        lines.append(("time left", str(timedelta(seconds=round(tally["seconds_left"])))))
    lines += [(name, told[name]) for name in ("error", "fix", "result_hash") if told[name]]
    made = table("", "", "")
    for name, text in lines:
        made.add_row(name, text)
    output().print(made)


def print_comparison(found: Comparison, form: str) -> None:
    """By what two batches differ."""
    from greenlang.engine.batches import CAUSES

    if form == "json":
        print_json(found)
        return
    for one in found.differences:
        made = table(one.series, "", ">kg CO2e", ">rows")
        made.add_row("before", grouped(round_(one.before, _SHOWN_PLACES)), "")
        for cause in CAUSES:
            if one.causes[cause]:
                step = grouped(round_(one.causes[cause], _SHOWN_PLACES))
                made.add_row(_CAUSES[cause], step, f"{one.rows[cause]:,}")
        made.add_section()
        made.add_row("after", grouped(round_(one.after, _SHOWN_PLACES)), "", style="bold")
        output().print(made)


def _told(folder: BatchFolder) -> dict[str, Any]:
    definition, state = folder.definition(), folder.state()
    return {
        "batch_id": folder.batch_id,
        "name": definition.name,
        "rows": definition.rows,
        "partitions": len(definition.starts),
        **msgspec.structs.asdict(state),
        "state": state.state.value,
        "tally": msgspec.structs.asdict(state.tally),
    }
