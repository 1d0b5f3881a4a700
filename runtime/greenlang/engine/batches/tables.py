"""What a batch gave, as tables: its rows, read from finished partitions and the input, and its sums."""

from __future__ import annotations

__all__ = ["SUM_TABLES", "failure_tables", "row_tables", "sum_table"]

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from greenlang.carbon import StringColumn, Table, numbered_rows
from greenlang.engine.batches.computing import open_input
from greenlang.engine.batches.definition import partitions_of
from greenlang.engine.batches.folder import BatchFolder
from greenlang.engine.batches.merging import Totals
from greenlang.engine.batches.parts import Part, RefusedRow, read_heading, read_part
from greenlang.engine.batches.sums import DIMENSIONS, Sum
from greenlang.errors import InputError
from greenlang_core.decimals import DecimalColumn

#: Columns of the input that rows of a result repeat, where the input has them.
_REPEATED = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags")

#: Tables of sums, beside that of the rows.
SUM_TABLES = ("totals", *DIMENSIONS)

#: Digits after the point of a mass in kg.
_PLACES = 12


def row_tables(folder: BatchFolder, indexes: Collection[int] | None = None) -> Iterator[Any]:
    """The rows of a batch that were computed, as tables of pyarrow of one schema, a partition each.

    Parameters
    ----------
    indexes : collection of int, optional
        Of the partitions that are wanted; all of them if it is left out.

    Raises
    ------
    InputError
        If the batch is not done, or its input is not what it was.
    """
    if folder.load("totals.json", Totals) is None:
        raise _not_done(folder)
    definition = folder.definition()
    source = open_input(folder, definition)
    partitions = partitions_of(definition.starts, definition.rows)
    headings = (read_heading(folder.part_path(partition.index)) for partition in partitions)
    names = sorted({one.name for heading in headings for one in heading.series})
    for partition in partitions:
        if indexes is not None and partition.index not in indexes:
            continue
        part = read_part(folder.part_path(partition.index))
        table = numbered_rows(source.read(partition.first, partition.count), partition.first)
        yield _row_table(table, part, names)


def failure_tables(folder: BatchFolder) -> Iterator[Any]:
    """The rows that were not computed and why, as tables of pyarrow.

    Raises
    ------
    InputError
        If the batch is not done.
    """
    import pyarrow as arrow

    if folder.load("totals.json", Totals) is None:
        raise _not_done(folder)
    definition = folder.definition()
    for partition in partitions_of(definition.starts, definition.rows):
        refused = read_heading(folder.part_path(partition.index)).refused
        yield arrow.table(
            {
                "row": arrow.array([one.row for one in refused], arrow.int64()),
                **{
                    name: arrow.array([getattr(one, name) for one in refused], arrow.string())
                    for name in RefusedRow.__struct_fields__[1:]
                },
            }
        )


def sum_table(folder: BatchFolder, by: str) -> Any:
    """The sums of a batch by a dimension, or its `totals` by scope and method, as a table of pyarrow.

    Raises
    ------
    InputError
        If the batch is not done, or has too many keys of the dimension to be summed by it.
    """
    totals = folder.load("totals.json", Totals)
    if totals is None:
        raise _not_done(folder)
    if by in totals.without:
        raise InputError(f"the batch has too many of '{by}' to be summed by it", fix="take the rows")
    sums = totals.totals if by == "totals" else [one for one in totals.sums if one.by == by]
    return _sum_table(by, sums)


def _not_done(folder: BatchFolder) -> InputError:
    state = folder.state().state
    return InputError(
        f"batch '{folder.batch_id}' is {state}, and gives a result when it is done",
        fix=f"`greenlang batch resume {folder.batch_id}` goes on with it",
    )


def _row_table(table: Table, part: Part, names: Sequence[str]) -> Any:
    import pyarrow as arrow

    count = len(table)
    lines = np.arange(2, count + 2) if table.lines is None else table.lines
    refused = np.array([one.row for one in part.heading.refused], dtype=np.int64)
    taken = np.flatnonzero(~np.isin(lines, refused))
    columns: dict[str, Any] = {"row": arrow.array(lines[taken].astype(np.int64))}
    for name in _REPEATED:
        if name in table.columns:
            columns[name] = _texts(arrow, table.columns[name], taken)
    figures = {one.name: one for one in part.heading.series}
    for name in names:
        kept = figures.get(name)
        if kept is None:
            columns[f"{name}_kg"] = arrow.nulls(len(taken), arrow.decimal128(38, _PLACES))
        else:
            columns[f"{name}_kg"] = _spread(arrow, part.figures(kept), part.rows(kept), taken, count)
    entries = arrow.array([" ".join(entry) for entry in part.heading.entries], arrow.string())
    columns["selections"] = entries.take(arrow.array(part.codes[taken]))
    return arrow.table(columns)


def _texts(arrow: Any, column: StringColumn, taken: npt.NDArray[np.intp]) -> Any:
    values = arrow.array(list(column.values), arrow.string())
    return values.take(arrow.array(column.codes[taken]))


def _spread(
    arrow: Any,
    figures: DecimalColumn,
    rows: npt.NDArray[np.int32],
    taken: npt.NDArray[np.intp],
    count: int,
) -> Any:
    """The figures of the rows that are taken, null where a row has none."""
    places = np.full(count, -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    wanted = places[taken]
    return arrow.array(figures).take(arrow.array(wanted, mask=wanted < 0))


def _sum_table(by: str, sums: Sequence[Sum]) -> Any:
    import pyarrow as arrow

    kilograms = arrow.decimal128(38, _PLACES)
    gases = sorted({gas for one in sums for gas in one.mass_kg})
    columns: dict[str, Any] = {
        "scope": arrow.array([one.scope for one in sums], arrow.int64()),
        "method": arrow.array([one.method for one in sums], arrow.string()),
    }
    if by != "totals":
        columns["category"] = arrow.array([one.category for one in sums], arrow.string())
        columns[by] = arrow.array([one.key for one in sums], arrow.string())
    columns["rows"] = arrow.array([one.rows for one in sums], arrow.int64())
    for gas in gases:
        columns[f"{gas}_kg"] = arrow.array([one.mass_kg.get(gas) for one in sums], kilograms)
    columns["biogenic_CO2_kg"] = arrow.array([one.biogenic_co2_kg for one in sums], kilograms)
    columns["co2e_kg"] = arrow.array([one.co2e_kg for one in sums], kilograms)
    columns["co2e_as_published_kg"] = arrow.array([one.co2e_as_published_kg for one in sums], kilograms)
    return arrow.table(columns)
