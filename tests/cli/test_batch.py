"""`greenlang batch`, as a user runs it."""

import csv
import json

import pytest


@pytest.fixture
def batch(greenlang, tmp_path):
    """Runs `greenlang batch` over batches of its own."""
    return lambda command, *arguments, code=0: greenlang(
        "batch", command, *arguments, "--folder", tmp_path / "batches", code=code
    )


def listed(batch):
    return json.loads(batch("list", "--format", "json").stdout)


def test_a_file_is_computed_and_its_rows_and_failures_are_written(batch, examples, tmp_path):
    output, failures = tmp_path / "rows.csv", tmp_path / "failures.csv"
    table = (examples / "activities.csv").read_text() + "X-1,2025-03,Plant,moonshine,1,L,US,,\n"
    (tmp_path / "activities.csv").write_text(table)
    program = ("--program", examples / "inventory.gcel")
    written = ("--output", output, "--failures", failures)
    shown = batch("run", tmp_path / "activities.csv", *program, *written).stdout
    assert "14 rows computed, 1 not" in shown
    assert "result_hash" in shown
    assert len(list(csv.DictReader(output.open()))) == 14
    (failure,) = csv.DictReader(failures.open())
    assert (failure["id"], failure["column"]) == ("X-1", "activity")
    (told,) = listed(batch)
    assert (told["state"], told["tally"]["rows_done"]) == ("completed", 15)
    assert told["batch_id"] in batch("status", told["batch_id"]).stdout
    again = batch("resume", told["batch_id"], "--format", "json").stdout
    assert json.loads(again)["result_hash"] == told["result_hash"]
    (record,) = (tmp_path / "batches").rglob("record.json")
    record.write_text("{")
    damaged = batch("resume", told["batch_id"], code=2).stderr
    assert f"error: 'record.json' of batch {told['batch_id']} is none that this version reads" in damaged


def test_a_batch_that_is_cancelled_is_gone_on_with(batch, examples, tmp_path):
    run = ("run", examples / "activities.csv", "--format", "json")
    whole = json.loads(batch(*run).stdout)
    folder = next((tmp_path / "batches").glob("*/batch_*"))
    for part in folder.glob("parts/*.part"):
        part.unlink()
    kept = json.loads(folder.joinpath("state.json").read_text())
    folder.joinpath("state.json").write_text(json.dumps({**kept, "state": "running"}))
    assert "is cancelled" in batch("cancel", folder.name).stderr
    assert (
        json.loads(batch("resume", folder.name, "--format", "json").stdout)["result_hash"]
        == (whole["result_hash"])
    )


def test_a_name_in_brackets_is_shown_as_it_is(batch, examples, tmp_path):
    path = tmp_path / "plant [red].csv"
    path.write_bytes((examples / "activities.csv").read_bytes())
    batch("run", path)
    (told,) = listed(batch)
    assert "plant [red].csv" in batch("list").stdout
    assert "plant [red].csv" in batch("status", told["batch_id"]).stdout


def test_a_recalculation_is_compared_with_what_it_recalculates(batch, examples):
    batch("run", examples / "activities.csv")
    (first,) = listed(batch)
    batch("recalculate", first["batch_id"], "--gwp", "AR6")
    second = listed(batch)[0]
    shown = batch("diff", first["batch_id"], second["batch_id"]).stdout
    assert "GWP set changed" in shown
    assert "factors changed" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("run", "nothing.csv"),
            "error: 'nothing.csv' cannot be read: No such file or directory; check the path",
        ),
        (
            ("status", "batch_x"),
            "error: there is no batch 'batch_x'; `greenlang batch list` shows those there are",
        ),
        (("resume", "../x"), "error: there is no batch '../x'"),
    ],
)
def test_a_mistake_is_told_in_one_line(batch, arguments, message):
    assert message in batch(*arguments, code=2).stderr


def test_an_engine_that_there_is_not_leaves_no_batch_behind(batch, examples):
    told = batch("run", examples / "activities.csv", "--engine", "acme", code=2).stderr
    assert "there is no engine 'acme'; take 'threads', 'processes'" in told
    assert listed(batch) == []
