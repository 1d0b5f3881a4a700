import io

import pytest

from greenlang.carbon.tables.csv_tables import read_csv
from greenlang.carbon.tables.table import StringColumn, Table, TableBuilder
from greenlang.errors import DataError


def read(content: bytes) -> Table:
    return read_csv(io.BytesIO(content), name="data.csv")


@pytest.mark.parametrize(
    "content", [b"id,unit\n1,kWh\n", b"id,unit\n\n1,kWh\n\n2\n3,kWh,x\n", b"id,unit\n1\n"]
)
def test_a_portable_table_gives_back_the_rows_with_their_numbers_and_mistakes(content):
    table = read(content)
    portable = table.portable()
    assert portable is table or set(portable.columns) > set(table.columns)
    copied = Table.from_rows("data.csv", list(portable.columns), portable.rows())
    restored = copied.restored()
    assert list(restored.rows()) == list(table.rows())
    assert restored.malformed == table.malformed
    assert [restored.line(row) for row in range(len(table))] == [table.line(row) for row in range(len(table))]


def test_a_missing_column_is_told_with_the_nearest_name():
    table = read(b"id,quantty\n1,2\n")
    with pytest.raises(DataError, match=r"column 'quantity': the column is missing; rename column 'quantty'"):
        table.column("quantity")


def test_stripping_makes_equal_texts_one():
    column = StringColumn.from_texts(["kWh", " kWh", "MWh", "kWh "]).stripped()
    assert column.values == ("kWh", "MWh")
    assert column.texts() == ["kWh", "kWh", "MWh", "kWh"]


def test_pieces_that_were_coded_apart_share_one_code_a_text():
    builder = TableBuilder(["unit"])
    builder.add([["kWh", "MWh"]])
    coder = builder.coders["unit"]
    coder.add_codes(coder.codes_of(["MWh", "GJ", "kWh"]))
    column = builder.columns()["unit"]
    assert column.values == ("kWh", "MWh", "GJ")
    assert column.texts() == ["kWh", "MWh", "MWh", "GJ", "kWh"]


def test_a_column_that_comes_later_is_empty_before():
    builder = TableBuilder(["id"])
    builder.add([["1", "2"]])
    builder.widen("unit")
    builder.add([["3"], ["kWh"]])
    columns = builder.columns()
    assert columns["unit"].texts() == ["", "", "kWh"]
    assert columns["id"].texts() == ["1", "2", "3"]
