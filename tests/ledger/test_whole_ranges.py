"""Rows of a bundle are read a range at a time only where row by row would find nothing either."""

import msgspec
import pytest

from greenlang.ledger import ROWS_PER_RANGE, ItemTree, RowSchema, RowTree, table_header
from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.whole_ranges import add_result_rows, add_table_rows

SCHEMA = RowSchema(("scope1.CO2", "scope1.co2e"), ("id", "selections"))


def table_rows(count: int) -> list[bytes]:
    return [encode_plain([f"R-{row}", "2025", None, 'a "quoted" é']) for row in range(count)]


def result_rows(count: int) -> list[bytes]:
    return [
        encode_plain(
            {"id": f"R-{row}", "row": row + 2, "scope1.CO2": f"{row}.5", "selections": ["1"]}
            if row % 3
            else {"id": f"R-{row}", "row": row + 2, "scope1.co2e": str(-row - 1)}
        )
        for row in range(count)
    ]


@pytest.mark.parametrize("count", [1, ROWS_PER_RANGE - 1, ROWS_PER_RANGE])
def test_table_rows_have_the_root_of_row_by_row(count):
    rows = table_rows(count)
    together, singly = (ItemTree(table_header(["a", "b", "c", "d"])) for _ in range(2))
    assert add_table_rows(together, rows)
    for row in rows:
        singly.add_encoded(row)
    assert together.finish() == singly.finish()


@pytest.mark.parametrize("count", [1, ROWS_PER_RANGE - 1, ROWS_PER_RANGE])
def test_result_rows_have_the_root_of_row_by_row(count):
    rows = result_rows(count)
    together, singly = RowTree(SCHEMA), RowTree(SCHEMA)
    assert add_result_rows(together, rows)
    for row in map(msgspec.json.decode, rows):
        figures = [None if name not in row else int(float(row[name]) * 10) * 10**11 for name in SCHEMA.series]
        singly.add_scaled(figures, [row.get(name) for name in SCHEMA.labels])
    assert together.finish() == singly.finish()


@pytest.mark.parametrize(
    "row",
    [
        b'["a", "b"]',
        b'["a",1]',
        b'{"a":1}',
        b'["a",["b"]]',
        b"[]]",
        b'["\\u0061"]',
        b'["\xff"]',
        b'["a",1.5]',
    ],
)
def test_a_table_row_in_any_other_spelling_is_left_to_be_looked_at(row):
    tree = ItemTree(table_header(["a", "b"]))
    assert not add_table_rows(tree, [*table_rows(3), row])
    assert len(tree) == 0


@pytest.mark.parametrize(
    "row",
    [
        b'{"id":"R","row":6}',  # another number
        b'{"id":"R","row":true}',
        b'{"id":"R","other":"1","row":5}',
        b'{"row":5,"id":"R"}',  # another order
        b'{"id":"R","id":"S","row":5}',
        b'{"id":"R","row":5,"scope1.CO2":"01"}',
        b'{"id":"R","row":5,"scope1.CO2":"1.50"}',
        b'{"id":"R","row":5,"scope1.CO2":"1e3"}',
        b'{"id":"R","row":5,"scope1.CO2":"-0"}',
        b'{"id":"R","row":5,"scope1.CO2":"0.0000000000001"}',
        b'{"id":"R","row":5,"scope1.CO2":"1' + b"0" * 30 + b'"}',
        b'{"id":"R","row":5,"scope1.CO2":7}',
        b'{"id":"R","row":5,"scope1.CO2":["1"]}',
        b'{"id":7,"row":5}',
        b'{"id":null,"row":5}',
        b'["R",5]',
    ],
)
def test_a_result_row_in_any_other_spelling_is_left_to_be_looked_at(row):
    tree = RowTree(SCHEMA)
    assert not add_result_rows(tree, [*result_rows(3), row])
    assert len(tree) == 0


def test_rows_that_would_cross_the_end_of_a_range_are_left_to_be_looked_at():
    tree = ItemTree(table_header(["a", "b", "c", "d"]))
    tree.add_encoded(table_rows(1)[0])
    assert not add_table_rows(tree, table_rows(ROWS_PER_RANGE))
    assert add_table_rows(tree, table_rows(ROWS_PER_RANGE - 1))
