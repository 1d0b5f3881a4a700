"""Where output goes: tables on standard output, progress and remarks on standard error.

What is shown is somebody's data: `[/]` in a name is three characters, and no markup of rich.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

__all__ = ["grouped", "output", "reading_progress", "remarks", "table", "working"]

#: Width of a table where there is no terminal to ask: nothing is cut, nothing wraps.
WIDE = 200


class _Console(Console):
    """Shows texts as they are; plain and wide when it is a file or a pipe."""

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else WIDE
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Leave it to `main`; rich would exit here."""
        raise BrokenPipeError


def output() -> Console:
    """The console of standard output."""
    return _Console()


def remarks() -> Console:
    """The console of standard error."""
    return _Console(stderr=True)


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
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=remarks(), transient=True) as progress:
        bar = progress.add_task(label, total=size)
        yield lambda done: progress.update(bar, completed=done)


@contextmanager
def working(label: str) -> Iterator[None]:
    """A spinner on a terminal while something of unknown length goes on."""
    if not sys.stderr.isatty():
        yield
        return
    with remarks().status(Text(label)):
        yield
