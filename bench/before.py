"""What rows were: as written down in `baseline.json`, and as asv measured them at an earlier commit."""

from __future__ import annotations

import ast
import json
import math
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from . import ROOT
from .judging import Recorded
from .speed_tables import TABLES

BASELINE = Path(__file__).with_name("baseline.json")

#: How far back a commit is looked for that was measured.
COMMITS = 50

#: Figures by table and row.
Figures = Mapping[tuple[str, str], float]


def this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def this_machine() -> str:
    """The Python and the kind of processor: on others, ratios are others by more than the guard allows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"Python {this_python()} on {named[0] if named else platform.processor() or platform.machine()}"


def load_baseline(path: Path) -> dict[tuple[str, str], Recorded]:
    """By table and row, as recorded on machines like this one."""
    tables = json.loads(path.read_text()).get(this_machine(), {})
    return {
        (table, name): Recorded(**recorded)
        for table, rows in tables.items()
        for name, recorded in rows.items()
    }


def save_baseline(recorded: Mapping[tuple[str, str], Recorded], path: Path) -> None:
    """Put these in place of what is written down of the same rows on machines like this one."""
    held = json.loads(path.read_text())
    tables = held.setdefault(this_machine(), {})
    for (table, name), one in recorded.items():
        figure = float(f"{one.figure:.4g}")
        known = {} if one.misses is None else {"misses": one.misses}
        tables.setdefault(table, {})[name] = {"figure": figure, **known}
    path.write_text(json.dumps(held, indent=2, sort_keys=True) + "\n")


def earlier_commits() -> list[str]:
    """The commits that this tree was changed from, the nearest first; with changes, HEAD is one."""
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-list", f"--max-count={COMMITS}", "--first-parent", "HEAD")[0 if changed else 1 :]


def tracked_costs(commits: Iterable[str], results: Path = ROOT / ".asv" / "results") -> tuple[str, Figures]:
    """The first of the commits that asv measured on this machine with this Python, and its costs."""
    for commit in commits:
        if costs := dict(_costs_at(commit, results)):
            return commit, costs
    return "", {}


def _costs_at(commit: str, results: Path) -> Iterator[tuple[tuple[str, str], float]]:
    from asv.machine import Machine
    from asv.results import iter_results_for_machine

    # An environment that was there is known by its path, one that asv made by its version.
    ours = {sys.executable, this_python()}
    for result in iter_results_for_machine(str(results), Machine.get_unique_machine_name()):
        if result.commit_hash != commit or result.params["python"] not in ours:
            continue
        for table in TABLES:
            key = f"tracked.{table.capitalize()}.track_cost"
            if key not in result.get_all_result_keys():
                continue
            (names,) = result.get_result_params(key)
            for name, cost in zip(names, result.get_result_value(key, [names]), strict=True):
                # None of what failed, NaN of what was left out.
                if cost is not None and not math.isnan(cost):
                    yield (table, ast.literal_eval(name)), cost


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
