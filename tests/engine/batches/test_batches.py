"""A batch gives the same whatever it is cut into, and says of every row what became of it."""

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import batch_runs
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import greenlang as gl
from greenlang.agents import default_registry
from greenlang.carbon import TABLE_FORMATS
from greenlang.engine import execute, make_policy, read_input
from greenlang.engine.batches import (
    Batches,
    BatchOrder,
    PartitionTask,
    State,
    ThreadEngine,
    batch_findings,
    compute_partition,
    encode_tables,
    failure_tables,
    row_tables,
    run_batch,
    sum_table,
)
from greenlang.engine.batches.definition import partitions_of
from greenlang.engine.batches.parts import read_heading
from greenlang.errors import InputError
from greenlang.ledger import CalculationRecord


@pytest.fixture(scope="module")
def folder(activities, tmp_path_factory):
    """A batch that is done."""
    place = tmp_path_factory.mktemp("batch")
    made = batch_runs.made(place, batch_runs.order_of(place, activities, partition_rows=2048))
    batch_runs.hash_of(made)
    return made


@pytest.fixture(scope="module")
def at_once(activities, folder):
    """The same computed by `greenlang run`."""
    order = batch_runs.order_of(folder.path.parents[1], activities)
    given = read_input(order.plan, activities, order.policy)
    return execute(order.plan, given, registry=default_registry())


def written(path, suffix):
    """The table of a CSV file in another format, its quantities as decimals where there are such."""
    target = path.with_suffix(suffix)
    table = pa.csv.read_csv(
        path, convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(batch_runs.COLUMNS, "string"))
    )
    if suffix == ".jsonl":
        target.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif suffix == ".parquet":
        pa.parquet.write_table(table, target, row_group_size=1_500)
    elif suffix == ".arrow":
        with pa.ipc.new_file(target, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    else:
        with pa.ipc.new_stream(target, table.schema) as writer:
            writer.write_table(table)
    return target


def test_what_was_caught_is_recorded_as_of_a_run(activities, tmp_path):
    order = batch_runs.order_of(tmp_path, activities, partition_rows=2048)
    text = batch_runs.PROGRAM.replace("ghg.intake >>", 'ghg.intake >> merge >> catch(get("input")) >>')
    order = replace(order, plan=gl.compile(text, file=tmp_path / "program.gcel"))
    given = read_input(order.plan, activities, order.policy)
    record = execute(order.plan, given, registry=default_registry()).record
    assert {"kind": "catch", "used": "its handler, after StepError", "wanted": "merge"} in record.fallbacks
    engine = ThreadEngine(2)
    assert run_batch(batch_runs.made(tmp_path, order), engine).record.fallbacks == record.fallbacks
    engine.close()


@pytest.mark.parametrize("partition_rows", [1024, 2048, 5120, None])
@pytest.mark.parametrize("workers", [1, 3])
def test_neither_partitions_nor_workers_are_in_the_hash(order, folder, tmp_path, partition_rows, workers):
    other = batch_runs.made(tmp_path / "batches", order(partition_rows=partition_rows))
    assert batch_runs.hash_of(other, workers) == folder.kept_state().result_hash


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow", ".arrows"])
def test_the_format_of_the_input_is_in_no_hash(order, activities, folder, tmp_path, suffix):
    copy = tmp_path / activities.name
    copy.write_bytes(activities.read_bytes())
    other = batch_runs.made(tmp_path / "batches", order(path=written(copy, suffix), partition_rows=1024))
    assert batch_runs.hash_of(other) == folder.kept_state().result_hash


def test_a_batch_has_the_input_hash_the_sums_and_the_failures_of_a_run(folder, at_once):
    record = json.loads(folder.path.joinpath("record.json").read_bytes())
    assert record["input_hash"] == at_once.record.input_hash
    ours, theirs = record["result"]["inventory"], at_once.record.result["inventory"]
    for name in ("rows", "totals", "lines", "missing", "gwp_set"):
        assert ours[name] == theirs[name], name
    failures = [json.loads(line) for line in folder.path.joinpath("failures.jsonl").open()]
    assert failures == list(at_once.evidence.lists["skipped"])


def test_rows_have_the_figures_of_a_run(folder, at_once):
    rows = pa.concat_tables(row_tables(folder)).to_pylist()
    expected = [row for row in at_once.evidence.rows() if row.get("selections")]
    assert [row["id"] for row in rows] == [row["id"] for row in expected]
    for row, told in zip(rows, expected, strict=True):
        figures = {name.removesuffix("_kg"): cell for name, cell in row.items() if name.endswith("_kg")}
        assert {name: cell for name, cell in figures.items() if cell is not None} == {
            name: type(cell)(told[name]) for name, cell in figures.items() if cell is not None
        }
        assert sum(cell is not None for cell in figures.values()) == len(told) - 2


def test_every_row_is_in_the_result_or_among_the_failures(folder):
    computed = set(pa.concat_tables(row_tables(folder))["row"].to_pylist())
    failed = set(pa.concat_tables(failure_tables(folder))["row"].to_pylist())
    assert computed.isdisjoint(failed)
    assert len(computed) + len(failed) == folder.definition().rows


@pytest.mark.parametrize("form", TABLE_FORMATS.values(), ids=TABLE_FORMATS)
def test_a_result_is_read_back_from_every_format(folder, tmp_path, form):
    path = tmp_path / f"result{form.suffixes[0]}"
    path.write_bytes(b"".join(encode_tables(row_tables(folder), form)))
    with path.open("rb") as stream:
        table = form.read(stream, name=path.name)
    expected = pa.concat_tables(row_tables(folder))
    assert table.columns["id"].texts() == expected["id"].to_pylist()
    assert table.columns["scope1.CO2_kg"].texts() == [
        "" if mass is None else f"{mass.normalize():f}" for mass in expected["scope1.CO2_kg"].to_pylist()
    ]


def test_cells_that_a_spreadsheet_would_compute_are_told_as_texts():
    table = pa.table({"id": ["=1+1", "@x", "plain", "-2"], "quantity": ["-1", "2", "3", "4"]})
    told = b"".join(encode_tables(iter([table]), TABLE_FORMATS["csv"])).decode().splitlines()
    assert told[1:] == ['"\'=1+1","-1"', '"\'@x","2"', '"plain","3"', '"\'-2","4"']


def test_sums_of_every_dimension_come_to_the_totals(folder):
    totals = {(row["scope"], row["method"]): row for row in sum_table(folder, "totals").to_pylist()}
    for by in ("activity", "site", "period", "region"):
        for key, total in totals.items():
            of = [row for row in sum_table(folder, by).to_pylist() if (row["scope"], row["method"]) == key]
            assert sum(row["co2e_kg"] for row in of) == total["co2e_kg"], by
            assert sum(row["rows"] for row in of) == total["rows"], by


def test_a_worker_that_comes_late_puts_back_no_row_that_was_refused_meanwhile(folder):
    repeated = json.loads(folder.path.joinpath("repeated.json").read_text())
    partitions = partitions_of(folder.definition().starts, folder.definition().rows)
    assert repeated
    for index in map(int, repeated):
        before = folder.part_path(index).read_bytes()
        compute_partition(PartitionTask(str(folder.path), partitions[index]))
        assert folder.part_path(index).read_bytes() == before


def test_rows_that_a_late_worker_put_back_are_refused_by_whoever_goes_on(order, folder, tmp_path):
    early = batch_runs.made(tmp_path / "early", order(partition_rows=2048))
    late = batch_runs.made(tmp_path / "late", order(partition_rows=2048))
    expected = batch_runs.hash_of(late)
    (*_, index) = map(int, json.loads(late.path.joinpath("repeated.json").read_text()))
    partition = partitions_of(late.definition().starts, late.definition().rows)[index]
    compute_partition(PartitionTask(str(early.path), partition))
    early.part_path(index).replace(late.part_path(index))
    late.path.joinpath("state.json").unlink()
    assert batch_runs.hash_of(late) == expected == folder.kept_state().result_hash


def test_an_input_that_was_changed_is_not_gone_on_with(order, activities, tmp_path):
    copy = tmp_path / activities.name
    copy.write_bytes(activities.read_bytes())
    parquet = written(copy, ".parquet")
    other = batch_runs.made(tmp_path / "batches", order(path=parquet, partition_rows=1024))
    parquet.write_bytes(written(copy, ".arrow").read_bytes())
    with pytest.raises(InputError, match="was changed"):
        batch_runs.hash_of(other)
    assert other.state().state is State.FAILED
    assert "begin a new batch" in other.state().fix


def test_stop_at_the_first_mistake_where_that_is_wanted(order, tmp_path):
    wanted = order(partition_rows=1024)
    policy = make_policy(on_error="stop")
    other = batch_runs.made(tmp_path / "batches", BatchOrder(wanted.input, wanted.plan, policy))
    with pytest.raises(InputError, match="row"):
        batch_runs.hash_of(other)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_input_that_came_in_is_on_the_disk_before_its_batch_is(
    order, activities, tmp_path, monkeypatch, suffix
):
    synced, sync = [], os.fsync
    copy = tmp_path / activities.name
    copy.write_bytes(activities.read_bytes())
    coming = copy if suffix == ".csv" else written(copy, suffix)
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file).st_ino), sync(file)))
    made = batch_runs.made(tmp_path / "batches", order(path=coming, moved=True))
    files = [made.path / made.definition().input_path, made.path / "batch.json"]
    kept, definition = [synced.index(path.stat().st_ino) for path in files]
    assert kept < definition
    assert not coming.exists()


def test_a_partition_is_made_of_whole_ranges(order, tmp_path):
    with pytest.raises(InputError, match="whole ranges of 1,024; take 2048"):
        batch_runs.made(tmp_path / "batches", order(partition_rows=2000))
    assert not list(tmp_path.glob("batches/*/*"))  # nothing is left of it
    with pytest.raises(InputError, match="than a worker has in memory at once; take 1048576, or less"):
        batch_runs.made(tmp_path / "batches", order(partition_rows=1024 * 1025))


def test_progress_grows_to_the_whole(order, tmp_path):
    told = []
    other = batch_runs.made(tmp_path / "batches", order(partition_rows=1024))
    engine = ThreadEngine(2)
    run_batch(other, engine, on_progress=told.append)
    engine.close()
    assert [state.sequence for state in told] == sorted({state.sequence for state in told})
    assert told[0].state is State.RUNNING
    assert told[-1].state is State.COMPLETED
    assert told[-1].tally.rows_done == other.definition().rows
    assert told[-1].tally.partitions_done == 6


@pytest.mark.parametrize("choices", [{"timeout_s": float("inf")}, {"timeout_s": float("nan")}, {"tries": 0}])
def test_a_batch_that_could_not_be_read_back_is_not_made(order, tmp_path, choices):
    with pytest.raises(InputError, match="take a number of seconds"):
        batch_runs.made(tmp_path, order(**choices))
    assert Batches(tmp_path).of_tenant("default") == []


def test_a_definition_of_another_version_is_told_as_one(order, tmp_path):
    made = batch_runs.made(tmp_path, order())
    made.path.joinpath("batch.json").write_text("{}")
    with pytest.raises(InputError, match=r"'batch.json' of batch .* is none that this version reads"):
        made.definition()


def test_a_state_that_a_power_cut_has_emptied_costs_nothing(order, folder, tmp_path):
    made = batch_runs.made(tmp_path, order(partition_rows=2048))
    made.path.joinpath("state.json").write_bytes(b"")
    assert batch_runs.hash_of(made) == folder.state().result_hash


def test_a_file_whose_name_is_no_text_is_refused(activities, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")
    os.link(activities, path)
    with pytest.raises(InputError, match="is not in UTF-8; rename it"):
        batch_runs.made(tmp_path, batch_runs.order_of(tmp_path, Path(path)))


def test_nobody_else_may_look_into_batches(order, tmp_path):
    root = tmp_path / "batches"
    made = batch_runs.made(root, order())
    for folder in (root, made.path.parent, made.path):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_batches_of_another_tenant_are_not_found(order, tmp_path):
    from greenlang.engine.batches import Batches

    made = batch_runs.made(tmp_path / "batches", order(), tenant="acme")
    batches = Batches(tmp_path / "batches")
    assert batches.find("acme", made.batch_id) is not None
    assert batches.find("globex", made.batch_id) is None
    assert batches.of_tenant("globex") == []
    assert batches.find("globex", f"../{made.path.parent.name}/{made.batch_id}") is None


def test_what_went_into_no_batch_is_deleted_once_nobody_waits_for_it(order, tmp_path):
    batches = Batches(tmp_path / "batches")
    left, coming = batches.upload("upload_1"), batches.upload("upload_2")
    for path in (left, coming):
        path.write_bytes(b"id")
    half, being_made = (batches.make("acme", name).path for name in ("batch_1", "batch_2"))
    half.joinpath("input.arrow").write_bytes(b"")
    whole = batch_runs.made(batches.root, order(), tenant="acme").path
    for path in (left, half, whole):
        os.utime(path, (0, 0))
    batch_runs.made(batches.root, order())
    assert [path.exists() for path in (left, coming, half, being_made, whole)] == [
        *(False, True),
        *(False, True, True),
    ]
    Batches(tmp_path / "none").clear(older_than_s=0)


def test_what_a_killed_process_was_writing_is_deleted_by_whoever_goes_on(order, tmp_path):
    made = batch_runs.made(tmp_path, order(partition_rows=2048))
    for beside in (made.parts / ".00000001.part.0a1b2c3d4e5f.part", made.path / ".record.json.0a.part"):
        beside.write_bytes(b"half")
    batch_runs.hash_of(made)
    assert [path.name for path in made.path.rglob("*") if path.name.startswith(".")] == []


def test_progress_that_cannot_be_written_down_fails_no_batch(order, tmp_path):
    made = batch_runs.made(tmp_path, order(partition_rows=1024))
    told = []

    def follow(state):
        if not told:
            made.path.joinpath(".state.json").mkdir()  # nothing is written there from now on
        told.append(state)
        time.sleep(0.26)

    engine = ThreadEngine(2)
    run_batch(made, engine, on_progress=follow)
    engine.close()
    assert told[-1].state is State.COMPLETED
    assert told[-1].tally.retries == 0
    assert len(told) > 3


@pytest.fixture
def done(order, tmp_path):
    """A batch that is done, and its record."""
    made = batch_runs.made(tmp_path / "batches", order(partition_rows=2048))
    batch_runs.hash_of(made)
    return made, made.load("record.json", CalculationRecord)


def found_in(done):
    return [finding.text() for finding in batch_findings(*done)]


def change(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def test_what_is_kept_of_a_batch_is_what_its_record_is_over(done):
    assert found_in(done) == []


@pytest.mark.parametrize("partition", [0, 2])
def test_a_figure_that_was_changed_on_the_disk_is_found_by_its_rows(done, partition):
    path = done[0].part_path(partition)
    blob = read_heading(path).blobs[0]
    place = path.stat().st_size - sum(one.size for one in read_heading(path).blobs) + blob.offset
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    rows = f"rows {partition * 2048 + 2:,} to {min(partition * 2048 + 2048, 6000) + 1:,}"
    assert found_in(done) == [f"{rows} do not lead to the row_root in the record"]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("totals.json", b"Site 1", b"Site 9", "totals.json is not what the partitions"),
        ("failures.jsonl", b"moonshine", b"moonlight", "failures.jsonl is not what the partitions"),
        ("parts/00000001.part", b"moonshine", b"moonlight", "record.lists is not what the partitions"),
        ("parts/00000000.part", b"natural gas", b"natural oil", "record.result is not what the partitions"),
        ("parts/00000000.part", b"GLPART1", b"GLPART2", "batch cannot be read"),
    ],
)
def test_what_else_was_changed_on_the_disk_is_found(done, name, old, new, told):
    change(done[0].path / name, old, new)
    assert told in " ".join(found_in(done))


def test_a_partition_that_was_exchanged_or_lost_is_found(done):
    folder = done[0]
    first, second = (folder.part_path(index).read_bytes() for index in (0, 1))
    folder.part_path(0).write_bytes(second)
    folder.part_path(1).write_bytes(first)
    assert "record.row_root is not what the partitions of the batch come to" in found_in(done)
    folder.part_path(1).unlink()
    assert found_in(done)[0].startswith("batch cannot be read")
