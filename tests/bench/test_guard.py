"""The guard as it is run: it measures for real, and its end says whether a change may pass."""

import json

import pytest

from bench.before import this_machine
from bench.guard import SECOND_CHANCES, main

#: At a seventh of its target, so that no machine is too busy for it to pass.
ROW = "fan-out 100 async, return at once"


@pytest.fixture
def guard(tmp_path):
    """Runs the guard on one row, given what is written down of it; its end, and what is written down then."""
    path = tmp_path / "baseline.json"

    def run(written, *options):
        path.write_text(json.dumps({this_machine(): {"gcel": {ROW: written} if written else {}}}))
        ended = main(["gcel", "--named", ROW, "--baseline", str(path), *options])
        return ended, json.loads(path.read_text())[this_machine()]["gcel"].get(ROW)

    return run


def test_a_row_that_costs_what_it_did_passes_and_nothing_is_written(guard, capsys):
    written = {"figure": 50.0, "misses": 20.0}
    assert guard(written) == (0, written)
    told = capsys.readouterr()
    assert told.err.count(f"gcel: {ROW}:") == 1
    assert "no longer missed" in told.out


def test_a_row_that_got_dearer_is_measured_again_and_ends_the_guard_with_1(guard, capsys):
    assert guard({"figure": 0.001})[0] == 1
    told = capsys.readouterr()
    assert told.err.count(f"gcel: {ROW}:") == 1 + SECOND_CHANCES
    assert "FAIL" in told.out
    assert "0 of 1 rows" in told.out


def test_what_is_recorded_is_what_was_measured(guard):
    ended, written = guard({"figure": 0.001}, "--record")
    assert ended == 0
    assert 0.001 < written["figure"] < 10


def test_a_machine_that_nothing_is_written_down_for_holds_no_row_and_is_told_so(tmp_path, capsys):
    path = tmp_path / "baseline.json"
    path.write_text('{"3.1": {"gcel": {"chain of 10 steps": {"figure": 0.01}}}}')
    assert main(["gcel", "--baseline", str(path)]) == 0
    assert f"nothing is written down for {this_machine()}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["gcel", "--named", "no such row"], ["nonesuch"]])
def test_what_there_is_none_of_is_an_error(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "there" in capsys.readouterr().err
