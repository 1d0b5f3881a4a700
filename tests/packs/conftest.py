"""A pack from the scaffold, its wheel, and wheels like it in which something is otherwise."""

import base64
import csv
import hashlib
import importlib.util
import io
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import build
import pyproject_hooks
import pytest

import greenlang
import greenlang_core
from greenlang.packs import build_pack, new_pack

ROOT = Path(__file__).parents[2]

ANSWERS = {"pack": "acme", "author": "Acme Ltd"}

INFORMATION = "acme_pack-0.1.0.dist-info"


@pytest.fixture(autouse=True)
def own_configuration(tmp_path, monkeypatch):
    """Keys and policies of a test are its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    return tmp_path / "configuration" / "greenlang"


@pytest.fixture(scope="session")
def scaffold(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scaffold") / "acme"
    new_pack(folder, ANSWERS, ask=False)
    return folder


@pytest.fixture
def project(scaffold, tmp_path) -> Path:
    """A project of the test's own, to change."""
    return shutil.copytree(scaffold, tmp_path / "acme")


@pytest.fixture(scope="session")
def wheel(scaffold, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(scaffold, folder / "acme")
    return build_pack(source, folder / "dist", isolated=False)[0]


@pytest.fixture(scope="session")
def runtime_wheel(tmp_path_factory) -> Path:
    """The runtime with the compiled core of this checkout: to compile it again would take minutes."""
    folder = tmp_path_factory.mktemp("runtime")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyx", "*.c", "*.html")
    for package in (greenlang, greenlang_core):
        place = Path(package.__file__).parent
        shutil.copytree(place, source / place.parent.name / place.name, ignore=ignored)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    project = (ROOT / "pyproject.toml").read_text().replace('"*.pyi", ', '"*.pyi", "*.so", ')
    (source / "pyproject.toml").write_text(project)
    return Path(
        build.ProjectBuilder(source, runner=pyproject_hooks.quiet_subprocess_runner).build("wheel", folder)
    )


@pytest.fixture(scope="session")
def environment(runtime_wheel, new_environment, tmp_path_factory):
    """A fresh environment with the runtime's wheel; the libraries are this one's, linked."""
    installed = Path(importlib.util.find_spec("click").origin).parents[1]
    ours = ("greenlang", "__editable__")
    libraries = [
        entry
        for entry in installed.iterdir()
        if not entry.name.startswith(ours) and entry.suffix != ".pth" and entry.name != "__pycache__"
    ]
    return new_environment(tmp_path_factory.mktemp("fresh"), libraries, [runtime_wheel])


@pytest.fixture
def altered(wheel, tmp_path) -> Callable[..., Path]:
    """Makes a wheel like the scaffold's with other contents, RECORD included; None takes a file out."""

    def make(
        changes: Mapping[str, bytes | str | None], *, record: bool = True, name: str = wheel.name
    ) -> Path:
        return altered_wheel(wheel, tmp_path / "altered" / name, changes, record=record)

    return make


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def altered_wheel(
    wheel: Path, target: Path, changes: Mapping[str, bytes | str | None], *, record: bool = True
) -> Path:
    files: dict[str, bytes | None] = dict(contents(wheel))
    files |= {name: text.encode() if isinstance(text, str) else text for name, text in changes.items()}
    kept = {name: content for name, content in files.items() if content is not None}
    if record:
        kept[f"{INFORMATION}/RECORD"] = record_of(kept)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            # Unlike a name that is given as text, one in an entry is written as it is.
            entry = zipfile.ZipInfo("placeholder")
            entry.filename, entry.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target


def record_of(files: Mapping[str, bytes]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, content in files.items():
        if not name.endswith("/RECORD"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            writer.writerow([name, f"sha256={digest}", len(content)])
    writer.writerow([f"{INFORMATION}/RECORD", "", ""])
    return text.getvalue().encode()


def rules(error: Exception) -> set[str]:
    """The rules that a refusal names."""
    return {line.partition("]")[0].strip(" [") for line in str(error).splitlines()[1:] if "[" in line}


@pytest.fixture(scope="session")
def rules_of() -> Callable[[Exception], set[str]]:
    return rules


@pytest.fixture(scope="session")
def alter() -> Callable[..., Path]:
    return altered_wheel
