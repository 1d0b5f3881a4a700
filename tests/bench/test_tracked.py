"""asv tracks the rows of the tables, each as a cost."""

import pytest

from bench import ROOT, http_table, redis_table, tracked
from bench.speed_tables import TABLES


def subject(table):
    return getattr(tracked, table.capitalize())()


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_a_table_is_tracked(table):
    assert subject(table).params == [row.name for row in TABLES[table].rows()]


def test_the_makefile_has_a_target_for_every_table():
    makefile = (ROOT / "Makefile").read_text()
    (line,) = (line for line in makefile.splitlines() if line.startswith("TABLES"))
    assert line.split("=")[1].split() == list(TABLES)


def test_the_quick_form_leaves_out_what_takes_minutes(monkeypatch):
    monkeypatch.setattr(tracked, "QUICK", True)
    gcel = subject("gcel")
    gcel.setup("chain of 10 steps")
    with pytest.raises(NotImplementedError):
        gcel.setup("import greenlang")


def test_a_row_is_tracked_by_its_figure():
    assert 0.1 < subject("gcel").track_cost("fan-out 100 and join") < 10


def test_what_rows_are_measured_against_starts_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with http_table.side_by_side("memory:", http_table.EXECUTE, http_table.PLAN) as (_, bare, _):
        assert b'"result":"4761"' in http_table.reply_to(bare, http_table.EXECUTE, http_table.PLAN)
    with redis_table.server() as url, redis_table.consumers(url) as workers:
        assert [worker.poll() for worker in workers] == [None] * redis_table.CONSUMERS
