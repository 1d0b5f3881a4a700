"""`greenlang run --resume`: a run that was killed goes on where it was, and says what it does again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PLUGIN = """
import os
import time
from decimal import Decimal

import greenlang as gl
from greenlang.agents.hooks import hookimpl


def told(name, value):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(f"{name} {value}\\n")
    if "HOLD" in os.environ and f"{name} {value}".startswith(os.environ["HOLD"]):
        time.sleep(600)


@gl.agent(name="acme.count", version="1.0.0")
def count(number: int) -> list[Decimal]:
    told("count", number)
    return [Decimal(each) / 4 for each in range(number)]


@gl.agent(name="acme.step", version="1.0.0")
def step(value: Decimal, *, add: Decimal = Decimal("0.50")) -> Decimal:
    told("step", value)
    return value + add


@gl.agent(name="acme.clock", version="1.0.0", effects=["clock"])
def clock(value: Decimal) -> str:
    told("clock", value)
    return f"{value} at {time.time_ns()}"


@gl.agent(name="acme.stream", version="1.0.0")
def stream(value: str) -> object:
    told("stream", value)
    return iter([value])


@hookimpl
def greenlang_agents():
    return [count, step, clock, stream]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a plugin that is installed for whoever looks there."""
    info = tmp_path / "acme-1.0.0.dist-info"
    info.mkdir()
    metadata = (
        "Metadata-Version: 2.1\nName: acme\nVersion: 1.0.0\nRequires-Dist: greenlang-runtime>=0.1,<0.2\n"
    )
    (info / "METADATA").write_text(metadata)
    (info / "entry_points.txt").write_text("[greenlang]\nacme = acme_plugin\n")
    (tmp_path / "acme_plugin.py").write_text(PLUGIN)
    (tmp_path / "input.json").write_text("5")
    return tmp_path


class Command:
    def __init__(self, place: Path, program: str, *options: str) -> None:
        self.place = place
        (place / "program.gcel").write_text(program)
        self._arguments = [sys.executable, "-m", "greenlang", "run", "program.gcel", "--input", "input.json"]
        self._arguments += ["--format", "json", *(options or ("--resume",))]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]),
            "CALLS": str(place / "calls"),
            "XDG_CONFIG_HOME": str(place / "config"),
            "XDG_STATE_HOME": str(place / "state"),
        }

    def calls(self) -> list[str]:
        path = self.place / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def killed_at(self, call: str) -> None:
        """Run until a call that starts so is under way, then kill."""
        running = subprocess.Popen(
            self._arguments, cwd=self.place, env={**self._environment, "HOLD": call}, stderr=subprocess.PIPE
        )
        try:
            for _ in range(600):
                if any(made.startswith(call) for made in self.calls()):
                    break
                assert running.poll() is None, running.stderr.read().decode()
                time.sleep(0.05)
        finally:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            running.stderr.close()

    def run(self, code: int = 0) -> tuple[object, list[str], list[str]]:
        """The result, the calls that it took, and what was said."""
        before = len(self.calls())
        done = subprocess.run(
            self._arguments, cwd=self.place, env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code, done.stderr
        result = json.loads(done.stdout)["result"] if done.stdout else None
        return result, self.calls()[before:], done.stderr.splitlines()


def test_a_run_killed_inside_a_map_does_the_rest(place):
    """The items that were done are not done again; the one that was at work is."""
    command = Command(place, "acme.count * acme.step & sum\n")
    command.killed_at("step 0.75")
    result, calls, said = command.run()
    assert calls == ["step 0.75", "step 1"]
    assert said == [
        "steps: 4 reused, 2 ran",
        "  map > acme.step ran (2 times): it had not run on this input",
    ]
    (place / "state").rename(place / "gone")
    assert command.run()[0] == result


def test_a_run_killed_between_steps_goes_on_with_what_the_clock_said(place):
    command = Command(place, "acme.count & first >> acme.clock >> acme.stream & first\n")
    command.killed_at("stream")
    said_by_clock = command.calls()[-1].removeprefix("stream ")
    _, calls, said = command.run()
    assert calls == [f"stream {said_by_clock}"]
    assert said == ["steps: 2 reused, 1 ran"]


def test_a_record_that_the_kill_cut_off_is_run_again(place):
    command = Command(place, "acme.count * acme.step & sum\n", "--steps", "kept.steps")
    command.killed_at("step 0.75")
    ledger = place / "kept.steps"
    ledger.write_bytes(ledger.read_bytes()[:-7])
    result, calls, _ = command.run()
    assert calls == ["step 0.5", "step 0.75", "step 1"]
    assert command.run()[:2] == (result, [])


@pytest.mark.parametrize(
    ("change", "again", "reason"),
    [
        (("return value + add", "return value + add + 0"), 5, "its code changed"),
        (
            ('name="acme.step", version="1.0.0"', 'name="acme.step", version="1.1.0"'),
            5,
            "version 1.0.0 became",
        ),
        (("Decimal(each) / 4", "Decimal(each) / 8"), 5, "its code changed"),
    ],
)
def test_what_changed_runs_again_and_is_said(place, change, again, reason):
    command = Command(place, "acme.count * acme.step & sum\n")
    command.run()
    plugin = place / "acme_plugin.py"
    assert change[0] in PLUGIN
    plugin.write_text(PLUGIN.replace(*change))
    _, calls, said = command.run()
    assert len(calls) >= again
    assert any(re.search(reason, line) for line in said)


def test_changed_options_and_inputs_run_again_and_are_said(place):
    command = Command(place, "acme.count * acme.step & sum\n")
    command.run()
    _, calls, said = Command(place, "acme.count * acme.step(add=1) & sum\n").run()
    assert len(calls) == 5
    assert said[1] == "  map > acme.step ran (5 times): option add=1 was added"
    (place / "input.json").write_text("6")
    _, calls, said = Command(place, "acme.count * acme.step(add=1) & sum\n").run()
    assert calls == ["count 6", "step 1.25"]
    assert said[1] == "  acme.count ran: it had not run on this input"


def test_what_cannot_be_kept_runs_again_and_is_said(place):
    command = Command(place, "acme.count & first >> acme.clock >> acme.stream >> count\n")
    command.run()
    _, calls, said = command.run()
    assert [call.split()[0] for call in calls] == ["stream"]
    assert "what it gave could not be kept: a list_iterator has no form that can be read back" in said[1]
