"""What is written down of the benchmarks fits the rows that there are."""

import json

import pytest

from bench.before import BASELINE, load_baseline, save_baseline, this_machine
from bench.judging import Recorded
from bench.speed_tables import TABLES

ROWS = {(table, row.name): row for table, made_of in TABLES.items() for row in made_of.rows()}
WRITTEN = [
    (machine, (table, name), Recorded(**one))
    for machine, tables in json.loads(BASELINE.read_text()).items()
    for table, rows in tables.items()
    for name, one in rows.items()
]


def test_no_two_rows_of_a_table_have_one_name():
    assert len(ROWS) == sum(len(table.rows()) for table in TABLES.values())


def test_every_row_that_is_written_down_is_one_that_the_guard_measures():
    assert [key for _, key, _ in WRITTEN if key not in ROWS or not ROWS[key].portable] == []


def test_every_row_of_the_quick_form_is_written_down():
    quick = {key for key, row in ROWS.items() if row.quick}
    for machine in json.loads(BASELINE.read_text()):
        assert quick <= {key for of, key, _ in WRITTEN if of == machine}


def test_rows_of_the_quick_form_come_out_the_same_on_every_machine():
    assert [name for (_, name), row in ROWS.items() if row.quick and not row.portable] == []


def test_what_misses_its_target_is_written_down_as_a_known_miss():
    for _, key, one in WRITTEN:
        row = ROWS[key]
        assert one.misses == (None if row.meets_target(one.figure) else row.target), key


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text("{}\n")
    return path


def test_what_is_saved_is_loaded(path):
    saved = {("gcel", "chain"): Recorded(1.5), ("http", "execute"): Recorded(0.8, misses=1.0)}
    save_baseline(saved, path)
    assert load_baseline(path) == saved


def test_saving_some_rows_keeps_the_others_and_those_of_other_machines(path):
    path.write_text('{"3.1": {"gcel": {"chain": {"figure": 9.0}}}}')
    save_baseline({("gcel", "chain"): Recorded(1.5), ("gcel", "map"): Recorded(1.0)}, path)
    save_baseline({("gcel", "map"): Recorded(1.1)}, path)
    assert load_baseline(path) == {("gcel", "chain"): Recorded(1.5), ("gcel", "map"): Recorded(1.1)}
    assert json.loads(path.read_text())["3.1"] == {"gcel": {"chain": {"figure": 9.0}}}
    assert this_machine() in json.loads(path.read_text())
