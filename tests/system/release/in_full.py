"""What a release makes, as `make test-release` tests it: the core is compiled four times, in minutes."""

import hashlib
import json
import subprocess
import sys

import pytest
from releases import check

from greenlang.ledger import load_signer


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The folder of a release, and what the checks said of it."""
    folder = tmp_path_factory.mktemp("release")
    keys = folder / "keys"
    keys.mkdir()
    load_signer(keys)  # makes a key
    into = folder / "made"
    return into, check("wheels", "install", "sbom", "signatures", "--keys", keys, "--into", into)


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
