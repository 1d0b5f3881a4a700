"""Tables: columns of text read from files, and columns of results written back.

A `table` holds what a file said, cell by cell and as text; what the columns mean is decided by whoever
reads them. `formats` knows the kinds of files, each with a module of its own: `csv_tables`, `jsonl_tables`,
`arrow_tables`; `row_sources` reads them by ranges of rows. `unpivot` turns a wide table into a long one;
`results` is the table that an outcome is written as.
"""

from __future__ import annotations

from greenlang.carbon.tables.csv_tables import read_csv, write_csv
from greenlang.carbon.tables.formats import TABLE_FORMATS, TableFormat, format_of_content, format_of_suffix
from greenlang.carbon.tables.jsonl_tables import table_of_objects
from greenlang.carbon.tables.results import ResultColumn, ResultTable
from greenlang.carbon.tables.row_sources import RowSource, keep_table, numbered_rows, open_rows
from greenlang.carbon.tables.table import (
    StringColumn,
    Table,
    combine_codes,
    merge_rows,
    split_rows,
    unite_rows,
)
from greenlang.carbon.tables.unpivot import unpivot_table

__all__ = [
    "TABLE_FORMATS",
    "ResultColumn",
    "ResultTable",
    "RowSource",
    "StringColumn",
    "Table",
    "TableFormat",
    "combine_codes",
    "format_of_content",
    "format_of_suffix",
    "keep_table",
    "merge_rows",
    "numbered_rows",
    "open_rows",
    "read_csv",
    "split_rows",
    "table_of_objects",
    "unite_rows",
    "unpivot_table",
    "write_csv",
]
