"""How long a command takes to know what is installed: 200 distributions that declare 10,000 agents.

Moves with `runtime/greenlang/agents/{discovery,scanning,snapshots,manifest_reading,located_yaml}.py` and
with what `greenlang agents list` imports.  The distributions are made on the spot, as pip leaves them: half
of them installed, half editable.  Every figure is of a whole process, from its start to its end.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sysconfig
import tempfile
import textwrap
import time
import venv
from pathlib import Path

from .rows import Row

DISTRIBUTIONS = 200
AGENTS_EACH = 50

LIST = ("-m", "greenlang", "agents", "list")

#: What would be in `sys.modules` had an agent been imported.
IMPORTED = "import sys; print([name for name in sys.modules if name.startswith('made_')])"


@functools.cache
def environment() -> Path:
    """A virtual environment that has the packages of this one and the made distributions; ends with us."""
    folder = Path(tempfile.mkdtemp(prefix="greenlang-discovery-"))
    atexit.register(shutil.rmtree, folder)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    site_packages = next((folder / "env").glob("lib/python*/site-packages"))
    # As `site` reads a folder: with the .pth files in it, so that editable installs are found too.
    here = sysconfig.get_path("purelib")
    (site_packages / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    for number in range(DISTRIBUTIONS):
        name = f"made_{number:03}"
        editable = number % 2 == 1
        sources = folder / "checkouts" / name / "src" if editable else site_packages
        write_package(sources / name, name)
        write_metadata(site_packages / f"{name}-1.0.0.dist-info", name)
        if editable:
            (site_packages / f"__editable__.{name}-1.0.0.pth").write_text(f"{sources}\n")
    return folder


def write_package(package: Path, name: str) -> None:
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('this must not be imported')\n")
    agents = "".join(
        f"  - name: {name}.agent_{number}\n"
        f"    version: 1.0.0\n"
        f"    entrypoint: {name}.agents:agent_{number}\n"
        f"    summary: Emissions of the activity that has the number {number}.\n"
        f"    effects: [pure, calculates]\n"
        for number in range(AGENTS_EACH)
    )
    head = f"""\
        schema: 1
        name: {name.replace("_", "-")}
        version: 1.0.0
        summary: Made for a benchmark.
        licence: Apache-2.0
        requires:
          greenlang: ">=0.1,<0.2"
        agents:
        """
    (package / "pack.yaml").write_text(textwrap.dedent(head) + agents)


def write_metadata(info: Path, name: str) -> None:
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {name.replace('_', '-')}\nVersion: 1.0.0\n"
        "Requires-Dist: greenlang-runtime<0.2,>=0.1\n\n" + "A description of some length.\n" * 100
    )
    (info / "entry_points.txt").write_text(f"[greenlang]\n{name} = {name}\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/pack.yaml,,\n")
    (info / "INSTALLER").write_text("pip\n")


def run(*arguments: str) -> str:
    """What a process of the environment prints."""
    folder = environment()
    done = subprocess.run(
        [folder / "env" / "bin" / "python", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
        # It is on the import path, and what is remembered holds while nothing on that path changes.
        cwd=folder / "env",
    )
    return done.stdout


def forget() -> None:
    """Empty the cache that commands keep."""
    for path in (environment() / "cache").rglob("*.*"):
        path.unlink()


def cold_list_s() -> float:
    environment()
    times = []
    for _ in range(5):
        forget()
        times.append(_seconds(LIST))
    # The least: what comes on top is others at work on the same machine.
    return min(times)


def warm_list_s() -> float:
    _seconds(LIST)
    return min(_seconds(LIST) for _ in range(9))


def warm_json_s() -> float:
    """The list for machines, which is 10,000 records of JSON."""
    arguments = (*LIST, "--format", "json")
    _seconds(arguments)
    return min(_seconds(arguments) for _ in range(9))


def imported_modules() -> float:
    """Modules of the distributions that asking for every offer, factor file and problem imports."""
    ask = "from greenlang.agents import default_registry as r; r().offers(), r().factors(), r().problems; "
    count = run("-c", ask + "print(len(r().offers()))")
    assert int(count) >= DISTRIBUTIONS * AGENTS_EACH
    return float(run("-c", ask + IMPORTED).count("made_"))


def _seconds(arguments: tuple[str, ...]) -> float:
    start = time.perf_counter()
    listed = run(*arguments)
    taken = time.perf_counter() - start
    assert listed.count(".agent_") >= DISTRIBUTIONS * AGENTS_EACH
    return taken


ROWS = [
    Row("greenlang agents list, cold, 10,000 agents", "", 1.5, cold_list_s, "s"),
    Row("the same, warm", "", 0.25, warm_list_s, "s"),
    Row("the same as JSON, warm", "", 0.25, warm_json_s, "s"),
    Row("modules of packs imported by it", "", 0, imported_modules, "", quick=True),
]
