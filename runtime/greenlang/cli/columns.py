"""Long lists in plain columns: ten thousand rows in the time that a table of rich takes for a hundred."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence

__all__ = ["columns"]

#: Between two columns.
_GAP = "  "


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a list; on a terminal the last column is cut where its line ends."""
    widths = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)][:-1]
    form = _GAP.join([*(f"{{:<{width}}}" for width in widths), "{}"]).format
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    yield form(*headings)[:limit]
    for row in rows:
        line = form(*row)
        yield line if limit is None or len(line) <= limit else line[: limit - 1] + "…"
