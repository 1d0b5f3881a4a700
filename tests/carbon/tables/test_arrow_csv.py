"""pyarrow reads the same cells from CSV, and leads to the same errors, as the standard library does alone."""

import io

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from greenlang.carbon.tables import arrow_csv
from greenlang.carbon.tables.csv_tables import read_csv
from greenlang.errors import DataError

#: Larger than any file here, so that the standard library reads it all.
NEVER = 2**40


def outcome(content: bytes, block_bytes: int) -> object:
    """Cells by column, row numbers and widths, or what is said of the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_csv, "BLOCK_BYTES", block_bytes)
        try:
            table = read_csv(io.BytesIO(content), name="data.csv")
        except DataError as error:
            return str(error)
    cells = {name: column.texts() for name, column in table.columns.items()}
    return cells, [table.line(row) for row in range(len(table))], table.widths


pieces = st.sampled_from(
    [b"a", b"17.5", b"x y", b" ", b",", b",", b",", b"\n", b"\n", b"\n", b"\r\n", b"\r", b'"', b'""', b"'",
     b'"a,b"', b'"a\nb"', b"\xef\xbb\xbf", "é€😀\u2028".encode(), b"\xff", b"\0", b"null", b"NaN", b"\\",
     b"\x0b", b"#"]
)  # fmt: skip
ugly = st.lists(pieces, max_size=60).map(b"".join)
plain_rows = st.lists(st.sampled_from([b"1,kWh\n", b"2,\n", b",MWh\r\n", b" 3 ,\xc3\xa9\n"]), max_size=30)


@given(ugly, plain_rows.map(b"".join), ugly, st.integers(1, 40))
@example(b"", b"1,kWh\n", b"2,kWh,x\n3,kWh\n", 8)
@example(b"", b"1,kWh\n", b"2,\xff\n3,kWh\n", 8)
@example(b"", b"1,kWh\n", b"\n2,kWh\n", 8)
@example(b"", b"1,kWh\n", b"\r\n2,kWh\r\n\r\n3,kWh\n", 8)
@example(b"", b"1,kWh\n", b"2,kWh\n3,kWh\n\n", 60)
@example(b"id\n1\n2\n\n3\n", b"", b"", 8)
@example(b"", b"1,kWh\n", b'"2\n2",kWh\n3,k"Wh\n4,"\n', 8)
@example(b"", b"1,kWh\n", b"\xef\xbb\xbf2,kWh\n", 14)
def test_cells_rows_and_errors_are_those_of_the_standard_library(start, plain, end, block_bytes):
    # How much is decoded at once decides which of two mistakes is met first, and where a line ends in a mere
    # \r also the number of the line that is no UTF-8.
    utf8 = b"\xff" not in start + end
    assume(utf8 or b"\r" not in end.replace(b"\r\n", b""))
    contents = [b"id,unit\n" + plain + end, b"\xef\xbb\xbfid,unit\r\n" + plain + end]
    for content in [*contents, start + end] if utf8 else contents:
        assert outcome(content, block_bytes) == outcome(content, NEVER)


def test_a_cell_longer_than_the_standard_library_takes_is_refused_alike():
    content = b"id,unit\n1," + b"x" * 200_000 + b"\n2,kWh\n"
    assert "longer than" in str(outcome(content, 2**20))
    assert outcome(content * 20, 2**20) == outcome(content * 20, NEVER)


def test_plain_files_are_read_by_pyarrow(monkeypatch):
    content = b"id,unit\n" + b"1,kWh\n" * 1_000
    monkeypatch.setattr(arrow_csv, "BLOCK_BYTES", 1_000)
    stream = io.BytesIO(content)
    header, rest = arrow_csv.plain_header(stream)
    builder = arrow_csv.TableBuilder(["id", "unit"])
    assert header == "id,unit"
    assert arrow_csv.add_plain_rows(stream, builder, rest, None) == b""
    assert builder.count == 1_000
