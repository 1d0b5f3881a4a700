from __future__ import annotations

import hashlib
import json
import struct
import time
from decimal import Context, Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang.errors import InputError, InternalError, QuantityError
from greenlang.ledger.labels import CodedLabels, Label
from greenlang.ledger.merkle import leaf_hash, root_of
from greenlang.ledger.ranges import ROWS_PER_RANGE
from greenlang.ledger.rows import (
    RowSchema,
    RowTree,
    SparseSeries,
    encode_range,
    scaled_from_decimal,
    scaled_from_text,
)
from greenlang_core.texts import Texts

#: Wide enough that shifting a point never rounds.
WIDE = Context(prec=100)

Row = dict[str, Decimal | None]

SCHEMA = RowSchema(series=("scope1.CO2", "scope1.co2e", "scope2-location.CO2"), labels=("id", "factors"))

figures = st.integers(-(10**38) + 1, 10**38 - 1).map(lambda scaled: Decimal(f"{scaled}E-12"))
rows_of_figures = st.lists(
    st.dictionaries(st.sampled_from(SCHEMA.series), st.none() | figures), min_size=0, max_size=12
)


def naive_range(schema: RowSchema, index: int, rows: list[Row], labels: list[dict[str, Label]]) -> bytes:
    """The layout of the module's docstring, written down a second time without NumPy."""
    data = schema.digest + struct.pack("<QI", index, len(rows))
    for name in schema.labels:
        text = json.dumps([label.get(name) for label in labels], separators=(",", ":"), ensure_ascii=False)
        data += struct.pack("<Q", len(text.encode())) + text.encode()
    for name in schema.series:
        bitmap = bytearray((len(rows) + 7) // 8)
        integers = b""
        for place, row in enumerate(rows):
            figure = row.get(name)
            if figure is not None:
                bitmap[place // 8] |= 1 << place % 8
            scaled = int((figure or Decimal(0)).scaleb(schema.scale, WIDE))
            integers += scaled.to_bytes(16, "little", signed=True)
        data += bytes(bitmap) + integers
    return data


def series_of(rows: list[Row], name: str, first: int, scale: int = 12) -> SparseSeries:
    """The figures of one series, as a kernel column would give them."""
    present = [
        (first + place, figure) for place, row in enumerate(rows) if (figure := row.get(name)) is not None
    ]
    figures = b"".join(
        scaled_from_decimal(figure, scale).to_bytes(16, "little", signed=True) for _, figure in present
    )
    return SparseSeries(np.array([place for place, _ in present], dtype=np.int64), figures)


def label_of(place: int) -> dict[str, Label]:
    return {"id": f"A-{place}", "factors": ["ef_é", f"ef_{place % 3}"] if place % 4 else None}


@given(rows_of_figures)
def test_rows_and_columns_give_the_bytes_of_the_layout(rows: list[Row]) -> None:
    labels = [label_of(place) for place in range(len(rows))]
    expected = root_of([leaf_hash(naive_range(SCHEMA, 0, rows, labels))] if rows else [])

    one_by_one = RowTree(SCHEMA)
    for row, label in zip(rows, labels, strict=True):
        one_by_one.add_row(row, label)
    assert one_by_one.finish() == f"sha256:{expected.hex()}"

    by_columns = RowTree(SCHEMA)
    by_columns.add_columns(
        len(rows),
        {name: series_of(rows, name, 0) for name in SCHEMA.series},
        {name: [label[name] for label in labels] for name in SCHEMA.labels},
    )
    assert by_columns.finish() == one_by_one.finish()
    assert len(by_columns) == len(one_by_one) == len(rows)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3 * ROWS_PER_RANGE), st.data())
def test_the_root_does_not_depend_on_how_the_rows_are_cut(count: int, data: st.DataObject) -> None:
    rows: list[Row] = [{"scope1.CO2": Decimal(place) / 8} if place % 3 else {} for place in range(count)]
    labels = [label_of(place) for place in range(count)]
    whole = RowTree(SCHEMA)
    for row, label in zip(rows, labels, strict=True):
        whole.add_row(row, label)
    cuts = sorted({0, count, *data.draw(st.lists(st.integers(0, count), max_size=5))})
    pieces = RowTree(SCHEMA)
    for first, stop in pairwise(cuts):
        piece = rows[first:stop]
        pieces.add_columns(
            len(piece),
            {"scope1.CO2": series_of(piece, "scope1.CO2", first)},
            {name: [label[name] for label in labels[first:stop]] for name in SCHEMA.labels},
        )
    assert pieces.finish() == whole.finish()
    assert pieces.leaves == [
        leaf_hash(naive_range(SCHEMA, index, rows[start : start + 1024], labels[start : start + 1024]))
        for index, start in enumerate(range(0, count, ROWS_PER_RANGE))
    ]


def test_a_range_can_be_encoded_alone() -> None:
    rows: list[Row] = [{"scope1.CO2": Decimal("1.5")}, {}, {"scope1.co2e": Decimal(-2)}]
    labels = [label_of(place) for place in range(3)]
    scaled = [
        [
            None if (figure := row.get(name)) is None else scaled_from_decimal(figure, 12)
            for name in SCHEMA.series
        ]
        for row in rows
    ]
    listed = [[label[name] for name in SCHEMA.labels] for label in labels]
    assert encode_range(SCHEMA, 7, scaled, listed) == naive_range(SCHEMA, 7, rows, labels)


def root_of_rows(schema: RowSchema, rows: list[Row]) -> str:
    tree = RowTree(schema)
    for row in rows:
        tree.add_row(row)
    return tree.finish()


def test_zero_and_nothing_are_different() -> None:
    schema = RowSchema(("a",))
    assert root_of_rows(schema, [{"a": Decimal(0)}]) != root_of_rows(schema, [{"a": None}])


def test_the_schema_is_part_of_every_root() -> None:
    rows: list[Row] = [{"a": Decimal(1)}]
    roots = {
        root_of_rows(RowSchema(("a",)), rows),
        root_of_rows(RowSchema(("a", "b")), rows),
        root_of_rows(RowSchema(("b", "a")), rows),
        root_of_rows(RowSchema(("a",), labels=("b",)), rows),
        root_of_rows(RowSchema(("a",), scale=6), rows),
    }
    assert len(roots) == 5


def test_no_rows_have_the_root_of_the_empty_tree() -> None:
    assert RowTree(SCHEMA).finish() == f"sha256:{hashlib.sha256(b'').hexdigest()}"


def test_a_finished_tree_takes_no_more_rows() -> None:
    tree = RowTree(SCHEMA)
    tree.finish()
    with pytest.raises(InternalError, match="finished"):
        tree.add_row({})


@given(figures)
def test_a_figure_has_one_integer_whether_text_or_decimal(figure: Decimal) -> None:
    expected = int(figure.scaleb(12, WIDE))
    assert scaled_from_decimal(figure, 12) == expected
    assert scaled_from_text(format(figure if figure else Decimal(0), "f"), 12) == expected


@pytest.mark.parametrize(
    "text",
    ["", "-", "+1", "01", "1.", ".5", "1e3", "1,5", " 1", "1 ", "1_0", "-0", "-0.00", "NaN", "٣", "1\n"],
)
def test_a_figure_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        scaled_from_text(text, 12)


@pytest.mark.parametrize(
    "text", ["0.0000000000001", "100000000000000000000000000", "9" * 5000, "1e-999999999", "1e999999999"]
)
def test_a_figure_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        scaled_from_decimal(Decimal(text), 12)
    with pytest.raises(QuantityError):
        scaled_from_text(text, 12)


def test_a_float_is_no_figure() -> None:
    with pytest.raises(QuantityError):
        RowTree(SCHEMA).add_row({"scope1.CO2": 0.5})  # type: ignore[dict-item]  # the mistake under test


@pytest.mark.parametrize(
    ("rows", "figures", "message"),
    [
        ([0, 0], bytes(32), "do not ascend"),
        ([1, 0], bytes(32), "do not ascend"),
        ([-1], bytes(16), "do not ascend within 0 to 3"),
        ([4], bytes(16), "do not ascend within 0 to 3"),
        ([0], bytes(32), "1 rows and 2 figures"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(
    rows: list[int], figures: bytes, message: str
) -> None:
    with pytest.raises(InternalError, match=message):
        RowTree(SCHEMA).add_columns(4, {"scope1.CO2": SparseSeries(np.array(rows, dtype=np.int64), figures)})


def test_names_that_the_schema_has_not_are_refused() -> None:
    empty = SparseSeries(np.array([], dtype=np.int64), b"")
    with pytest.raises(InternalError, match="scope9"):
        RowTree(SCHEMA).add_columns(1, {"scope9": empty})
    with pytest.raises(InternalError, match="colour"):
        RowTree(SCHEMA).add_columns(1, {}, {"colour": ["green"]})
    with pytest.raises(InternalError, match="colour"):
        RowTree(SCHEMA).add_row({}, {"colour": "green"})
    with pytest.raises(InternalError, match="2 values for 1 rows"):
        RowTree(SCHEMA).add_columns(1, {}, {"id": ["a", "b"]})
    with pytest.raises(InternalError, match="no text"):
        RowTree(SCHEMA).add_columns(ROWS_PER_RANGE, {}, {"id": [1] * ROWS_PER_RANGE})  # type: ignore[list-item]


def test_a_schema_keeps_its_names_apart() -> None:
    with pytest.raises(InputError, match="one name"):
        RowSchema(("a", "a"))
    with pytest.raises(InputError, match="row"):
        RowSchema(("row",))


def test_a_million_rows_of_twelve_series_take_seconds() -> None:
    schema = RowSchema(tuple(f"scope1.gas{number}" for number in range(12)), labels=("id", "factors"))
    tree = RowTree(schema)
    count, step = 1_000_000, 16_384
    random = np.random.default_rng(1)
    figures = random.integers(0, 2**63, size=(step, 2), dtype=np.uint64)
    figures[:, 1] = 0
    ids = [f"A-{place}" for place in range(step)]
    factors: list[Label] = [["ef_0123456789abcdef"]] * step
    started = time.perf_counter()
    for first in range(0, count, step):
        size = min(step, count - first)
        rows = np.arange(first, first + size, dtype=np.int64)
        series = {
            name: SparseSeries(rows[position % 3 :: 3], figures[: len(rows[position % 3 :: 3])].tobytes())
            for position, name in enumerate(schema.series)
        }
        tree.add_columns(size, series, {"id": ids[:size], "factors": factors[:size]})
    tree.finish()
    assert len(tree.leaves) == 977
    # Takes well under 2 s on an idle core; the bound leaves room for a busy machine.
    assert time.perf_counter() - started < 20


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 4 * ROWS_PER_RANGE), st.integers(1, 4))
def test_workers_that_take_whole_ranges_give_the_root_of_one(count: int, workers: int) -> None:
    rows: list[Row] = [{"scope1.CO2": Decimal(place)} if place % 3 else {} for place in range(count)]
    whole = RowTree(SCHEMA)
    whole.add_columns(count, {"scope1.CO2": series_of(rows, "scope1.CO2", 0)})
    ranges = -(-count // ROWS_PER_RANGE)
    joined = RowTree(SCHEMA)
    for first_range in range(0, ranges, -(-max(ranges, 1) // workers)):
        first = first_range * ROWS_PER_RANGE
        part = rows[first : first + -(-max(ranges, 1) // workers) * ROWS_PER_RANGE]
        worker = RowTree(SCHEMA, first_range)
        worker.add_columns(len(part), {"scope1.CO2": series_of(part, "scope1.CO2", first)})
        joined.join(worker)
    assert joined.finish() == whole.finish()
    assert len(joined) == len(whole)


def test_parts_that_do_not_meet_cannot_be_joined() -> None:
    with pytest.raises(InternalError, match="a tree that ends at 0 cannot go on at range 1"):
        RowTree(SCHEMA).join(RowTree(SCHEMA, 1))
    started = RowTree(SCHEMA)
    started.add_row({})
    with pytest.raises(InternalError, match="a tree that ends at 1 cannot go on at range 1"):
        started.join(RowTree(SCHEMA, 1))


def test_the_root_of_known_rows_never_changes() -> None:
    """Bundles outlive releases: who changes this constant changes `greenlang.rows/1` to `/2`."""
    tree = RowTree(SCHEMA)
    for place in range(1500):
        tree.add_row({"scope1.CO2": Decimal(place), "scope1.co2e": Decimal(-place) / 8}, label_of(place))
    assert tree.finish() == "sha256:6217d53aff9df4d88c2b3dd6cc51eff58501049e6a26e7ddac026f51654271cb"


def coded(values: list[Label], codes: list[int]) -> CodedLabels:
    texts = all(isinstance(value, str) for value in values)
    return CodedLabels(np.array(codes, dtype=np.int32), Texts(values) if texts else values)  # type: ignore[arg-type]  # str by `texts`


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_whole_ranges_hash_as_their_rows_do_one_by_one(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3 * ROWS_PER_RANGE))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ids = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=1, max_size=4))
    selections: list[Label] = [["1"], ["2", 'a"\n'], None, "é\x1f\\"]
    id_codes = random.integers(0, len(ids), count).tolist()
    selection_codes = random.integers(0, len(selections), count).tolist()
    schema = RowSchema(("a", "b", "c", "d"), ("id", "selections"))
    figures = {
        "a": np.arange(count),
        "b": np.flatnonzero(random.integers(0, 2, count)),
        "c": np.arange(count // 2, dtype=np.int32),
    }
    scaled = {name: random.integers(-(2**62), 2**62, len(rows)) for name, rows in figures.items()}
    first = data.draw(st.integers(0, count))
    by_columns, by_rows = RowTree(schema), RowTree(schema)
    for start, stop in ((0, first), (first, count)):
        by_columns.add_columns(
            stop - start,
            {
                name: SparseSeries(rows[low:high], b"".join(map(as_bytes, scaled[name][low:high].tolist())))
                for name, rows in figures.items()
                for low, high in [np.searchsorted(rows, (start, stop)).tolist()]
            },
            {
                "id": coded(ids, id_codes[start:stop]),
                "selections": coded(selections, selection_codes[start:stop]),
            },
        )
    held = {
        name: dict(zip(rows.tolist(), scaled[name].tolist(), strict=True)) for name, rows in figures.items()
    }
    for row in range(count):
        by_rows.add_scaled(
            [held.get(name, {}).get(row) for name in schema.series],
            [ids[id_codes[row]], selections[selection_codes[row]]],
        )
    assert by_columns.finish() == by_rows.finish()
    assert by_columns.leaves == by_rows.leaves


def as_bytes(scaled: int) -> bytes:
    return scaled.to_bytes(16, "little", signed=True)


def test_rows_of_a_whole_range_that_do_not_ascend_are_refused() -> None:
    for rows in ([1, 0], [0, 0], [-1], [ROWS_PER_RANGE], [*range(512), 5, *range(513, ROWS_PER_RANGE)]):
        sparse = SparseSeries(np.array(rows, dtype=np.int64), bytes(16 * len(rows)))
        with pytest.raises(InternalError, match="do not ascend"):
            RowTree(SCHEMA).add_columns(ROWS_PER_RANGE, {"scope1.CO2": sparse})
