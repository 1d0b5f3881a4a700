"""Reading activity data, beside the plainest reader of the same format.

Moves with `greenlang/carbon/tables.py` and the module of the format.
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

from greenlang.carbon import TABLE_FORMATS

from .ratios import cost_ratio

FILE_ROWS = 100_000

COLUMNS = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags")


def content_of(form: str) -> bytes:
    """A file of `FILE_ROWS` rows."""
    rows = [
        (f"R-{row:07d}", "2025-03", f"Site {row % 400}", "natural gas", f"{row}.5", "MMBtu", "US", "", "")
        for row in range(FILE_ROWS)
    ]
    if form == "csv":
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *rows])
        return text.getvalue().encode()
    if form == "jsonl":
        return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows).encode()
    import pyarrow
    from pyarrow import ipc, parquet

    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    table = pyarrow.table({**columns, "quantity": list(map(Decimal, columns["quantity"]))})
    written = io.BytesIO()
    if form == "parquet":
        parquet.write_table(table, written)
    else:
        with ipc.new_file(written, table.schema) as writer:
            writer.write_table(table)
    return written.getvalue()


class ReadTable:
    """A file of nine columns, two of them different in every row."""

    params = list(TABLE_FORMATS)
    param_names = ["form"]

    def setup(self, form: str) -> None:
        self.form = TABLE_FORMATS[form]
        try:
            self.content = content_of(form)
        except ImportError as error:
            raise NotImplementedError("pyarrow is not installed") from error

    def read(self) -> None:
        self.form.read(io.BytesIO(self.content), name="data")

    def time_read(self, form: str) -> None:
        self.read()

    def peakmem_read(self, form: str) -> None:
        self.read()


class ReadCsv:
    """Coded columns beside the bare rows of the standard library's reader."""

    def setup(self) -> None:
        self.content = content_of("csv")

    def read_coded(self) -> None:
        TABLE_FORMATS["csv"].read(io.BytesIO(self.content), name="data")

    def read_plainly(self) -> None:
        for _ in csv.reader(io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8", newline="")):
            pass

    def track_against_csv_reader(self) -> float:
        return cost_ratio(self.read_coded, self.read_plainly, calls=1, rounds=5)
