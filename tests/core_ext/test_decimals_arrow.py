"""Columns through Arrow's PyCapsule interface, with ourselves and with pyarrow on the other side."""

import gc
from decimal import Decimal
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from greenlang_core.buffers import live_memories
from greenlang_core.decimals import DecimalColumn, DecimalOverflow

pytestmark = pytest.mark.usefixtures("no_memory_is_lost")


@pytest.fixture
def arrow() -> Any:
    return import_module("pyarrow")


def address(column: DecimalColumn) -> int:
    return np.frombuffer(column, np.uint8).ctypes.data


def test_a_column_shares_its_memory_with_another_through_arrow() -> None:
    values = DecimalColumn.from_strings(["1.50", "-2.25", "3.00"], 2)[1:]
    again = DecimalColumn.from_arrow(values)
    assert again == values
    assert again.scale == 2
    assert address(again) == address(values)
    del values
    assert again.to_strings() == ["-2.25", "3.00"]


def test_memory_is_freed_whether_or_not_a_capsule_is_taken() -> None:
    before = live_memories()
    values = DecimalColumn.zeros(3, 2)
    untaken = values.__arrow_c_array__()
    taken = DecimalColumn.from_arrow(values)
    del values
    gc.collect()
    assert live_memories() == before + 1
    del untaken, taken
    assert live_memories() == before


def test_pyarrow_takes_a_column_without_copying(arrow: Any) -> None:
    values = DecimalColumn.from_strings(["1.50", "-2.25"], 2)
    array = arrow.array(values)
    assert array.type == arrow.decimal128(38, 2)
    assert array.to_pylist() == [Decimal("1.50"), Decimal("-2.25")]
    assert array.buffers()[1].address == address(values)
    array.validate(full=True)


def test_a_column_takes_a_slice_of_pyarrows_without_copying(arrow: Any) -> None:
    array = arrow.array([Decimal("0.5"), Decimal("1.5"), Decimal("-2.5")], arrow.decimal128(10, 3))[1:]
    values = DecimalColumn.from_arrow(array)
    assert values.to_strings() == ["1.500", "-2.500"]
    assert address(values) == array.buffers()[1].address + 16
    del array
    gc.collect()
    assert values.sum() == -1


def test_pyarrows_memory_is_returned_with_the_last_column_over_it(arrow: Any) -> None:
    before = arrow.total_allocated_bytes()
    values = DecimalColumn.from_arrow(arrow.array([Decimal(n) for n in range(1000)], arrow.decimal128(20, 0)))
    part = values[-1:]
    del values
    gc.collect()
    assert part.to_decimals() == [999]
    assert arrow.total_allocated_bytes() > before
    del part
    gc.collect()
    assert arrow.total_allocated_bytes() == before


def test_empty_arrays_pass_both_ways(arrow: Any) -> None:
    assert len(arrow.array(DecimalColumn.zeros(0, 5))) == 0
    assert DecimalColumn.from_arrow(arrow.array([], arrow.decimal128(5, 2))) == DecimalColumn.zeros(0, 2)


def test_a_validity_bitmap_without_nulls_in_the_slice_is_no_hindrance(arrow: Any) -> None:
    array = arrow.array([None, Decimal(1), Decimal(2)], arrow.decimal128(5, 0))
    assert DecimalColumn.from_arrow(array[1:]).to_decimals() == [1, 2]


@pytest.mark.parametrize("start", [0, 3, 8, 17, 20, 21])
def test_nulls_pass_both_ways(arrow: Any, start: int) -> None:
    array = arrow.array([Decimal(1)] * 20 + [None, Decimal(2), None], arrow.decimal128(38, 0))[start:]
    values = DecimalColumn.from_arrow(array)
    assert values.to_decimals() == array.to_pylist()
    assert values.null_count == array.null_count
    assert address_of_rows(arrow, values) == array.buffers()[1].address + 16 * start
    for part in (values, values[1:], values + 1):
        again = arrow.array(part)
        again.validate(full=True)
        assert again.to_pylist() == part.to_decimals()
        assert DecimalColumn.from_arrow(again) == part
    del array
    gc.collect()
    assert (values + 1).sum(skip_nulls=True) == values.sum(skip_nulls=True) + len(values) - values.null_count


def test_what_hides_under_a_null_of_others_is_never_seen(arrow: Any) -> None:
    rows = arrow.py_buffer((2**127 - 1).to_bytes(16, "little") + (5).to_bytes(16, "little"))
    array = arrow.Array.from_buffers(arrow.decimal128(38, 0), 2, [arrow.py_buffer(b"\x02"), rows])
    values = DecimalColumn.from_arrow(array)
    assert values.to_decimals() == [None, 5]
    assert values.fill_null(0).sum() == (values * 2).sum(skip_nulls=True) - 5 == 5


def address_of_rows(arrow: Any, values: DecimalColumn) -> int:
    """Of a column whose nulls keep `memoryview` from giving it."""
    return int(arrow.array(values).buffers()[1].address)


@pytest.mark.parametrize("kind", ["float64", "int64", "decimal256", "string"])
def test_other_types_are_refused_with_a_cast_as_the_mend(arrow: Any, kind: str) -> None:
    other = arrow.decimal256(10, 2) if kind == "decimal256" else getattr(arrow, kind)()
    with pytest.raises(TypeError, match="is not decimal128; cast it to decimal128 first"):
        DecimalColumn.from_arrow(arrow.array([], other))


def test_a_negative_scale_is_refused(arrow: Any) -> None:
    with pytest.raises(ValueError, match="scale -2 is not in 0 to 38"):
        DecimalColumn.from_arrow(arrow.array([], arrow.decimal128(5, -2)))


def test_integers_past_38_digits_are_refused_with_their_row(arrow: Any) -> None:
    rows = arrow.py_buffer(bytes(16) + (2**127 - 1).to_bytes(16, "little"))
    array = arrow.Array.from_buffers(arrow.decimal128(38, 0), 2, [None, rows])
    with pytest.raises(DecimalOverflow, match=r"^row 1: ") as caught:
        DecimalColumn.from_arrow(array)
    assert caught.value.row == 1


def test_chunks_are_joined_and_one_chunk_is_shared(arrow: Any) -> None:
    kind = arrow.decimal128(10, 2)
    parts = [
        arrow.array([Decimal("1.5"), None], kind),
        arrow.array([], kind),
        arrow.array([Decimal(-2)], kind),
    ]
    values = DecimalColumn.from_arrow(arrow.chunked_array(parts))
    assert values.to_strings() == ["1.50", None, "-2.00"]
    one = DecimalColumn.from_arrow(arrow.chunked_array(parts[2:]))
    assert address(one) == parts[2].buffers()[1].address
    assert DecimalColumn.from_arrow(arrow.chunked_array([], kind)) == DecimalColumn.zeros(0, 2)


def test_a_column_is_a_stream_of_one_chunk(arrow: Any) -> None:
    values = DecimalColumn.from_strings(["1.50", None, "-2"], 2, nulls=True)[1:]
    chunked = arrow.chunked_array(values)
    assert chunked.type == arrow.decimal128(38, 2)
    assert chunked.to_pylist() == [None, Decimal("-2.00")]
    assert chunked.num_chunks == 1
    before = live_memories()
    untaken = values.__arrow_c_stream__()
    del untaken
    assert live_memories() == before
    assert DecimalColumn.from_arrow(chunked) == values


def test_tables_are_refused_with_what_to_give(arrow: Any) -> None:
    table = arrow.table({"quantity": DecimalColumn.zeros(1, 2)})
    for several in (table, table.to_batches()[0]):
        with pytest.raises(TypeError, match="Arrow table or struct is no column; give one of its columns"):
            DecimalColumn.from_arrow(several)
    assert DecimalColumn.from_arrow(table["quantity"]) == DecimalColumn.zeros(1, 2)


def test_polars_takes_and_gives_columns() -> None:
    polars = import_module("polars")
    values = DecimalColumn.from_strings(["1.50", None, "-2"], 2, nulls=True)
    series = polars.Series(values)
    assert series.to_list() == values.to_decimals()
    assert DecimalColumn.from_arrow(series) == values
    assert DecimalColumn.from_arrow(polars.concat([series, series], rechunk=False)) == DecimalColumn.concat(
        [values, values]
    )


def test_duckdb_sums_a_column_where_it_lies(arrow: Any) -> None:
    duckdb = import_module("duckdb")
    values = DecimalColumn.from_strings(["1.50", None, "-2"], 2, nulls=True)
    table = arrow.table({"quantity": values})
    connection = duckdb.connect()
    connection.register("activity", table)
    assert connection.sql("SELECT sum(quantity) FROM activity").fetchall() == [(Decimal("-0.50"),)]
    taken = arrow.table(connection.sql("SELECT quantity FROM activity"))
    assert DecimalColumn.from_arrow(taken["quantity"]) == values
