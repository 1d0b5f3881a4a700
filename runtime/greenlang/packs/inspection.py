"""Looks at a wheel as at a stranger's parcel: what is in it, and what it would do where it is installed.

In: a `Wheel`, and what is installed here.  Out: the findings.  Nothing is unpacked, imported or run.
"""

from __future__ import annotations

__all__ = ["Surroundings", "agents_of_others", "inspect_wheel", "package_of_wheel", "surroundings"]

import csv
import importlib.metadata
import io
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath

from packaging.markers import UndefinedComparison
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from greenlang.agents import Plugin, discover
from greenlang.packs.archive import Wheel
from greenlang.packs.findings import Finding, refusal

#: Files that Python runs when it starts, wherever a folder of the path holds them.
_STARTUP_SUFFIXES = (".pth", ".start")
_STARTUP_NAMES = {"sitecustomize", "usercustomize"}

#: Files that run code when they are read.
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".marshal")

#: What Python makes of source and then runs instead of it; neither people nor the identity of code see it.
_BYTECODE = (".pyc", ".pyo")

#: Entry points of other groups run inside other tools, as soon as they are installed.
_GROUPS = {"greenlang", "console_scripts"}

#: Lists all files but itself.
_RECORD = "RECORD"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pack would be installed beside."""

    #: Distributions by the files that they have and the folders above these: relative paths, case-folded as
    #: some file systems take them.
    owners: Mapping[str, str]
    #: Distributions by the names of the agents that they declare.
    agents: Mapping[str, str]


def surroundings(*, apart_from: str) -> Surroundings:
    """What is installed here, without the distribution that is to be replaced."""
    own = canonicalize_name(apart_from)
    owners: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"] or ""
        if canonicalize_name(name) == own:
            continue
        for file in distribution.files or ():
            path = str(file).casefold()
            # Whoever has a folder has those above it too.
            while path and path not in owners:
                owners[path] = name
                path = path.rpartition("/")[0]
    for plugin in _other_plugins(apart_from):
        # The files of an editable install are not listed.
        owners.setdefault(plugin.package.replace(".", "/").casefold(), plugin.distribution)
    return Surroundings(owners, agents_of_others(apart_from))


def agents_of_others(apart_from: str) -> dict[str, str]:
    """Distributions by the names of the agents that they declare, without the one that is to be replaced."""
    return {
        declared.name: plugin.distribution
        for plugin in _other_plugins(apart_from)
        if plugin.manifest is not None
        for declared in plugin.manifest.agents
    }


def _other_plugins(apart_from: str) -> list[Plugin]:
    own = canonicalize_name(apart_from)
    return [plugin for plugin in discover().plugins if canonicalize_name(plugin.distribution) != own]


def inspect_wheel(wheel: Wheel, around: Surroundings) -> list[Finding]:
    """Everything that speaks against installing a wheel, but for what its pack.yaml says."""
    findings = [*_startup(wheel), *_hidden_code(wheel)]
    information = _information_folder(wheel)
    if information is None:
        fix = "build it with a build backend for Python"
        return [
            *findings,
            Finding("archive.metadata", "it has no .dist-info folder of its name and version", fix),
        ]
    return [
        *findings,
        *_metadata(wheel, information),
        *_needs(wheel, information),
        *_record(wheel, information),
        *_entry_points(wheel, information),
        *_layout(wheel, information, around),
    ]


def package_of_wheel(wheel: Wheel) -> str | None:
    """The dotted package that its entry point of the group `greenlang` names; None if there is none."""
    information = _information_folder(wheel)
    if information is None:
        return None
    for _, value in _groups(wheel, information).get("greenlang", []):
        parts = value.partition(":")[0].strip().split(".")
        for count in range(1, len(parts) + 1):
            if "/".join((*parts[:count], "__init__.py")) in wheel.members:
                return ".".join(parts[:count])
    return None


def _information_folder(wheel: Wheel) -> str | None:
    for name in wheel.members:
        folder, _, rest = name.partition("/")
        if rest == "METADATA" and folder.endswith(".dist-info"):
            project, _, version = folder.removesuffix(".dist-info").partition("-")
            if canonicalize_name(project) == wheel.distribution and version == wheel.version:
                return folder
    return None


def _startup(wheel: Wheel) -> Iterator[Finding]:
    for name in wheel.members:
        path = PurePosixPath(name)
        if path.suffix.lower() in _STARTUP_SUFFIXES or path.parts[0].partition(".")[0] in _STARTUP_NAMES:
            yield Finding("archive.startup", "Python would run it whenever it starts", "leave it out", name)


def _hidden_code(wheel: Wheel) -> Iterator[Finding]:
    for name in wheel.members:
        if name.lower().endswith(_PICKLES):
            yield Finding("data.code", "a pickle runs code when it is read", "ship data as CSV or JSON", name)
        elif name.lower().endswith(_BYTECODE):
            yield Finding("data.code", "it runs instead of the source beside it", "ship the source", name)


def _metadata(wheel: Wheel, information: str) -> Iterator[Finding]:
    place = f"{information}/METADATA"
    raw, _ = parse_email(wheel.read_text(place))
    name, version = raw.get("name", ""), raw.get("version", "")
    if canonicalize_name(name) != wheel.distribution or version != wheel.version:
        yield Finding(
            "archive.metadata",
            f"it says {name or 'nothing'} {version}, and the file is {wheel.release}",
            "build it again",
            place,
        )


def _needs(wheel: Wheel, information: str) -> Iterator[Finding]:
    """What is not installed yet: pip would bring it, and nobody has looked at that."""
    rule, place = "archive.needs", f"{information}/METADATA"
    for text in _Unpacked(wheel, information).requires or ():
        try:
            needed = Requirement(text)
        except InvalidRequirement as error:
            yield Finding(rule, f"it needs '{text}', which is no requirement: {error}", "mend it", place)
            continue
        try:
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
        except UndefinedComparison as error:
            yield Finding(rule, f"it needs '{text}', and nobody can say when: {error}", "mend it", place)
            continue
        try:
            there = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            fix = f"if you trust it, run: pip install '{needed}'"
            yield Finding(rule, f"it needs {needed}, which is not installed", fix, place)
            continue
        if not needed.specifier.contains(there, prereleases=True):
            message = f"it needs {needed}, and {needed.name} {there} is installed"
            yield Finding(rule, message, "take a release that fits", place)


def _record(wheel: Wheel, information: str) -> Iterator[Finding]:
    place, fix = f"{information}/{_RECORD}", "build it again, and change nothing afterwards"
    if place not in wheel.members:
        yield Finding("archive.record", "there is no RECORD", fix)
        return
    try:
        lines = list(csv.reader(io.StringIO(wheel.read_text(place), newline="")))
    except csv.Error as error:
        yield Finding("archive.record", f"it is not CSV: {error}", fix, place)
        return
    listed: dict[str, tuple[str, str]] = {}
    for line in lines:
        if len(line) != 3 or line[0] in listed:
            yield Finding("archive.record", f"the line of {line[:1]} is wrong, or there twice", fix, place)
            return
        listed[line[0]] = line[1], line[2]
    for name in sorted(listed.keys() - wheel.members.keys()):
        yield Finding("archive.record", f"{name} is listed and not there", fix, place)
    for name, member in wheel.members.items():
        if name == place:
            continue
        if name not in listed:
            yield Finding("archive.record", "RECORD does not list it", fix, name)
        elif listed[name] != (f"sha256={member.record_hash}", str(member.size)):
            yield Finding("archive.record", "it is not the file that RECORD lists", fix, name)


class _Unpacked(importlib.metadata.Distribution):
    """The metadata of a wheel as Python reads them when it is installed."""

    def __init__(self, wheel: Wheel, information: str) -> None:
        self._wheel = wheel
        self._information = information

    def read_text(self, filename: str) -> str | None:
        name = f"{self._information}/{filename}"
        return self._wheel.read_text(name) if name in self._wheel.members else None

    def locate_file(self, path: str | PathLike[str]) -> Path:
        raise FileNotFoundError(path)


def _groups(wheel: Wheel, information: str) -> dict[str, list[tuple[str, str]]]:
    """Names and values of the entry points, by group."""
    try:
        points = _Unpacked(wheel, information).entry_points
    except TypeError:
        told = Finding(
            "archive.metadata",
            "a line is no NAME = VALUE",
            "build it again",
            f"{information}/entry_points.txt",
        )
        raise refusal(wheel.path.name, [told]) from None
    groups: dict[str, list[tuple[str, str]]] = {}
    for point in points:
        groups.setdefault(point.group, []).append((point.name, point.value))
    return groups


def _entry_points(wheel: Wheel, information: str) -> Iterator[Finding]:
    place = f"{information}/entry_points.txt"
    groups = _groups(wheel, information)
    package = package_of_wheel(wheel)
    if package is None:
        yield Finding(
            "manifest.release",
            "no entry point of the group 'greenlang' names a package in it",
            'add [project.entry-points.greenlang] with NAME = "package" to pyproject.toml',
            place,
        )
    for name, value in groups.get("greenlang", []):
        module = value.partition(":")[0].strip()
        if package is not None and module != package and not module.startswith(f"{package}."):
            message = f"its entry point {name} names {module}, which is not part of {package}"
            yield Finding("manifest.release", message, "keep to a package of its own", place)
    for group in groups:
        if group not in _GROUPS:
            yield Finding(
                "archive.metadata",
                f"an entry point of '{group}' hooks into another tool",
                "leave it out",
                place,
            )
    for command, _ in groups.get("console_scripts", []):
        there = shutil.which(command)
        if there is not None or PurePosixPath(command).name != command:
            yield Finding(
                "archive.command", f"its command '{command}' hides {there or 'others'}", "rename it", place
            )


def _layout(wheel: Wheel, information: str, around: Surroundings) -> Iterator[Finding]:
    package = package_of_wheel(wheel)
    if package is None:
        return
    own = package.replace(".", "/")
    top = own.partition("/")[0]
    if top in sys.stdlib_module_names or top.casefold() in ("greenlang", "greenlang_core"):
        yield Finding(
            "archive.overlap", f"'{top}' is Python's or the runtime's own", "rename the package", own
        )
    for name in wheel.members:
        if name.startswith(f"{information}/"):
            continue
        if owner := _owner(name, own, around):
            message = f"it would lie over a file of {owner}, or among its files"
            yield Finding("archive.overlap", message, "keep to a package of your own", name)
        elif not name.startswith(f"{own}/"):
            message = f"it belongs neither to {package} nor to its metadata"
            yield Finding("archive.foreign", message, "leave it out", name)


def _owner(name: str, own: str, around: Surroundings) -> str | None:
    """Who has the file already, its package, or a module where a folder above it would be."""
    name, own = name.casefold(), own.casefold()
    if not name.startswith(f"{own}/"):
        top = name.partition("/")[0]
        return around.owners.get(name) or around.owners.get(f"{top}/__init__.py")
    path = PurePosixPath(own)
    above = [f"{folder.as_posix()}{end}" for folder in path.parents[:-1] for end in (".py", "/__init__.py")]
    for taken in (name, own, f"{own}.py", *above):
        if taken in around.owners:
            return around.owners[taken]
    return None
