import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon.tables.jsonl_tables import read_jsonl, write_jsonl
from greenlang.carbon.tables.results import ResultColumn, ResultTable
from greenlang.carbon.tables.table import CHUNK_ROWS, Table
from greenlang.errors import DataError

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


def read(content: bytes) -> Table:
    return read_jsonl(io.BytesIO(content), name="data.jsonl")


def message(content: bytes) -> str:
    with pytest.raises(DataError) as refused:
        read(content)
    return str(refused.value)


@given(st.lists(st.fixed_dictionaries({"id": texts, "quantity": texts}), min_size=1, max_size=30))
def test_what_was_written_is_what_is_read(rows):
    written = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    table = read(written.encode())
    for column in ("id", "quantity"):
        assert table.column(column).texts() == [row[column] for row in rows]


@pytest.mark.parametrize("number", ["0.1", "1.50", "1e-7", "12345678901234567890123.456", "1e400", "7", "-3"])
def test_a_number_is_its_written_text(number):
    assert list(read(b'{"quantity": %s}\n' % number.encode()).rows()) == [(number,)]


def test_nothing_null_and_truth_are_texts():
    assert list(read(b'{"a": null, "b": true, "c": false, "d": ""}').rows()) == [("", "true", "false", "")]


def test_columns_are_the_names_of_all_objects_in_order():
    table = read(b'{"id":1}\n{"unit":"kWh","id":2}\n{"site":"A"}\n')
    assert list(table.columns) == ["id", "unit", "site"]
    assert list(table.rows()) == [("1", "", ""), ("2", "kWh", ""), ("", "", "A")]


def test_a_name_that_first_comes_in_a_later_chunk_is_a_column_too():
    table = read(b'{"id":1}\n' * CHUNK_ROWS + b'{"id":2,"unit":"kWh"}\n')
    assert len(table) == CHUNK_ROWS + 1
    assert table.column("unit").texts()[-2:] == ["", "kWh"]


def test_blank_lines_and_a_byte_order_mark_are_passed_over():
    assert list(read(b'\xef\xbb\xbf{"id":1}\n\n  \n{"id":2}').rows()) == [("1",), ("2",)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty", "one JSON object a line"]),
        (b"\n\n", ["empty"]),
        (b'{"id":1}\n{"id":2\n', ["row 3", "line 2", "not JSON", "truncated"]),
        (b'{"id":NaN}\n', ["line 1", "not JSON"]),
        (b'[{"id":1}]\n', ["line 1", "not an object"]),
        (b'{"id":"\xff"}\n', ["line 1", "UTF-8"]),
        (b'{"id":1}\n{"id":[1]}\n', ["row 3", "column 'id'", "a list"]),
        (b'{"id":{"a":1}}\n', ["row 2", "an object"]),
        (b'{"id":1,"id":2}\n', ["line 1", "names 'id' twice"]),
        (b'{"id" : 1, "\\u0069d":2}\n', ["names 'id' twice"]),
        (b'{"":1}\n', ["column 1 has no name"]),
        (b'{"(row)":1}\n', ["no column may have this name"]),
        (b'{"id":1, " id":2}\n', ["two columns have this name"]),
        (b'{"id":%s}\n' % (b"1" * 5000), ["line 1", "out of range"]),
    ],
)
def test_an_unusable_file_is_told_with_its_place_and_mend(content, words):
    text = message(content)
    assert text.startswith("data.jsonl, row ")
    assert ";" in text
    for word in words:
        assert word in text


def test_colons_in_texts_are_no_second_name():
    assert list(read(b'{"id":"a:b:c","tags":"x: y"}').rows()) == [("a:b:c", "x: y")]


def test_progress_is_told_in_bytes():
    told: list[int] = []
    content = b'{"id":1}\n' * 40_000
    read_jsonl(io.BytesIO(content), name="data.jsonl", on_bytes=told.append)
    assert told == sorted(told)
    assert 0 < told[-1] <= len(content)


def test_a_result_is_written_with_decimals_as_texts():
    columns = (
        ResultColumn("site", "text", ["A"]),
        ResultColumn("rows", "integer", [2]),
        ResultColumn("kg", "decimal", [Decimal("0.100")], 12),
        ResultColumn("t", "decimal", [None], 2),
    )
    written = io.BytesIO()
    write_jsonl(written, ResultTable(columns))
    assert written.getvalue() == b'{"site":"A","rows":2,"kg":"0.1","t":null}\n'
