"""Any range of rows of a file is what the whole file has there."""

import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from greenlang.carbon.tables import keep_table, numbered_rows, open_rows, read_csv
from greenlang.errors import DataError, InputError

ROWS = 5_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same table in Parquet, with groups that differ, and in Arrow."""
    folder = tmp_path_factory.mktemp("rows")
    table = pa.table(
        {
            "id": [f"R-{n}" for n in range(ROWS)],
            " site ": pa.array([f"Site {n % 7}" for n in range(ROWS)]),
            "unit": pa.array([None if n % 11 == 0 else "kWh" for n in range(ROWS)]).dictionary_encode(),
        }
    )
    with parquet.ParquetWriter(folder / "rows.parquet", table.schema) as writer:
        for start, stop in ((0, 1024), (1024, 1500), (1500, 1500), (1500, ROWS)):
            writer.write_table(table.slice(start, stop - start), row_group_size=ROWS)
    with ipc.new_file(folder / "rows.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=700)
    return {form: folder / f"rows.{form}" for form in ("parquet", "arrow")}


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_range_is_what_the_whole_has_there(files, form, data):
    source = open_rows(files[form], form, name="rows")
    assert (source.rows, source.columns) == (ROWS, ("id", "site", "unit"))
    first = data.draw(st.integers(0, ROWS - 1))
    count = data.draw(st.integers(1, ROWS - first))
    table = numbered_rows(source.read(first, count), first)
    assert table.column("id").texts() == [f"R-{n}" for n in range(first, first + count)]
    assert table.column("site").texts() == [f"Site {n % 7}" for n in range(first, first + count)]
    assert table.column("unit").texts() == ["" if n % 11 == 0 else "kWh" for n in range(first, first + count)]
    assert (table.line(0), table.line(count - 1)) == (first + 2, first + count + 1)


def test_columns_are_read_alone(files):
    table = open_rows(files["parquet"], "parquet", name="rows").read(2_000, 3, only=["id"])
    assert {name: column.texts() for name, column in table.columns.items()} == {
        "id": ["R-2000", "R-2001", "R-2002"]
    }


def test_a_kept_table_knows_the_lines_and_widths_of_its_rows(tmp_path):
    text = b"id,unit\nA-1,kWh\n\nA-2,kWh,more\nA-3\n"
    table = read_csv(io.BytesIO(text), name="data.csv")
    path = tmp_path / "kept.arrow"
    with path.open("wb") as file:
        keep_table(file, table)
    source = open_rows(path, "kept", name="data.csv")
    kept = numbered_rows(source.read(1, 2), 1)
    assert kept.column("id").texts() == ["A-2", "A-3"]
    assert [kept.line(row) for row in range(2)] == [4, 5]
    assert kept.widths == {0: 3, 1: 1}


def test_a_file_that_lost_rows_is_told(files, tmp_path):
    source = open_rows(files["arrow"], "arrow", name="rows")
    with pytest.raises(DataError, match="other rows than when the batch began"):
        source.read(ROWS - 1, 2)


def test_what_has_no_ranges_or_no_rows_is_refused(tmp_path):
    table = pa.table({"id": ["A"]})
    with ipc.new_stream(tmp_path / "rows.arrows", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match="is an Arrow stream"):
        open_rows(tmp_path / "rows.arrows", "arrow", name="rows")
    parquet.write_table(table.slice(1), tmp_path / "none.parquet")
    with pytest.raises(DataError, match="the file has no rows"):
        open_rows(tmp_path / "none.parquet", "parquet", name="none")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="is no Parquet, or is cut off or damaged"):
        open_rows(tmp_path / "broken.parquet", "parquet", name="broken")
