import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon.tables.csv_tables import read_csv, write_csv
from greenlang.carbon.tables.results import ResultColumn, ResultTable
from greenlang.carbon.tables.table import Table
from greenlang.errors import DataError


def read(content: bytes) -> Table:
    return read_csv(io.BytesIO(content), name="data.csv")


def message(content: bytes) -> str:
    with pytest.raises(DataError) as refused:
        read(content)
    return str(refused.value)


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=8
)


@given(st.lists(st.tuples(cells, cells.filter(bool)), min_size=1, max_size=30))
def test_what_was_written_is_what_is_read(rows):
    written = io.StringIO()
    csv.writer(written).writerows([("first", "second"), *rows])
    assert list(read(written.getvalue().encode()).rows()) == rows


def test_a_byte_order_mark_is_not_part_of_the_first_name():
    assert list(read(b"\xef\xbb\xbfid,unit\n1,kWh\n").columns) == ["id", "unit"]


def test_blank_lines_are_passed_over_and_rows_keep_their_number():
    table = read(b"id,unit\n\n1,kWh\n\n\n2,MWh\n")
    assert list(table.rows()) == [("1", "kWh"), ("2", "MWh")]
    assert [table.line(row) for row in range(2)] == [3, 6]


def test_a_row_of_the_wrong_width_is_kept_with_its_problem():
    table = read(b"id,quantity,unit\n1,1,234.5,kWh\n2,7\n3,5,kWh\n")
    assert list(table.rows()) == [("1", "1", "234.5,kWh"), ("2", "7", ""), ("3", "5", "kWh")]
    assert {row: problem.row for row, problem in table.malformed.items()} == {0: 2, 1: 3}
    assert "thousands separators" in table.malformed[0].fix


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["row 1", "empty"]),
        (b"\n\n", ["row 1", "empty"]),
        (b"id,unit\n", ["no rows"]),
        (b"id;unit\n1;kWh\n", ["';'", "commas"]),
        (b"id,unit,id\n1,kWh,2\n", ["column 'id'", "two columns"]),
        (b"id,,unit\n1,2,3\n", ["column 2 has no name"]),
        (b"id,unit\n1,\xff\xfe\n", ["row 2", "UTF-8", "0xff"]),
        (b"\x7fELF\x02\x01\x00\x00,x\n", ["binary"]),
        (b'id,unit\n1,"kWh\n2,x\n', ["double quote", "never closed"]),
        (b"id,unit\n1," + b"x" * 200_000 + b"\n", ["longer than"]),
    ],
)
def test_an_unusable_file_is_told_with_its_place_and_mend(content, words):
    text = message(content)
    assert text.startswith("data.csv, row ")
    assert ";" in text
    for word in words:
        assert word in text


def test_progress_is_told_in_bytes():
    told: list[int] = []
    content = b"id,unit\n" + b"1,kWh\n" * 40_000
    read_csv(io.BytesIO(content), name="data.csv", on_bytes=told.append)
    assert told == sorted(told)
    assert 0 < told[-1] <= len(content)


def test_a_result_is_written_in_plain_digits_and_empty_where_nothing_is_known():
    columns = (
        ResultColumn("site", "text", ["A, B", "C"]),
        ResultColumn("rows", "integer", [2, 3]),
        ResultColumn("kg", "decimal", [Decimal("1E+2"), None], 12),
        ResultColumn("t", "decimal", [Decimal("0.10"), Decimal("0.00")], 2, padded=True),
    )
    written = io.BytesIO()
    write_csv(written, ResultTable(columns))
    assert written.getvalue() == b'site,rows,kg,t\n"A, B",2,100,0.10\nC,3,,0.00\n'
