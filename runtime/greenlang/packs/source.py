"""A pack's files, wherever they are: in an author's project, in a wheel that was unpacked, or installed.

In: a folder with a pyproject.toml, a wheel, or a distribution's name.  Out: a `PackSource` that says where
its package is and what its pack.yaml declares.  Nothing of the pack is imported.
"""

from __future__ import annotations

__all__ = ["PackSource", "open_directory", "open_installed", "open_pack", "open_project", "open_unpacked"]

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from greenlang.agents import PackManifest, Plugin, discover, parse_manifest
from greenlang.errors import InputError, PackError, nearest
from greenlang.packs.archive import Wheel, open_wheel
from greenlang.packs.findings import Finding, refusal
from greenlang.packs.inspection import inspect_wheel, package_of_wheel, surroundings

_MANIFEST = "pack.yaml"


@dataclass(frozen=True, slots=True)
class PackSource:
    """One pack, its files unpacked."""

    distribution: str
    version: str
    #: Dotted name of its package.
    package: str
    #: The folder that has to be on the path for the package to be imported.
    root: Path
    manifest: PackManifest
    #: What pip installs with it, as its project or metadata say; None where they are not at hand.
    dependencies: tuple[str, ...] | None = None
    #: SPDX expression of the project or metadata; None where it is not at hand.
    licence: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the package, where its pack.yaml is."""
        return self.root.joinpath(*self.package.split("."))

    @property
    def plugin(self) -> Plugin:
        """The pack as discovery gives those that are installed."""
        return Plugin(
            self.distribution, self.version, self.package, self.folder, (self.package,), self.manifest
        )

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@contextmanager
def open_pack(target: str) -> Iterator[PackSource]:
    """Open a project's folder, a wheel or an installed pack.

    A wheel is inspected, then unpacked for as long as it is open.

    Raises
    ------
    PackError
        If there is none, or its form is against the rules.
    """
    path = Path(target)
    if path.suffix == ".whl":
        wheel = open_wheel(path)
        findings = inspect_wheel(wheel, surroundings(apart_from=wheel.distribution))
        if findings:
            raise refusal(path.name, findings)
        with tempfile.TemporaryDirectory(prefix="greenlang-pack-") as folder:
            wheel.unpack(Path(folder))
            yield open_unpacked(wheel, Path(folder))
    elif path.is_dir():
        yield open_project(path)
    elif path.exists():
        raise PackError(f"'{target}' is no pack", fix="give the folder of its pyproject.toml, or a wheel")
    else:
        yield open_installed(target)


def open_project(folder: Path) -> PackSource:
    """Read an author's project: its pyproject.toml, and the pack.yaml of the package that it names."""
    path = folder / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError:
        raise PackError(
            f"there is no pyproject.toml in '{folder}'",
            fix="give the folder of a pack's project; `greenlang packs new` makes one",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"it is not TOML: {error}", fix="mend the line", place=str(path)) from None
    modules: dict[str, str] = project.get("entry-points", {}).get("greenlang", {})
    for root in (folder / "src", folder):
        for module in modules.values():
            package = _package_below(root, module.partition(":")[0])
            if package is not None:
                manifest = _read_manifest(root.joinpath(*package.split(".")) / _MANIFEST)
                licence = project.get("license")
                return PackSource(
                    distribution=str(project.get("name", "")),
                    version=str(project.get("version", manifest.version)),
                    package=package,
                    root=root.resolve(),
                    manifest=manifest,
                    dependencies=tuple(project.get("dependencies", ())),
                    licence=licence if isinstance(licence, str) else None,
                )
    raise refusal(
        folder.name,
        [
            Finding(
                "manifest.release",
                "no entry point of the group 'greenlang' names a package that is here",
                'add [project.entry-points.greenlang] with NAME = "package"',
                str(path),
            )
        ],
    )


def open_unpacked(wheel: Wheel, folder: Path) -> PackSource:
    """The pack of an inspected wheel whose files were unpacked into `folder`."""
    package = package_of_wheel(wheel)
    if package is None:
        raise PackError(f"{wheel.path.name} names no package", fix="inspect it first")
    return open_directory(folder, package, wheel.distribution, wheel.version)


def open_directory(root: Path, package: str, distribution: str, version: str) -> PackSource:
    """The pack whose package lies below `root`, of a release that is known already."""
    manifest = _read_manifest(root.joinpath(*package.split(".")) / _MANIFEST)
    return PackSource(distribution, version, package, root, manifest)


def open_installed(name: str) -> PackSource:
    """An installed pack, by the name of its distribution."""
    plugins = [plugin for plugin in discover().plugins if plugin.manifest is not None]
    for plugin in plugins:
        if canonicalize_name(plugin.distribution) == canonicalize_name(name) and plugin.manifest is not None:
            return PackSource(
                plugin.distribution,
                plugin.version,
                plugin.package,
                plugin.location.parents[plugin.package.count(".")],
                plugin.manifest,
            )
    close = nearest(name, [plugin.distribution for plugin in plugins])
    raise InputError(
        f"there is no folder, wheel or installed pack '{name}'",
        fix=f"did you mean {' or '.join(close)}?"
        if close
        else "`greenlang packs list` shows those installed",
    )


def _package_below(root: Path, module: str) -> str | None:
    """The first part of `module` that is a package below `root`, not a namespace."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        if root.joinpath(*parts[:count], "__init__.py").is_file():
            return ".".join(parts[:count])
    return None


def _read_manifest(path: Path) -> PackManifest:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise refusal(
            path.parent.name,
            [Finding("manifest.schema", "there is no pack.yaml in its package", "add one", path.name)],
        ) from None
    except UnicodeDecodeError as error:
        raise PackError(
            f"it is not UTF-8 (byte {error.start:,})", fix="save it as UTF-8", place=path.name
        ) from None
    try:
        return parse_manifest(text, file=path.name)
    except PackError as error:
        raise refusal(
            path.parent.name, [Finding("manifest.schema", error.message, error.fix, error.place)]
        ) from error
