"""`greenlang run --trace`: a picture for people, data for machines."""

import json

import pytest


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.gcel"
    path.write_text('identity * (get("n") | count) & count\n')
    (tmp_path / "input.json").write_text('[{"n": 1}, {"n": 2}]')
    return path


def test_the_timeline_is_a_table(greenlang, program):
    out = greenlang("run", program, "--input", "input.json", "--trace").stdout
    assert "Timeline of " in out
    assert all(f"{word} " in out for word in ("steps", "waiting", "engine"))
    assert "map > count" in out
    assert "█" in out


def test_json_has_the_trace_beside_the_record(greenlang, program):
    done = greenlang("run", program, "--input", "input.json", "--trace", "--format", "json")
    trace = json.loads(done.stdout)["trace"]
    parts = [trace[f"{name}_s"] for name in ("steps", "waiting", "engine")]
    assert sum(parts) == pytest.approx(trace["wall_s"], rel=0.02)
    assert {span["path"] for span in trace["spans"]} >= {"", "map", "map > get", "count"}
    assert "trace" not in json.loads(
        greenlang("run", program, "--input", "input.json", "--format", "json").stdout
    )
