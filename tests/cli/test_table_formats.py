"""The same activity data in any format give the same result, and results are written to the same formats."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet


@pytest.fixture
def rows(examples):
    with (examples / "activities.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def written(rows, path):
    """Write the rows as their suffix says: quantities are numbers where the format has exact ones."""
    table = pa.Table.from_pylist([{**row, "quantity": Decimal(row["quantity"])} for row in rows])
    if path.suffix == ".jsonl":
        number = {row["id"]: row["quantity"] for row in rows}
        lines = (
            json.dumps({**row, "quantity": 0}).replace(": 0,", f": {number[row['id']]},") for row in rows
        )
        path.write_text("\n".join(lines))
    elif path.suffix == ".parquet":
        parquet.write_table(table, path)
    elif path.suffix == ".arrow":
        with ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    else:
        with ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
    return path


def record(greenlang, examples, path):
    out = greenlang("run", examples / "inventory.gcel", "--input", path, "--format", "json").stdout
    return json.loads(out)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow", ".stream"])
def test_the_format_of_the_data_is_in_no_hash(greenlang, examples, tmp_path, rows, suffix):
    of_csv = record(greenlang, examples, examples / "activities.csv")
    of_other = record(greenlang, examples, written(rows, tmp_path / f"data{suffix}"))
    for name in ("input_hash", "plan_hash", "result_hash", "row_root"):
        assert of_other[name] == of_csv[name]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow"])
def test_mistakes_are_told_by_row_and_column_in_every_format(greenlang, examples, tmp_path, rows, suffix):
    rows[4]["unit"] = "bananas"
    path = written(rows, tmp_path / f"data{suffix}")
    done = greenlang("run", examples / "inventory.gcel", "--input", path, code=2)
    assert f"data{suffix}, row 6, column 'unit': " in done.stderr


def test_a_bundle_of_one_format_is_verified_with_a_file_of_another(greenlang, examples, tmp_path, rows):
    program, data = examples / "inventory.gcel", examples / "activities.csv"
    greenlang("run", program, "--input", data, "--output", "result.json")
    greenlang("verify", "result.json", "--input", written(rows, tmp_path / "data.parquet"))


def test_a_column_of_floats_is_refused(greenlang, examples, tmp_path, rows):
    table = pa.Table.from_pylist([{**row, "quantity": float(row["quantity"])} for row in rows])
    parquet.write_table(table, tmp_path / "data.parquet")
    done = greenlang("run", examples / "inventory.gcel", "--input", "data.parquet", code=2)
    assert "data.parquet, row 1, column 'quantity': the column holds floats (double)" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("data.parquet", b"PAR1 and no more", ["data.parquet, row 1", "cut off or damaged"]),
        ("data.arrow", b"ARROW1 and no more", ["data.arrow, row 1", "cut off or damaged"]),
        ("data.jsonl", b'{"id": "1", \n', ["data.jsonl, row 2", "line 1 of the file is not JSON"]),
        ("data.jsonl", b'{"id": "1"}\n', ["column 'period': the column is missing"]),
        ("data.xlsx", b"PK\x03\x04", ["not in a format", "export it as CSV"]),
        ("data.json", b"[]", ["not in a format", ".jsonl"]),
    ],
)
def test_a_file_that_is_no_table_is_told(greenlang, examples, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    done = greenlang("run", examples / "inventory.gcel", "--input", name, code=2)
    for word in words:
        assert word in done.stderr


@pytest.fixture
def totals(greenlang, examples):
    arguments = (
        "run",
        examples / "inventory.gcel",
        "--input",
        examples / "activities.csv",
        "--format",
        "csv",
    )
    return list(csv.DictReader(io.StringIO(greenlang(*arguments).stdout)))


@pytest.mark.parametrize("name", ["totals.csv", "totals.jsonl", "totals.parquet", "totals.arrow"])
def test_the_table_of_a_result_is_written_beside_what_is_printed(greenlang, examples, tmp_path, totals, name):
    arguments = ("run", examples / "inventory.gcel", "--input", examples / "activities.csv", "--table", name)
    assert "Totals by scope" in greenlang(*arguments).stdout
    assert texts_of(tmp_path / name) == totals


def texts_of(path):
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".jsonl":
        found = [json.loads(line) for line in path.read_text().splitlines()]
    elif path.suffix == ".parquet":
        found = parquet.read_table(path).to_pylist()
    else:
        found = ipc.open_file(path).read_all().to_pylist()
    return [{name: plain(cell) for name, cell in row.items()} for row in found]


def plain(cell):
    if isinstance(cell, Decimal):
        return f"{cell:f}".rstrip("0").rstrip(".")
    return "" if cell is None else str(cell)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow"])
def test_a_table_goes_down_a_pipe(examples, tmp_path, totals, form):
    command = [sys.executable, "-m", "greenlang", "run", str(examples / "inventory.gcel")]
    command += ["--input", str(examples / "activities.csv"), "--format", form]
    path = tmp_path / f"out.{form}"
    with path.open("wb") as file:
        subprocess.run(command, stdout=file, check=True, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
    assert texts_of(path) == totals


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_terminal_is_not_shown_a_binary_table(examples, tmp_path, form):
    command = [sys.executable, "-m", "greenlang", "run", str(examples / "inventory.gcel")]
    command += ["--input", str(examples / "activities.csv"), "--format", form]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert f"--table result.{form}".encode() in done.stderr


def test_a_table_without_a_known_suffix_is_refused_before_anything_runs(greenlang, examples, tmp_path):
    arguments = ("run", examples / "inventory.gcel", "--input", "none.csv", "--table", "totals.xlsx")
    assert "end it in .csv, .jsonl, .parquet, .arrow" in greenlang(*arguments, code=2).stderr


def test_a_value_that_is_no_table_is_told_and_nothing_is_written(greenlang, tmp_path):
    (tmp_path / "sum.gcel").write_text("identity & sum\n")
    (tmp_path / "numbers.json").write_text("[1, 2]")
    arguments = ("run", "sum.gcel", "--input", "numbers.json", "--output", "r.json", "--table", "t.csv")
    assert "is not a table" in greenlang(*arguments, code=2).stderr
    assert not (tmp_path / "t.csv").exists()
    assert not (tmp_path / "r.json").exists()
