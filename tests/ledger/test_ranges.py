from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.errors import InputError, InternalError
from greenlang.ledger.canonical import digest
from greenlang.ledger.merkle import leaf_hash, root_of
from greenlang.ledger.ranges import ROWS_PER_RANGE, ItemTree, table_header
from greenlang_core.texts import Texts

HEADER = table_header(["id", "quantity"])


def naive_range(index: int, rows: list[list[str | None]]) -> bytes:
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    return bytes.fromhex(digest(HEADER)[7:]) + struct.pack("<QI", index, len(rows)) + text.encode()


def tree_of(rows: list[list[str | None]], columns: tuple[str, ...] = ("id", "quantity")) -> ItemTree:
    tree = ItemTree(table_header(columns))
    tree.add_table_rows(rows)
    return tree


cells = st.none() | st.text(alphabet='aé\U0001f600"\\/1.', max_size=4)


@given(st.lists(st.lists(cells, max_size=3), min_size=1, max_size=8))
def test_a_range_is_its_header_and_the_json_of_its_rows(rows: list[list[str | None]]) -> None:
    tree = tree_of(rows)
    tree.finish()
    assert tree.leaves == [leaf_hash(naive_range(0, rows))]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 3 * ROWS_PER_RANGE), st.integers(0, 3 * ROWS_PER_RANGE))
def test_the_root_does_not_depend_on_how_the_rows_arrive(count: int, cut: int) -> None:
    rows: list[list[str | None]] = [[f"A-{place}", str(place)] for place in range(count)]
    ranges = [rows[start : start + ROWS_PER_RANGE] for start in range(0, count, ROWS_PER_RANGE)]
    expected = root_of(leaf_hash(naive_range(index, part)) for index, part in enumerate(ranges))
    tree = tree_of(rows[:cut])
    tree.add_table_rows(tuple(row) for row in rows[cut:])
    assert tree.finish() == f"sha256:{expected.hex()}"
    assert len(tree) == count


def test_cells_rows_and_columns_are_kept_apart() -> None:
    roots = {
        tree_of([["a", "b"]]).finish(),
        tree_of([["ab", ""]]).finish(),
        tree_of([["a"], ["b"]]).finish(),
        tree_of([["a", None]]).finish(),
        tree_of([["a", "null"]]).finish(),
        tree_of([["a", "b"]], columns=("id", "amount")).finish(),
        tree_of([["a", "b"]], columns=("quantity", "id")).finish(),
    }
    assert len(roots) == 7


def test_items_are_hashed_by_their_canonical_form() -> None:
    one, other = ItemTree({"schema": "s"}), ItemTree({"schema": "s"})
    assert one.add({"row": 3, "message": "é"}) == '{"message":"é","row":3}'.encode()
    other.add({"message": "é", "row": 3})
    assert one.finish() == other.finish()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["a", 1]], r"not text: Expected `str \| null`, got `int` - at `\$\[0\]\[1\]`"),
        ([["\udcff"]], "no character"),
    ],
)
def test_a_cell_that_is_not_text_is_refused(rows: list[list[str | None]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tree_of(rows)


def test_a_finished_tree_takes_no_more_rows() -> None:
    tree = tree_of([["a"]])
    assert tree.finish() == tree.finish()
    with pytest.raises(InternalError, match="finished"):
        tree.add(["b"])


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_columns_hash_as_their_rows_do(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 2 * ROWS_PER_RANGE + 7))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    texts = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=9))
    codes = random.integers(0, len(texts), (2, count), dtype=np.int32)
    rows = [[texts[code] for code in pair] for pair in codes.T.tolist()]
    tree = ItemTree(HEADER)
    first = data.draw(st.integers(0, count))
    for part in (codes[:, :first], codes[:, first:]):
        columns = [(np.ascontiguousarray(part[0]), Texts(texts)), (np.ascontiguousarray(part[1]), texts)]
        tree.add_columns(columns, part.shape[1])
    assert tree.finish() == tree_of(rows).finish()
    assert len(tree) == count


def test_codes_that_stand_for_no_text_are_refused() -> None:
    with pytest.raises(IndexError, match="code 1 of 1"):
        ItemTree(HEADER).add_columns([(np.array([0, 1], dtype=np.int32), ["a"])], 2)
    with pytest.raises(IndexError, match="of 2"):
        ItemTree(HEADER).add_columns([(np.array([0, 0], dtype=np.int32), ["a"])], 3)
