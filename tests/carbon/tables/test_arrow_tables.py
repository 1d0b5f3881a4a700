"""Parquet and Arrow alike: one body, both formats."""

import datetime
import io
import sys
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from greenlang.carbon.tables.arrow_tables import (
    BATCH_ROWS,
    read_arrow,
    read_parquet,
    write_arrow,
    write_parquet,
)
from greenlang.carbon.tables.results import ResultColumn, ResultTable
from greenlang.errors import DataError, InputError


def as_parquet(table):
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def as_file(table):
    written = io.BytesIO()
    with ipc.new_file(written, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return written.getvalue()


def as_stream(table):
    written = io.BytesIO()
    with ipc.new_stream(written, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return written.getvalue()


FORMATS = {
    "parquet": (as_parquet, read_parquet),
    "arrow file": (as_file, read_arrow),
    "arrow stream": (as_stream, read_arrow),
}


@pytest.fixture(params=FORMATS)
def form(request):
    return FORMATS[request.param]


def read(form, table):
    write, reader = form
    return reader(io.BytesIO(write(table)), name="data.file")


def refused(form, table):
    with pytest.raises(DataError) as error:
        read(form, table)
    return str(error.value)


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array(["a", None, ""]), ["a", "", ""]),
        (pa.array(["a", "b", "a"], pa.large_string()), ["a", "b", "a"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"]),
        (pa.array([1, -2, None], pa.int32()), ["1", "-2", ""]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([Decimal("1500.000"), Decimal("13250.500"), Decimal("0.000")]), ["1500", "13250.5", "0"]),
        (pa.array([Decimal("1E-30")], pa.decimal128(38, 30)), ["0." + "0" * 29 + "1"]),
        (pa.array([Decimal(10**37)], pa.decimal256(60, 2)), ["1" + "0" * 37]),
        (pa.array([datetime.date(2025, 3, 31)]), ["2025-03-31"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.nulls(2), ["", ""]),
    ],
)
def test_cells_are_the_texts_that_people_would_write(form, array, texts):
    assert read(form, pa.table({"cell": array})).column("cell").texts() == texts


@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20)), min_size=1)
)
def test_decimals_come_exactly(decimals):
    decimals = [value for value in decimals if value < 10**20]
    table = pa.table({"quantity": pa.array([*decimals, Decimal(0)], pa.decimal128(38, 9))})
    for form in FORMATS.values():
        found = read(form, table).column("quantity").texts()
        assert list(map(Decimal, found)) == [*decimals, 0]


def test_many_batches_are_one_table(form):
    rows = BATCH_ROWS * 2 + 7
    table = read(
        form, pa.table({"id": [f"R-{row}" for row in range(rows)], "unit": ["kWh", None, "MWh"][:1] * rows})
    )
    assert len(table) == rows
    assert table.column("id").texts()[-1] == f"R-{rows - 1}"
    assert table.column("unit").values[:1] == ("kWh",)
    assert table.lines is None


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_a_column_of_floats_is_refused_with_what_to_write(form, kind):
    if kind == pa.float16():
        kind = pa.float32()
    told = refused(form, pa.table({"id": ["1"], "quantity": pa.array([0.1], kind)}))
    for words in ("data.file, row 1", "column 'quantity'", "floats", "decimal128(38, 6)", "'0.1'"):
        assert words in told


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
        pa.array([datetime.datetime(2025, 3, 31)]),
    ],
)
def test_other_columns_are_refused_by_name(form, array):
    assert "column 'cell': the column holds" in refused(form, pa.table({"cell": array}))


def test_every_column_that_is_refused_is_told_at_once(form):
    told = refused(form, pa.table({"a": [0.1], "b": [[1]], "c": ["x"]}))
    assert "column 'a'" in told
    assert "column 'b'" in told


def test_a_file_without_rows_is_refused(form):
    assert "no rows" in refused(form, pa.table({"id": pa.array([], pa.string())}))


def test_columns_need_names_of_their_own(form):
    table = pa.table([pa.array(["1"]), pa.array(["2"])], names=["id", " id "])
    assert "two columns have this name" in refused(form, table)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told(form, kept):
    write, reader = form
    content = write(pa.table({"id": [f"R-{row}" for row in range(5000)]}))
    with pytest.raises(DataError, match=r"data\.file, row 1: the file is no .*cut off or damaged"):
        reader(io.BytesIO(content[: int(len(content) * kept)]), name="data.file")


def test_a_damaged_file_is_told_or_read_but_never_a_crash(form):
    write, reader = form
    content = write(pa.table({"id": [f"R-{row}" for row in range(100)], "unit": ["kWh", None] * 50}))
    told = []
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        try:
            reader(io.BytesIO(bytes(damaged)), name="data.file")
        except DataError as error:
            told.append(str(error))
    assert told
    assert all(text.startswith("data.file, row ") for text in told)


@pytest.mark.parametrize("reader", [read_parquet, read_arrow])
def test_without_pyarrow_the_extra_is_named(monkeypatch, reader):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'greenlang-runtime\[arrow\]'"):
        reader(io.BytesIO(b"PAR1"), name="data.parquet")


def test_progress_is_told_in_bytes(form):
    write, reader = form
    told: list[int] = []
    content = write(pa.table({"id": [str(row) for row in range(40_000)]}))
    reader(io.BytesIO(content), name="data.file", on_bytes=told.append)
    assert 0 < max(told) <= len(content)


@pytest.mark.parametrize(
    ("write", "reader", "load"),
    [
        (write_parquet, read_parquet, parquet.read_table),
        (write_arrow, read_arrow, lambda stream: ipc.open_file(stream).read_all()),
    ],
)
def test_a_result_is_written_with_exact_types_and_can_be_read_as_data(write, reader, load):
    columns = (
        ResultColumn("site", "text", ["A", "B"]),
        ResultColumn("rows", "integer", [2, 3]),
        ResultColumn("kg", "decimal", [Decimal("0.123456789012"), None], 12),
    )
    written = io.BytesIO()
    write(written, ResultTable(columns))
    table = load(io.BytesIO(written.getvalue()))
    assert table.schema.field("kg").type == pa.decimal128(38, 12)
    assert table.column("kg").to_pylist() == [Decimal("0.123456789012"), None]
    again = reader(io.BytesIO(written.getvalue()), name="result")
    assert list(again.rows()) == [("A", "2", "0.123456789012"), ("B", "3", "")]


@pytest.mark.parametrize("form", FORMATS)
@given(
    dictionary=st.lists(st.text("abc", max_size=3), min_size=1, max_size=6, unique=True),
    picks=st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=8),
)
def test_a_dictionary_may_be_in_any_order_and_hold_what_no_row_has(form, dictionary, picks):
    codes = pa.array([None if pick is None else pick % len(dictionary) for pick in picks], pa.int32())
    array = pa.DictionaryArray.from_arrays(codes, pa.array(dictionary))
    column = read(FORMATS[form], pa.table({"cell": array})).column("cell")
    expected = [text or "" for text in array.to_pylist()]
    assert column.texts() == expected
    # Others rely on it: as many distinct texts as rows are the rows.
    assert list(column.values) == list(dict.fromkeys(expected))


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_null_figures_keep_their_places(form):
    array = pa.array([None, Decimal("1.5"), None, Decimal("2.5")])
    column = read(form, pa.table({"cell": array})).column("cell")
    assert column.texts() == ["", "1.5", "", "2.5"]
    assert list(column.values) == ["", "1.5", "2.5"]
