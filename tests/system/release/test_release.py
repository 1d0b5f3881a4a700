"""The checklist of a release: what it makes, and that it says what is not so."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from manifests import ROOT

from greenlang.ledger import load_signer

CHECK = ROOT / "deploy" / "release" / "check.py"

slow = pytest.mark.skipif(
    "GREENLANG_RELEASE" not in os.environ,
    reason="compiles the core twice, which takes minutes: set GREENLANG_RELEASE=1",
)


def check(*arguments):
    return subprocess.run([sys.executable, CHECK, *arguments], text=True, capture_output=True)


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


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The folder of a release, and what the checks said of it."""
    folder = tmp_path_factory.mktemp("release")
    keys = folder / "keys"
    keys.mkdir()
    load_signer(keys)  # makes a key
    into = folder / "made"
    return into, check("wheels", "install", "sbom", "signatures", "--keys", keys, "--into", into)


@slow
def test_wheels_are_the_same_bytes_wherever_they_are_built_and_enough_to_run(release):
    into, done = release
    assert done.returncode == 0, done.stdout
    (runtime,) = into.glob("greenlang_runtime-*.whl")
    assert "manylinux" in runtime.name
    listed = dict(line.split("  ")[::-1] for line in (into / "SHA256SUMS").read_text().splitlines())
    assert {path.name for path in into.glob("*.whl")} <= set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((into / name).read_bytes()).hexdigest() == digest
    (bill,) = into.glob("*.cdx.json")
    assert "greenlang-runtime" in {each["name"] for each in json.loads(bill.read_text())["components"]}


@slow
def test_the_source_archive_installs_with_python_pip_and_a_compiler_alone(release, tmp_path):
    (archive,) = release[0].glob("greenlang_runtime-*.tar.gz")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", archive], check=True, cwd=tmp_path)
    told = subprocess.run(
        [python, "-c", "import greenlang as gl; print(gl.compile(gl.parse('sum')).run([1, 2]))"],
        cwd=tmp_path, check=True, text=True, capture_output=True,
    )  # fmt: skip
    assert told.stdout == "3\n"
