"""The checklist of a release says what is not so; `in_full` has what it makes."""

import subprocess
import sys

from manifests import ROOT
from releases import check


def test_the_version_is_the_same_wherever_it_is_written(tmp_path):
    done = check("version", "--into", tmp_path / "release")
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["ok", "version"])


def test_what_is_not_so_is_said_and_the_rest_is_checked_all_the_same(tmp_path):
    done = check("tests", "sbom", "signatures", "--without-tests", "--into", tmp_path / "release")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["UNMET"] * 3
    assert "make lint, make test, make test-system, make image-check" in lines[0]
    assert lines[3] == "3 unmet"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    done = check("version", "--into", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not empty" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_the_page_of_a_release_has_every_fragment():
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9"],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    fragments = list((ROOT / "changelog").glob("*.*.md"))
    assert done.stdout.count("\n- ") == len(fragments)
    assert done.returncode == 0
