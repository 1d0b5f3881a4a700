"""Wide tables, one row a site and one column an activity, made into activity data's one row an activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from greenlang.carbon.tables.table import StringColumn, Table
from greenlang.errors import InputError

__all__ = ["unpivot_table"]


def unpivot_table(
    table: Table,
    *,
    site: str,
    columns: Sequence[str],
    activities: Sequence[str],
    constants: Mapping[str, str],
) -> Table:
    """Make one row of each cell of `columns`, column after column.

    The new rows keep the number of the row that they come from, and of a mistake in them the column that it
    stands in is told; their id is `site/activity`.

    Parameters
    ----------
    site : str
        The column that names the row's site.
    columns, activities : sequence of str
        The columns that hold quantities, and what each is a quantity of.
    constants : mapping
        Further columns that have one text in all rows.

    Raises
    ------
    InputError
        If there is not one activity for each column.
    DataError
        If a column is missing.
    """
    if len(columns) != len(activities):
        raise InputError(
            f"{len(columns)} columns are given and {len(activities)} activities",
            fix="name one activity for each column",
        )
    table.require([site, *columns])
    sites = table.column(site).stripped()
    count, rows = len(columns), len(table)
    lines = np.arange(2, rows + 2, dtype=np.int32) if table.lines is None else table.lines
    activity_codes = np.repeat(np.arange(count, dtype=np.int32), rows)
    return Table(
        table.name,
        {
            "id": StringColumn.from_texts(
                f"{text}/{activity}" if text else "" for activity in activities for text in sites.texts()
            ),
            "site": StringColumn(np.tile(sites.codes, count), sites.values),
            "activity": StringColumn(activity_codes, tuple(activities)),
            "quantity": StringColumn.from_texts(
                text for column in columns for text in table.column(column).texts()
            ),
            **{name: StringColumn.constant(text, count * rows) for name, text in constants.items()},
        },
        np.tile(lines, count),
        widths={part * rows + row: cells for part in range(count) for row, cells in table.widths.items()},
        header_width=len(table.columns),
        headings={
            "id": StringColumn.constant(site, count * rows),
            "site": StringColumn.constant(site, count * rows),
            "quantity": StringColumn(activity_codes, tuple(columns)),
        },
    )
