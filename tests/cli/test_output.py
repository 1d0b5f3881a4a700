"""What is shown is somebody's data, and whoever reads it may stop, or have no room left for it."""

import getpass
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path

import pytest

from greenlang.cli.stores import actor

HEADER = "id,period,activity,quantity,unit,region\n"


@pytest.fixture
def start(tmp_path):
    """Starts the command with its output where a test wants it."""

    def started(*arguments, stdout, **environment):
        return subprocess.Popen(
            [sys.executable, "-m", "greenlang", *arguments],
            cwd=tmp_path,
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), **environment},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


def test_a_cell_that_looks_like_markup_is_shown_as_it_is(greenlang, tmp_path):
    (tmp_path / "own.csv").write_text("activity,gas,value,unit,scope\ngas [fossil] :car:,CO2,2,kg/kWh,1\n")
    (tmp_path / "program.gcel").write_text(
        'ghg.intake >> ghg.emissions(factors="own.csv") >> ghg.inventory\n'
    )
    (tmp_path / "data.csv").write_text(
        f"{HEADER}A-1,2025,gas [fossil] :car:,1,kWh,US\n[/],2025,gas [fossil] :car:,[/bold],kWh,US\n"
    )
    shown = greenlang("run", "program.gcel", "--input", "data.csv", "--on-error", "skip").stdout
    assert "gas [fossil] :car:" in shown
    assert "[/bold]" in shown


@pytest.mark.parametrize(
    "command",
    [("units",), ("factors", "search", "--format", "csv"), ("factors", "search", "--format", "json")],
)
def test_a_reader_that_stops_early_is_no_mistake(start, command):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*command, stdout=writing)
    os.close(writing)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_full_disk_is_told_without_a_traceback(start, form):
    with Path("/dev/full").open("w") as full:
        process = start("factors", "search", "diesel", "--format", form, stdout=full)
    said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (1, "failure: No space left on device\n")


@pytest.mark.parametrize("form", ["table", "csv"])
def test_an_encoding_that_lacks_a_character_is_named(start, form):
    command = ("factors", "search", "bulk", "carrier", "--format", form)
    process = start(*command, stdout=subprocess.DEVNULL, PYTHONIOENCODING="ascii")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert re.fullmatch(r"error: ascii has no '.+'; set PYTHONIOENCODING=utf-8\n", said)


def test_a_name_that_is_too_long_for_the_system_is_told(greenlang):
    said = greenlang("store", "info", "--store", "s" * 300, code=1).stderr
    assert said == f"failure: '{'s' * 300}': File name too long\n"
    assert "there is no batch" in greenlang("batch", "status", "b" * 300, code=2).stderr


def test_who_acts_is_told_by_number_where_they_have_no_name(monkeypatch):
    def nobody(number):
        raise KeyError(number)

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert actor() == f"cli:{getpass.getuser()}"
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert actor() == f"cli:{os.getuid()}"
