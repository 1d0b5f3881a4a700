"""Activity data as people hand it in, the command as they run it, servers, and environments of their own."""

import csv
import io
import json
import os
import subprocess
import sys
import textwrap
import venv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import run_command
from postgresql_server import OWNER, postgresql
from redis_server import redis

from greenlang.agents import Resource
from greenlang.carbon import AccountingPolicy, ActivityData, InventoryInput, read_activity_data, read_csv

Greenlang = Callable[..., subprocess.CompletedProcess[str]]

COLUMNS = ("id", "period", "site", "activity", "quantity", "unit", "region", "method", "tags", "uncertainty")

#: What a row has where a test does not care.
USUAL = {"period": "2025-03", "activity": "natural gas", "quantity": "1500", "unit": "MMBtu", "region": "US"}


@pytest.fixture(scope="session")
def activity_data() -> Callable[..., ActivityData]:
    """Makes `ActivityData` of rows (dicts of what is unusual), factor files and an accounting policy."""

    def make(*rows: dict[str, str], factors: str = "", **policy: object) -> ActivityData:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for number, row in enumerate(rows, start=1):
            cells = {"id": f"A-{number}", **USUAL, **row}
            writer.writerow([cells.get(column, "") for column in COLUMNS])
        table = read_csv(io.BytesIO(text.getvalue().encode()), name="data.csv")
        files = (Resource.of("own.csv", factors),) if factors else ()
        return read_activity_data(InventoryInput(table, AccountingPolicy(**policy), files))

    return make


@pytest.fixture
def greenlang(tmp_path: Path) -> Greenlang:
    """Runs the command as a user does, in an empty folder and with a configuration of its own."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONWARNINGS": "error"}

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_command([*map(str, arguments)], tmp_path, environment)
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    """One for all tests of this process; whoever stops it starts it again."""
    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server) -> str:
    """A database of the test's own, with the schema of a store."""
    return postgresql_server.url(postgresql_server.new_database(), OWNER)


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    """One for the tests of a module: it starts in no time, and what they leave in it is nobody else's."""
    with redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


#: What `Environment.shown` runs first.
PRELUDE = """
import json, sys
from greenlang.agents import default_registry

registry = default_registry()

def show(value):
    print(json.dumps(value))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment whose processes know nothing of the developer's."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next(self.folder.glob("lib/python*/site-packages"))

    @property
    def home(self) -> Path:
        """Where its processes keep keys, policies and what they remember."""
        return self.folder.parent / "home"

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "PYTHONSAFEPATH": "1"}

    def run(self, *arguments: object, code: int = 0, cwd: Path | None = None) -> str:
        """What its Python prints, on either stream."""
        done = subprocess.run(
            [self.python, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=self.environ,
            cwd=cwd or self.folder,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def shown(self, program: str) -> object:
        """What a program gives to `show(...)`."""
        return json.loads(self.run("-c", PRELUDE + textwrap.dedent(program)))

    def greenlang(self, *arguments: object, code: int = 0, cwd: Path | None = None) -> str:
        return self.run("-m", "greenlang", *arguments, code=code, cwd=cwd)

    def pip(self, *arguments: object) -> None:
        """Run the developer's pip on it; its own would take seconds to install."""
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="session")
def new_environment() -> Callable[[Path, Iterable[Path], Iterable[Path]], Environment]:
    """Makes an environment in a folder of its own, from libraries, which are linked, and installed wheels."""

    def make(folder: Path, libraries: Iterable[Path], wheels: Iterable[Path]) -> Environment:
        environment = Environment(folder / "env")
        venv.create(environment.folder, with_pip=False, symlinks=True)
        environment.home.mkdir()
        linked = environment.folder / "libraries"
        linked.mkdir()
        for library in libraries:
            (linked / library.name).symlink_to(library)
        (environment.site_packages / "libraries.pth").write_text(f"{linked}\n")
        environment.pip("install", "--no-deps", "--no-index", *wheels)
        return environment

    return make
