"""Real distributions, built with setuptools and pip-installed into environments of their own.

`DISTRIBUTIONS` are a pack as a stranger would write it, and ones that are wrong.  An environment holds
them and nothing else: the runtime and the few libraries it needs are linked in without their metadata, so
that nothing of the developer's environment is discovered.
"""

import importlib.util
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

LIBRARIES = ("greenlang", "msgspec", "packaging", "pluggy", "yaml")

#: What the engine, the command line and the service need besides.
MORE_LIBRARIES = (
    *("aiohappyeyeballs", "aiohttp", "aiosignal", "attr", "frozenlist", "httptools", "idna", "multidict"),
    *("propcache", "typing_extensions", "uvloop", "yarl"),
    *("_cffi_backend", "cffi", "click", "cryptography", "greenlang_core", "markdown_it", "mdurl", "numpy"),
    *("prometheus_client", "pyarrow", "pygments", "rich"),
)

BUILD = """
import os, sys
from setuptools import build_meta

command, wheels, *folders = sys.argv[1:]
for folder in folders:
    # setuptools keeps state of a build, so each has a process of its own.
    if (child := os.fork()) == 0:
        os.chdir(folder)
        getattr(build_meta, command)(wheels)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, folder
"""


@dataclass(frozen=True)
class Distribution:
    name: str
    files: dict[str, str]


def distribution(
    name: str, module: str, files: dict[str, str], *, version: str = "1.0.0", runtime: str = ">=0.1,<0.2"
) -> Distribution:
    project = f"""
        [build-system]
        requires = ["setuptools"]
        build-backend = "setuptools.build_meta"

        [project]
        name = "{name}"
        version = "{version}"
        dependencies = ["greenlang-runtime{runtime}"]

        [project.entry-points.greenlang]
        {name} = "{module}"

        [tool.setuptools.packages.find]
        include = ["{module.partition(".")[0]}*"]

        [tool.setuptools.package-data]
        "*" = ["pack.yaml", "*.csv"]
    """
    return Distribution(name, {"pyproject.toml": project, **files})


def manifest(name: str, *, version: str = "1.0.0", requires: str = ">=0.1,<0.2", rest: str = "") -> str:
    head = f"""schema: 1
name: {name}
version: {version}
summary: Made for a test.
licence: Apache-2.0
requires:
  greenlang: ">=0.1,<0.2"
"""
    return head.replace(">=0.1,<0.2", requires) + rest


def declared(name: str, entrypoint: str, *, version: str = "1.0.0", effects: str = "[pure]") -> str:
    return (
        f"- {{name: {name}, version: {version}, entrypoint: '{entrypoint}', "
        f"summary: A test's., effects: {effects}}}\n"
    )


def agent(name: str, *, version: str = "1.0.0", function: str = "double") -> str:
    return f"""
import greenlang as gl

@gl.agent(name="{name}", version="{version}", effects=["pure"])
def {function}(value: int) -> int:
    return value * 2
"""


ACME = distribution(
    "acme-pack",
    "acme_pack",
    {
        "acme_pack/__init__.py": "",
        "acme_pack/pack.yaml": manifest(
            "acme_pack",
            rest="agents:\n"
            + declared("acme.double", "acme_pack.doubling:double")
            + declared("acme.double", "acme_pack.doubling:double_again", version="1.1.0")
            + declared("acme.double", "acme_pack.doubling:double_next", version="2.0.0rc1")
            + declared("acme.other", "acme_pack.other:double")
            + "factor_sets:\n"
            "- {path: data/fuels.csv, dataset: acme-fuels, edition: 2024, licence: CC0-1.0, citation: Ours}\n"
            + "aliases: [data/names.csv]\n",
        ),
        "acme_pack/doubling.py": agent("acme.double")
        + agent("acme.double", version="1.1.0", function="double_again")
        + agent("acme.double", version="2.0.0rc1", function="double_next"),
        "acme_pack/other.py": agent("acme.other"),
        "acme_pack/data/__init__.py": "",
        "acme_pack/data/fuels.csv": "fuel,value\ncoal,1.5\n",
        "acme_pack/data/names.csv": "name,activity\nstone coal,coal\n",
    },
)

NAMESPACE = distribution(
    "bolt-fuels",
    "bolt.fuels.plugin",
    {
        "bolt/fuels/__init__.py": "",
        "bolt/fuels/pack.yaml": manifest(
            "bolt-fuels", rest="agents:\n" + declared("bolt.burn", "bolt.fuels.plugin:double")
        ),
        "bolt/fuels/plugin.py": agent("bolt.burn"),
    },
)

PLAIN = distribution(
    "plain-plugin",
    "plain_plugin",
    {
        "plain_plugin/__init__.py": agent("plain.double")
        + """
from pathlib import Path
from greenlang.agents import FactorFile
from greenlang.agents.hooks import hookimpl

@hookimpl
def greenlang_agents():
    return [double]

@hookimpl
def greenlang_factors():
    return [FactorFile(path=Path(__file__).with_name("own.csv"), dataset="own", edition="1",
                       licence="CC0-1.0", citation="Its own")]
""",
        "plain_plugin/own.csv": "fuel,value\n",
    },
)


def broken(name: str, code: str, *, runtime: str = ">=0.1,<0.2") -> Distribution:
    module = name.replace("-", "_")
    return distribution(name, module, {f"{module}/__init__.py": code}, runtime=runtime)


def pack(name: str, yaml: str, code: str = "raise SystemExit('this must not be imported')") -> Distribution:
    module = name.replace("-", "_")
    return distribution(name, module, {f"{module}/__init__.py": code, f"{module}/pack.yaml": yaml})


HOOK = "from greenlang.agents.hooks import hookimpl\n\n@hookimpl\n"

BROKEN = (
    broken("bad-import", "import no_such_module\n"),
    broken("bad-exit", "raise SystemExit(3)\n"),
    broken("bad-parameters", HOOK + "def greenlang_agents(surprise):\n    return []\n"),
    broken("bad-hook-name", HOOK + "def greenlang_agent():\n    return []\n"),
    broken("bad-leave", HOOK + "def greenlang_agents():\n    raise SystemExit(3)\n"),
    broken("bad-failure", HOOK + "def greenlang_agents():\n    raise RuntimeError('out of luck')\n"),
    broken("bad-answer", HOOK + "def greenlang_agents():\n    return [len]\n"),
    broken("bad-runtime", "raise SystemExit('this must not be imported')", runtime=">=99"),
    broken("no-runtime", "raise SystemExit('this must not be imported')", runtime="-extras"),
    broken("no-hooks", "def greenlang_agents():\n    return []\n"),
    pack("bad-key", manifest("bad-key", rest="agent:\n" + declared("bad.key", "bad_key:double"))),
    pack("bad-version", manifest("bad-version", version="1.0.1")),
    pack("bad-name", manifest("another-name")),
    pack("bad-file", manifest("bad-file", rest="aliases: [missing.csv]\n")),
    pack("bad-module", manifest("bad-module", rest="agents:\n" + declared("bad.module", "os:getcwd"))),
    pack("too-new", manifest("too-new", requires=">=99")),
    pack("bad-range", manifest("bad-range", requires="new")),
)

LIARS = (
    pack(
        "liar-pack",
        manifest(
            "liar-pack",
            rest="agents:\n"
            + declared("liar.absent", "liar_pack:nothing")
            + declared("liar.function", "liar_pack:function")
            + declared("liar.version", "liar_pack:double", version="1.2.0")
            + declared("liar.effects", "liar_pack:harmless", effects="[]")
            + declared("liar.broken", "liar_pack.broken:double"),
        ),
        "def function(value): return value\n"
        + agent("liar.version")
        + agent("liar.effects", function="harmless"),
    ),
    pack("twin-one", manifest("twin-one", rest="agents:\n" + declared("twin.double", "twin_one:double"))),
    pack(
        "twin-two",
        manifest("twin-two", rest="agents:\n" + declared("twin.double", "twin_two:double", version="2.0.0")),
    ),
)

DISTRIBUTIONS = (ACME, NAMESPACE, PLAIN, *BROKEN, *LIARS)


def write(distribution: Distribution, folder: Path) -> Path:
    folder = folder / distribution.name
    for name, text in distribution.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


def build(command: str, folders: list[Path], wheels: Path) -> list[Path]:
    wheels.mkdir()
    subprocess.run([sys.executable, "-c", BUILD, command, wheels, *folders], check=True, capture_output=True)
    return sorted(wheels.glob("*.whl"))


def libraries(*names: str) -> Iterator[Path]:
    """The files of installed packages, without their metadata."""
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None:
            continue  # an extra that is not installed here is not there either
        origin = Path(spec.origin)
        yield origin.parent if spec.submodule_search_locations else origin
        # Wheels keep the shared libraries of a package in a folder beside it.
        yield from origin.parent.parent.glob(f"{name}.libs")


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """The folders of all the distributions' sources, by name."""
    folder = tmp_path_factory.mktemp("sources")
    return {distribution.name: write(distribution, folder) for distribution in DISTRIBUTIONS}


@pytest.fixture(scope="session")
def environment(sources, new_environment, tmp_path_factory):
    """Everything installed from wheels."""
    folder = tmp_path_factory.mktemp("installed")
    wheels = build("build_wheel", list(sources.values()), folder / "wheels")
    return new_environment(folder, libraries(*LIBRARIES, *MORE_LIBRARIES), wheels)


@pytest.fixture(scope="session")
def editable_environment(sources, new_environment, tmp_path_factory):
    """One pack, installed as `pip install -e` does."""
    folder = tmp_path_factory.mktemp("editable")
    wheels = build("build_editable", [sources["acme-pack"]], folder / "wheels")
    return new_environment(folder, libraries(*LIBRARIES), wheels)


@pytest.fixture(scope="session")
def install_projects(new_environment, tmp_path_factory):
    """Installs projects of `distributions/` from their wheels, into an environment that can run plans."""
    projects = Path(__file__).parent / "distributions"

    def install(*names: str):
        folder = tmp_path_factory.mktemp("projects")
        copies = [shutil.copytree(projects / name, folder / name) for name in names]
        wheels = build("build_wheel", copies, folder / "wheels")
        return new_environment(folder, libraries(*LIBRARIES, *MORE_LIBRARIES), wheels)

    return install
