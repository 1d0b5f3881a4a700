from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.errors import BundleError, InputError, InternalError
from greenlang.ledger import (
    BundleContents,
    ItemTree,
    OutputRows,
    RowSchema,
    RowTree,
    TableInput,
    ValueInput,
    input_hash_of_value,
    load_bundle,
    make_record,
    read_bundle,
    save_bundle,
    table_header,
    write_bundle,
)
from greenlang.ledger.strict_json import decode_strictly, members_of

Make = Callable[..., Any]

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def test_what_was_written_is_read(make: Make) -> None:
    made = make(5)
    contents, bundle = made.contents(), made.bundle
    assert bundle.record == contents.record
    assert bundle.head == contents.head
    assert bundle.inclusion == contents.inclusion
    assert bundle.plan == contents.plan
    assert list(bundle.input.rows) == list(contents.input.rows)
    assert bundle.input.columns == contents.input.columns
    assert bundle.input.policy == contents.input.policy
    assert bundle.input.files == contents.input.files
    assert bundle.input.input_hash == bundle.record.input_hash
    assert bundle.output.schema == contents.output.schema
    assert [{key: row[key] for key in row if key != "row"} for row in bundle.output.rows] == list(
        contents.output.rows
    )
    assert [row["row"] for row in bundle.output.rows] == [2, 3, 4, 5, 6]
    assert list(bundle.lists["skipped"]) == [{"row": 3, "reason": "'oops' is not a number"}]
    assert [factor.ef_cid for factor in bundle.factors] == [contents.record.factors[0].ef_cid]


def test_a_bundle_is_json_with_a_line_for_each_row(make: Make) -> None:
    made = make(2000)
    document = json.loads(made.data)
    assert list(document) == [
        "schema",
        "record",
        "head",
        "inclusion",
        "checks",
        "plan",
        "input",
        "output",
        "lists",
        "factors",
    ]
    lines = made.data.decode().splitlines()
    assert '["A-1998","gas","1998"],' in lines
    assert '{"id":"A-1","row":3},' in lines
    assert len(document["input"]["ranges"]) == len(document["output"]["ranges"]) == 2


def test_equal_contents_give_equal_bytes(make: Make) -> None:
    made = make(5)
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        write_bundle(file, made.contents())
    assert files[0].getvalue() == files[1].getvalue() == made.data


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_white_space_does_not_matter(make: Make, indent: int | str | None) -> None:
    made = make(5)
    spaced = json.dumps(json.loads(made.data), indent=indent).encode()
    assert read_bundle(b"\n\t " + spaced + b" \r\n").covered() == made.bundle.covered()


def test_a_plain_value_is_carried_as_it_is(make: Make) -> None:
    made = make(1)
    record = make_record(
        calculation_id="calc_2",
        timestamp=NOW,
        input_hash=input_hash_of_value({"kWh": "3"}),
        plan_hash="sha256:plan",
        result="1.5",
    )
    contents = replace(
        made.contents(), record=record, input=ValueInput({"kWh": "3"}), output=None, lists={}, factors=()
    )
    file = io.BytesIO()
    write_bundle(file, contents)
    bundle = read_bundle(file.getvalue())
    assert bundle.input.value == {"kWh": "3"}
    assert bundle.input.columns is None
    assert bundle.input.input_hash == record.input_hash
    assert bundle.output is None
    assert bundle.record.result == "1.5"


def test_input_rows_can_be_left_out(make: Make) -> None:
    made = make(3)
    contents = made.contents()
    file = io.BytesIO()
    write_bundle(file, replace(contents, input=replace(contents.input, rows=None)))
    bundle = read_bundle(file.getvalue())
    assert bundle.input.rows is None
    assert bundle.input.input_hash == bundle.record.input_hash


def test_an_input_that_changed_meanwhile_is_told_and_nothing_is_written(make: Make, tmp_path: Path) -> None:
    contents = make(3).contents()
    other = replace(contents, input=replace(contents.input, rows=[["A-0", "gas", "9"]] * 3))
    target = tmp_path / "result.json"
    with pytest.raises(InputError, match=r"'activities\.csv' changed while it was being used; run it again"):
        save_bundle(target, other)
    assert list(tmp_path.glob("result*")) == []


def test_rows_that_are_not_the_records_are_our_mistake(make: Make) -> None:
    contents = make(3).contents()
    fewer = replace(contents, output=replace(contents.output, rows=[{}]))
    with pytest.raises(InternalError, match="1 rows were given for a record of 3"):
        write_bundle(io.BytesIO(), fewer)
    with pytest.raises(InternalError, match="the list 'skipped' is not the one"):
        write_bundle(io.BytesIO(), replace(contents, lists={}))


def test_a_reader_of_rows_that_stops_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    contents = make(3).contents()

    def interrupted() -> Iterator[dict[str, str]]:
        yield {}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_bundle(
            tmp_path / "result.json", replace(contents, output=replace(contents.output, rows=interrupted()))
        )
    assert list(tmp_path.glob("*result*")) == []


def test_memory_does_not_grow_with_the_rows(make: Make, tmp_path: Path) -> None:
    schema = RowSchema(("a",))
    base = make(1).contents()

    def peak_bytes(count: int) -> int:
        table, tree = ItemTree(table_header(["id"])), RowTree(schema)
        for _ in range(count):
            table.add(["A-1"])
            tree.add_row({})
        given = TableInput("t.csv", ["id"], count, table.finish(), repeat(["A-1"], count))
        record = make_record(
            calculation_id="c",
            timestamp=NOW,
            input_hash=given.input_hash,
            plan_hash="p",
            result=None,
            rows=tree,
        )
        contents = BundleContents(
            record,
            base.head,
            base.inclusion,
            b"{}",
            given,
            OutputRows(schema, tree.leaves, repeat({}, count)),
        )
        tracemalloc.start()
        save_bundle(tmp_path / "big.json", contents)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # What grows are the checks: eight bytes a row.
    assert peak_bytes(40_000) - peak_bytes(4_000) < 36_000 * 2 * 8 * 2


def error_of(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty; write a bundle with `greenlang run ... --output FILE`"),
        (b" \n", "the file is empty"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip, not a result bundle; decompress it first"),
        (b"PK\x03\x04", "a zip archive or a spreadsheet"),
        (b"\xff\xfe{\x00", "UTF-16 text, not a result bundle; save it as UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"\x7fELF\x00", "a binary file"),
        (b"id,quantity\n1,2\n", "not a result bundle, which is a JSON object"),
        (b"[]", "not a result bundle, which is a JSON object"),
        (b"{}", "this is JSON, but not a result bundle"),
        (b'{"schema":1}', "this is JSON, but not a result bundle"),
        (b'{"schema":"greenlang.pack/1"}', "this is JSON, but not a result bundle"),
        (b'{"schema":"greenlang.bundle/2"}', "with the release of greenlang that wrote it, or a later one"),
        (b'{"schema":"greenlang.bundle/1"}', "'record' is missing from the bundle"),
        (b'{"schema":"greenlang.bundle/1","schema":"x"}', "the name 'schema' stands twice"),
        (b"{]", "not JSON"),
        (b'{"\xff":1}', "not JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_no_bundle_is_told_by_what_it_is(data: bytes, message: str) -> None:
    assert message in error_of(data)


def test_a_bundle_that_was_cut_off_is_told_so_wherever_it_was(make: Make) -> None:
    data = make(3).data.rstrip()
    for length in range(1, len(data), 7):
        assert "the file is cut off: its end is missing; copy it again" in error_of(data[:length])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["record", "gwp_set"], 5, "record: this is not what stands here in a bundle: Expected `str | null`"),
        (
            ["record", "surprise"],
            1,
            "record: this is not what stands here in a bundle: Object contains unknown",
        ),
        (["head", "previous"], "A" * 64, "head: this is not what stands here in a bundle"),
        (["checks"], [], "checks: this is not what stands here"),
        (["input", "surprise"], 1, "input: a bundle has no 'surprise' here"),
        (["input", "rows"], 1, "input.rows: this is not what stands here"),
        (["output", "scale"], 10**9, "output: 1000000000 digits after the point"),
        (["output", "series"], ["row"], "output: 'row' is the row's own number"),
        (["lists"], [], "lists: this is not what stands here"),
        (["lists", "skipped", "ranges"], None, "lists.skipped.ranges: this is not what stands here"),
        (["factors"], [{}], "factors[0]: this is not what stands here"),
        (["surprise"], 1, "a bundle has no 'surprise' here"),
    ],
)
def test_a_part_of_another_shape_is_named(make: Make, path: list[str], value: object, message: str) -> None:
    document = json.loads(make(3).data)
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    assert message in error_of(json.dumps(document).encode())


@pytest.mark.parametrize("name", ["record", "head", "input", "output", "lists", "plan"])
def test_no_part_can_stand_twice(make: Make, name: str) -> None:
    data = make(3).data.rstrip()
    assert f"the name '{name}' stands twice" in error_of(data[:-1] + f',"{name}":{{}}}}'.encode())


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (b'"tenant":"acme"', b'"tenant":"acme","tenant":"acme"', "record"),
        (b'"columns":[', b'"columns":[],"columns":[', "input"),
        (b'"scale":12', b'"scale":12,"scale":12', "output"),
        (b'"steps":', b'"steps":[],"steps":', "plan"),
    ],
)
def test_no_name_can_stand_twice_within_a_part(make: Make, before: bytes, after: bytes, place: str) -> None:
    data = make(3).data
    assert before in data
    with pytest.raises(BundleError, match=f"{place}: the name '.*' stands twice"):
        read_bundle(data.replace(before, after)).covered()


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no file '.*nothing\.json'; check the path"):
        load_bundle(tmp_path / "nothing.json")
    with pytest.raises(BundleError, match="is a folder; name a bundle in it"):
        load_bundle(tmp_path)
    (tmp_path / "empty.json").write_bytes(b"")
    with pytest.raises(BundleError, match=r"empty\.json': the file is empty"):
        load_bundle(tmp_path / "empty.json")


def test_a_place_in_a_file_is_told_with_the_file(make: Make, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    made = make(3)
    save_bundle(target, made.contents())
    assert load_bundle(target).record == made.bundle.record
    target.write_bytes(made.data.replace(b'"tenant":"acme"', b'"tenant":5'))
    with pytest.raises(BundleError, match=r"result\.json', record: this is not what stands here"):
        load_bundle(target)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from([None, 1]))
def test_strict_reading_gives_what_the_standard_library_gives(value: object, indent: int | None) -> None:
    assert decode_strictly(json.dumps(value, indent=indent).encode(), "") == value


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '[{"b":{"a":1,"a":2}}]', '{"a":1,"\\u0061":2}'])
def test_strict_reading_refuses_a_name_that_stands_twice(text: str) -> None:
    with pytest.raises(BundleError, match="the name 'a' stands twice"):
        decode_strictly(text.encode(), "")
    if text.startswith("{"):
        with pytest.raises(BundleError, match="the name 'a' stands twice"):
            members_of(text.encode(), "")


def test_strict_reading_never_makes_a_float() -> None:
    assert decode_strictly(b"[0.10, 1e2, 1.0, -0.0, 12345678901234567890123.5]", "") == [
        "0.1",
        "100",
        "1",
        "0",
        "12345678901234567890123.5",
    ]


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b'"\\ud800"', b"01", b"[1,]", b"'a'", b""])
def test_strict_reading_refuses_what_is_not_json(text: bytes) -> None:
    with pytest.raises(BundleError, match="not JSON"):
        decode_strictly(text, "")
