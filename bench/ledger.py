"""Hashing results and inputs beside plain SHA-256 of the same bytes.

Moves with `core_ext/greenlang_core/hashing.pyx` and `greenlang/ledger/rows.py` and `ranges.py`.
"""

# ruff: noqa: ARG002, RUF012  the shape that asv asks for

from __future__ import annotations

import hashlib
import time

import numpy as np

from greenlang.carbon import Table
from greenlang.ledger import (
    ROWS_PER_RANGE,
    CodedLabels,
    ItemTree,
    RowSchema,
    RowTree,
    SparseSeries,
    table_header,
)
from greenlang_core.texts import Texts

from .ratios import cost_ratio
from .rows import Row

BATCH_ROWS = 1_000 * ROWS_PER_RANGE

SERIES = ("scope1.CH4", "scope1.CO2", "scope1.N2O", "scope1.co2e", "scope2.CO2", "scope2.co2e")


class ResultRows:
    """The tree over a result's rows: figures of six series, and with labels an id and selections of each."""

    params = ["figures", "figures and labels"]
    param_names = ["columns"]

    def setup(self, columns: str) -> None:
        random = np.random.default_rng(7)
        rows = np.arange(BATCH_ROWS, dtype=np.int64)
        figures = random.integers(0, 2**40, size=(BATCH_ROWS, 2), dtype=np.uint64)
        figures[:, 1] = 0
        # Rows of scope 1 have four figures, rows of scope 2 the other two.
        scope1, scope2 = rows[rows % 3 > 0], rows[rows % 3 == 0]
        self.series = {
            name: (held, figures[held]) for name in SERIES for held in [scope1 if "1." in name else scope2]
        }
        self.ids = CodedLabels(
            np.arange(BATCH_ROWS, dtype=np.int32), Texts(f"R-{row:07d}" for row in range(BATCH_ROWS))
        )
        kinds = [["1"], ["2", "3"], ["4"], None]
        self.selections = CodedLabels(random.integers(0, len(kinds), size=BATCH_ROWS, dtype=np.int32), kinds)
        self.labels = {"id": self.ids, "selections": self.selections} if "labels" in columns else {}
        self.schema = RowSchema(SERIES, tuple(self.labels))
        self.range_bytes = _bytes_of_a_range(self)

    def seal(self) -> str:
        """The root of all rows."""
        tree = RowTree(self.schema)
        tree.add_columns(
            BATCH_ROWS,
            {name: SparseSeries(rows, memoryview(figures)) for name, (rows, figures) in self.series.items()},
            self.labels,
        )
        return tree.finish()

    def hash_plainly(self) -> None:
        """SHA-256 of as many bytes, in pieces of a range."""
        for _ in range(BATCH_ROWS // ROWS_PER_RANGE):
            hashlib.sha256(self.range_bytes).digest()

    def time_seal(self, columns: str) -> None:
        self.seal()

    def track_against_sha256(self, columns: str) -> float:
        """At most 1.3."""
        return cost_ratio(self.seal, self.hash_plainly, calls=1, clock=time.process_time)


class InputRows:
    """The tree over the cells of an input table."""

    def setup(self) -> None:
        self.rows = [
            (f"R-{row:07d}", "2025-03", f"Site {row % 400}", "natural gas", f"{row}.5", "MMBtu", "US", "", "")
            for row in range(BATCH_ROWS)
        ]
        table = Table.from_rows("data", [str(column) for column in range(9)], self.rows)
        self.columns = [(column.codes, column.values) for column in table.columns.values()]
        size = sum(len(cell) + 3 for row in self.rows for cell in row) + BATCH_ROWS
        self.range_bytes = bytes(size // (BATCH_ROWS // ROWS_PER_RANGE) + 64)

    def seal(self) -> str:
        tree = ItemTree(table_header([str(column) for column in range(9)]))
        tree.add_columns(self.columns, BATCH_ROWS)
        return tree.finish()

    def hash_plainly(self) -> None:
        for _ in range(BATCH_ROWS // ROWS_PER_RANGE):
            hashlib.sha256(self.range_bytes).digest()

    def time_seal(self) -> None:
        self.seal()

    def track_against_sha256(self) -> float:
        return cost_ratio(self.seal, self.hash_plainly, calls=1, clock=time.process_time)


def _bytes_of_a_range(rows: ResultRows) -> bytes:
    """As many bytes as a full range has, in the mean."""
    ids = sum(len(identity) + 3 for identity in rows.ids)
    selections = sum(5 * len(entries) if entries else 5 for entries in rows.selections)
    figures = len(SERIES) * (16 * BATCH_ROWS + BATCH_ROWS // 8)
    texts = ids + selections if rows.labels else 0
    return bytes((texts + figures) // (BATCH_ROWS // ROWS_PER_RANGE) + 64)


def against_sha256(columns: str) -> float:
    case = ResultRows()
    case.setup(columns)
    return case.track_against_sha256(columns)


ROWS = [
    Row(
        "ledger over a batch, figures",
        "SHA-256 of the same bytes",
        1.3,
        lambda: against_sha256("figures"),
        quick=True,
    ),
    Row(
        "ledger over a batch, figures and labels",
        "SHA-256 of the same bytes",
        1.3,
        lambda: against_sha256("figures and labels"),
        quick=True,
    ),
]
