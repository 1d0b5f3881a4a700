"""Codes and rows of columns, beside the plain way with dicts and sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from greenlang.carbon.tables import combine_codes, merge_rows, split_rows, table, unite_rows

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=50)


@given(pairs, st.sampled_from([0, 1 << 22]))
def test_pairs_that_are_equal_get_one_code(rows, most_pairs):
    left, right = (np.array([row[side] for row in rows], dtype=np.int32) for side in (0, 1))
    marked = table.MOST_PAIRS
    table.MOST_PAIRS = most_pairs  # both ways of telling them apart
    try:
        codes, count = combine_codes(left, 5, right, 7)
    finally:
        table.MOST_PAIRS = marked
    assert count == len(set(rows))
    assert len(set(zip(codes.tolist(), rows, strict=True))) == count
    assert set(codes.tolist()) == set(range(count))


@given(st.lists(st.integers(0, 5), max_size=50))
def test_rows_are_split_by_group_in_their_order(groups):
    rows = np.arange(100, 100 + len(groups), dtype=np.int32)
    parts = split_rows(rows, np.array(groups, dtype=np.int32), 6)
    plain = [[100 + row for row, of in enumerate(groups) if of == group] for group in range(6)]
    assert [part.tolist() for part in parts] == [part for part in plain if part]


@given(st.lists(st.sets(st.integers(0, 19)), max_size=5))
def test_rows_of_parts_are_merged_in_order(parts):
    rows_of_parts = [np.array(sorted(part), dtype=np.int32) for part in parts]
    found, part_of = merge_rows(rows_of_parts, 20)
    last = {row: position for position, part in enumerate(parts) for row in part}
    assert found.tolist() == unite_rows(rows_of_parts, 20).tolist() == sorted(last)
    assert part_of.tolist() == [last[row] for row in sorted(last)]
