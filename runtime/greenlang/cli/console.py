"""Where output goes: tables on standard output, progress and remarks on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

__all__ = ["grouped", "output", "reading_progress", "remarks", "table", "working"]

#: Width of a table where there is no terminal to ask: nothing is cut, nothing wraps.
WIDE = 200


def output() -> Console:
    """The console of standard output; plain and wide when it is a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=False)


def remarks() -> Console:
    """The console of standard error, in the same way."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else WIDE, highlight=False, soft_wrap=False)


def table(title: str, *columns: str) -> Table:
    """An empty table; a column whose heading starts with `>` is aligned to the right."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        made.add_column(
            column.removeprefix(">"), justify="right" if column.startswith(">") else "left", overflow="fold"
        )
    return made


def grouped(value: Decimal | None) -> str:
    """A number for people: digits in groups of three, an en dash where there is none."""
    return "–" if value is None else f"{value:,f}"


@contextmanager
def reading_progress(label: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal while `size` bytes are read; gives what to call with the bytes read so far."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(label, total=size)
        yield lambda done: progress.update(bar, completed=done)


@contextmanager
def working(label: str) -> Iterator[None]:
    """A spinner on a terminal while something of unknown length goes on."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(label):
        yield
