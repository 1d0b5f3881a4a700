"""Looks through the installed distributions, without importing any of them.

In: the metadata of what is installed.  Out: a `Plugin` for each package that an entry point of the group
`greenlang` names, with its pack.yaml if it carries one, and a `PackError` for each that cannot be used.
The package is found as the import system would find it, so a wheel and an editable install look the same.
"""

from __future__ import annotations

__all__ = ["scan"]

import importlib.metadata
import importlib.util
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from greenlang import __version__
from greenlang.agents.discovered import Discovery, Plugin
from greenlang.agents.manifest import FILE_NAME, PackManifest
from greenlang.agents.manifest_reading import parse_manifest
from greenlang.errors import PackError

#: The entry-point group; `hooks.GROUP` is the same name, which this module reads without pluggy.
_GROUP = "greenlang"

#: The runtime's distribution, as requirements name it.
_RUNTIME = "greenlang-runtime"


@dataclass(slots=True)
class _Distribution:
    """What the metadata of one distribution say."""

    name: str
    version: str
    requirements: list[str]
    #: Those that its entry points name, in alphabetical order.
    modules: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def scan() -> Discovery:
    """Every plugin that can be used, and what is wrong with the others; in the order of their names."""
    plugins: list[Plugin] = []
    problems: list[PackError] = []
    for distribution in _distributions():
        packages: dict[tuple[str, Path], list[str]] = defaultdict(list)
        for module in distribution.modules:
            try:
                packages[_package_of(module)].append(module)
            except PackError as error:
                problems.append(_told_of(distribution, error))
        for (package, location), modules in packages.items():
            try:
                manifest = _manifest(distribution, package, location)
            except PackError as error:
                problems.append(_told_of(distribution, error))
            else:
                name, version = distribution.name, distribution.version
                plugins.append(Plugin(name, version, package, location, tuple(modules), manifest))
    return Discovery(tuple(plugins), tuple(problems))


def _distributions() -> list[_Distribution]:
    """The distributions that have entry points of the group."""
    found: dict[int, _Distribution] = {}
    for entry_point in importlib.metadata.entry_points(group=_GROUP):
        if entry_point.dist is None:
            continue
        # The entry points of one distribution share one object for it, whose metadata are parsed but once.
        if (key := id(entry_point.dist)) not in found:
            metadata = entry_point.dist.metadata
            found[key] = _Distribution(
                # A folder that lost its METADATA has neither.
                metadata["Name"] or "a distribution without a name",
                metadata["Version"] or "",
                metadata.get_all("Requires-Dist") or [],
            )
        # Not `entry_point.module`, which fails on a value that is no entry point.
        module = entry_point.value.partition(":")[0].partition("[")[0].strip()
        if module not in found[key].modules:
            found[key].modules.append(module)
    for distribution in found.values():
        distribution.modules.sort()
    return sorted(found.values(), key=lambda distribution: (distribution.name, distribution.version))


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


def _manifest(distribution: _Distribution, package: str, location: Path) -> PackManifest | None:
    """The package's pack.yaml, or None; PackError if it does not fit the distribution or this runtime."""
    path = location / FILE_NAME
    if not path.is_file():
        _check_requirement(distribution)
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{FILE_NAME} cannot be read: {error}", fix="save it as UTF-8") from None
    manifest = parse_manifest(text)
    _check_release(manifest, distribution)
    _check_runtime(manifest.requires.greenlang, FILE_NAME)
    _check_contents(manifest, location, package)
    return manifest


def _check_release(manifest: PackManifest, distribution: _Distribution) -> None:
    if _normalised(manifest.name) != _normalised(distribution.name):
        raise PackError(
            f"its name is '{manifest.name}', but the distribution is {distribution.name}",
            fix=f"write `name: {distribution.name}`",
            place=FILE_NAME,
        )
    if manifest.version != distribution.version:
        raise PackError(
            f"its version is {manifest.version}, but the distribution's is {distribution.version}",
            fix="give both the same version and install again",
            place=FILE_NAME,
        )


def _check_requirement(distribution: _Distribution) -> None:
    """What a plugin without a pack.yaml requires of the runtime stands in its metadata alone."""
    for text in distribution.requirements:
        try:
            required = Requirement(text)
        except InvalidRequirement:
            # Of something else, or what is missing is told below.
            continue
        if _normalised(required.name) == _RUNTIME:
            _check_runtime(str(required.specifier), "")
            return
    raise PackError(
        f"it does not say which {_RUNTIME} it is made for",
        fix=f'write dependencies = ["{_RUNTIME}>=0.1,<0.2"] in its pyproject.toml',
    )


def _check_runtime(required: str, place: str) -> None:
    if not SpecifierSet(required).contains(__version__, prereleases=True):
        raise PackError(
            f"it needs greenlang {required}, and this is {__version__}",
            fix="install a version of it made for this runtime",
            place=place,
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


def _told_of(distribution: _Distribution, error: PackError) -> PackError:
    """The same error, told of its distribution."""
    place = f"{distribution}, {error.place}" if error.place else str(distribution)
    return PackError(error.message, fix=error.fix, place=place)


def _normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
