"""Which distributions bring agents and factors, found out without importing any of them.

In: the metadata of what is installed.  Out: a `Plugin` for each package that an entry point of the group
`greenlang` names, with its pack.yaml if it carries one, and a `PackError` for each that cannot be used.
The package is found as the import system would find it, so a wheel and an editable install look the same.
"""

from __future__ import annotations

__all__ = ["Discovery", "Plugin", "discover"]

import importlib
import importlib.metadata
import importlib.util
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from greenlang.agents.manifest import FILE_NAME, PackManifest, parse_manifest
from greenlang.errors import PackError

#: The entry-point group; `hooks.GROUP` is the same name, which this module reads without pluggy.
_GROUP = "greenlang"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A package that a distribution brings to the runtime."""

    #: Name of the distribution, as its metadata write it.
    distribution: str
    version: str
    #: The package's dotted name: the first part of the entry point, unless that is a namespace.
    package: str
    #: Its folder, or the file of a module that stands alone.
    location: Path
    #: The modules that its entry points name.
    modules: tuple[str, ...]
    #: None for a plugin that is known only by importing it.
    manifest: PackManifest | None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def import_module(self, name: str) -> ModuleType:
        """Import one of its modules.

        Raises
        ------
        PackError
            For whatever the import raises, which it chains.
        """
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:  # foreign code may raise anything, and the runtime goes on
            raise PackError(
                f"{name} cannot be imported: {type(error).__name__}: {error}",
                fix="mend the plugin, or uninstall it",
                place=str(self),
            ) from error


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found; both parts in the order of distribution names."""

    plugins: tuple[Plugin, ...]
    problems: tuple[PackError, ...]


def discover() -> Discovery:
    """Look through the installed distributions.

    A distribution that cannot be used is told in `problems` and left out; this never raises for one.
    """
    found: dict[tuple[str, str, str, Path], list[str]] = defaultdict(list)
    plugins: list[Plugin] = []
    problems: list[PackError] = []
    for distribution, version, module in _entry_points():
        try:
            found[distribution, version, *_package_of(module)].append(module)
        except PackError as error:
            problems.append(_told_of(distribution, version, error))
    for (distribution, version, package, location), modules in found.items():
        try:
            manifest = _manifest(location, distribution, version, package)
        except PackError as error:
            problems.append(_told_of(distribution, version, error))
        else:
            plugins.append(Plugin(distribution, version, package, location, tuple(modules), manifest))
    return Discovery(tuple(plugins), tuple(problems))


def _entry_points() -> list[tuple[str, str, str]]:
    """Name and version of the distribution, and the module, of each entry point of the group."""
    found = set()
    for entry_point in importlib.metadata.entry_points(group=_GROUP):
        if entry_point.dist is None:
            continue
        # A folder that lost its METADATA has neither.
        name = entry_point.dist.metadata["Name"] or "a distribution without a name"
        version = entry_point.dist.metadata["Version"] or ""
        # Not `entry_point.module`, which fails on a value that is no entry point.
        module = entry_point.value.partition(":")[0].partition("[")[0].strip()
        found.add((name, version, module))
    return sorted(found)


def _package_of(module: str) -> tuple[str, Path]:
    """The package whose files are the plugin's, the first part of `module` not a namespace, and its place.

    Looking into a namespace package imports only the namespace, which has no code.
    """
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        package = ".".join(parts[:count])
        try:
            spec = importlib.util.find_spec(package)
        except (ImportError, ValueError) as error:
            raise PackError(
                f"its package {package} cannot be found: {error}", fix="install it again"
            ) from None
        if spec is None:
            raise PackError(
                f"there is no module {package}, which its entry point names", fix="install it again"
            )
        if spec.origin is not None:
            file = Path(spec.origin)
            return package, file if spec.submodule_search_locations is None else file.parent
    raise PackError(f"its entry point names {module}, a folder without code", fix="name a module")


def _manifest(location: Path, distribution: str, version: str, package: str) -> PackManifest | None:
    """The package's pack.yaml, if it has one and it fits the distribution, the runtime and the package."""
    path = location / FILE_NAME
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{FILE_NAME} cannot be read: {error}", fix="save it as UTF-8") from None
    manifest = parse_manifest(text)
    _check_release(manifest, distribution, version)
    _check_runtime(manifest)
    _check_contents(manifest, location, package)
    return manifest


def _check_release(manifest: PackManifest, distribution: str, version: str) -> None:
    if _normalised(manifest.name) != _normalised(distribution):
        raise PackError(
            f"its name is '{manifest.name}', but the distribution is {distribution}",
            fix=f"write `name: {distribution}`",
            place=FILE_NAME,
        )
    if manifest.version != version:
        raise PackError(
            f"its version is {manifest.version}, but the distribution's is {version}",
            fix="give both the same version and install again",
            place=FILE_NAME,
        )


def _check_runtime(manifest: PackManifest) -> None:
    from packaging.specifiers import SpecifierSet

    from greenlang import __version__

    required = manifest.requires.greenlang
    if not SpecifierSet(required).contains(__version__, prereleases=True):
        raise PackError(
            f"it needs greenlang {required}, and this is {__version__}",
            fix="install a version of it made for this runtime",
            place=FILE_NAME,
        )


def _check_contents(manifest: PackManifest, folder: Path, package: str) -> None:
    for declared in manifest.agents:
        module = declared.entrypoint.partition(":")[0]
        if module != package and not module.startswith(f"{package}."):
            raise PackError(
                f"agent '{declared.name}' is in {module}, which is not part of {package}",
                fix="keep the code of its agents inside the pack",
                place=FILE_NAME,
            )
    for path in manifest.files():
        if not (folder / path).is_file():
            raise PackError(
                f"there is no file {path}", fix="put it in the distribution's package data", place=FILE_NAME
            )


def _told_of(distribution: str, version: str, error: PackError) -> PackError:
    """The same error, told of its distribution."""
    place = f"{distribution} {version}".strip()
    return PackError(error.message, fix=error.fix, place=f"{place}, {error.place}" if error.place else place)


def _normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
