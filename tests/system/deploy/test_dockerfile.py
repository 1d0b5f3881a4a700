"""What hadolint says of the Dockerfile; `make image-check` builds and runs it."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from manifests import ROOT


def lint(path):
    program = Path(sysconfig.get_path("scripts"), "hadolint")
    return subprocess.run([program, path], text=True, capture_output=True)


def test_hadolint_has_nothing_to_say():
    done = lint(ROOT / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_sees_what_is_wrong(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && sudo apt-get install gcc\n")
    done = lint(tmp_path / "Dockerfile")
    assert done.returncode == 1
    assert {"DL3004", "DL3007"} <= {line.split()[1] for line in done.stdout.splitlines()}


def test_a_machine_without_a_builder_is_told_so_in_one_line(tmp_path):
    program = [sys.executable, ROOT / "deploy" / "image" / "check.py"]
    done = subprocess.run(program, env={"PATH": str(tmp_path)}, text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "nothing was checked" in line
    assert "buildah" in line
