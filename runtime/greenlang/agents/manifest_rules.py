"""The rules of `pack.yaml` that its types do not tell, each broken one told with its line."""

from __future__ import annotations

__all__ = ["check_manifest", "check_range"]

import functools
import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from greenlang.agents.naming import check_name, check_version
from greenlang.errors import AgentError, PackError

if TYPE_CHECKING:
    from greenlang.agents.located_yaml import LocatedYaml
    from greenlang.agents.manifest import AgentDeclaration, PackManifest

_ENTRYPOINT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

#: A host's name: no scheme, no port, no pattern.
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")


def check_manifest(manifest: PackManifest, document: LocatedYaml) -> None:
    """Hold a manifest to the rules; `document` says where its parts stand.

    Raises
    ------
    PackError
        For the first rule that is broken.
    """
    check_range(manifest.requires.greenlang, document.place("$.requires.greenlang"))
    for index, agent in enumerate(manifest.agents):
        _check_agent(agent, f"$.agents[{index}]", document)
    for index, formula in enumerate(manifest.formulas):
        _check_identity(formula.name, formula.version, f"$.formulas[{index}]", document)
    _check_unique(
        "agent", ((f"'{agent.name}' {agent.version}") for agent in manifest.agents), "agents", document
    )
    _check_unique(
        "formula",
        (f"'{formula.name}' {formula.version}" for formula in manifest.formulas),
        "formulas",
        document,
    )
    _check_unique(
        "factor set", (f"'{declared.path}'" for declared in manifest.factor_sets), "factor_sets", document
    )
    for index, declared in enumerate(manifest.factor_sets):
        _check_path(declared.path, document.place(f"$.factor_sets[{index}].path"))
    for index, path in enumerate(manifest.aliases):
        _check_path(path, document.place(f"$.aliases[{index}]"))
    _check_examples(manifest, document)
    _check_changelog(manifest, document)


@functools.cache
def _range_is_valid(text: str) -> bool:
    # packaging takes as long to import as all of this folder: a registry read from its cache does without.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def check_range(text: str, place: str) -> None:
    """PackError unless `text` is a PEP 440 range."""
    if not _range_is_valid(text):
        raise PackError(f"'{text}' is not a range of versions", fix="write one like >=0.1,<0.2", place=place)


def _check_agent(agent: AgentDeclaration, path: str, document: LocatedYaml) -> None:
    _check_identity(agent.name, agent.version, path, document)
    if not _ENTRYPOINT.fullmatch(agent.entrypoint):
        raise PackError(
            f"'{agent.entrypoint}' is not an entry point",
            fix="write module:attribute, like acme_pack.agents:double",
            place=document.place(f"{path}.entrypoint"),
        )
    for index, host in enumerate(agent.needs.hosts):
        if not _HOST.fullmatch(host):
            raise PackError(
                f"'{host}' is not the name of a host",
                fix="write it like api.acme.example, without scheme and port",
                place=document.place(f"{path}.needs.hosts[{index}]"),
            )
    if agent.needs.hosts and "io" not in agent.effects:
        raise PackError(
            f"agent '{agent.name}' needs hosts but does not declare the effect io",
            fix="add io to its effects",
            place=document.place(f"{path}.needs.hosts"),
        )


def _check_identity(name: str, version: str, path: str, document: LocatedYaml) -> None:
    check: Callable[[object], str]
    for key, check, value in (("name", check_name, name), ("version", check_version, version)):
        try:
            check(value)
        except AgentError as error:
            raise PackError(error.message, fix=error.fix, place=document.place(f"{path}.{key}")) from None


def _check_unique(kind: str, identities: Iterable[str], key: str, document: LocatedYaml) -> None:
    seen: set[str] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            raise PackError(
                f"{kind} {identity} is declared twice",
                fix="leave one out" if key == "factor_sets" else "give each its own version",
                place=document.place(f"$.{key}[{index}]"),
            )
        seen.add(identity)


def _check_path(path: str, place: str) -> None:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or ":" in path or "\0" in path:
        raise PackError(
            f"'{path}' leads out of the pack",
            fix="name a file beside or below pack.yaml, with /",
            place=place,
        )


def _check_examples(manifest: PackManifest, document: LocatedYaml) -> None:
    for index, example in enumerate(manifest.examples):
        for key, path in (("program", example.program), ("output", example.output), ("input", example.input)):
            if path is not None:
                _check_path(path, document.place(f"$.examples[{index}].{key}"))
        if not example.output.endswith(".json"):
            raise PackError(
                f"the output '{example.output}' is not a .json file",
                fix="write the expected result as JSON",
                place=document.place(f"$.examples[{index}].output"),
            )


def _check_changelog(manifest: PackManifest, document: LocatedYaml) -> None:
    newer: str | None = None
    for index, release in enumerate(manifest.changelog):
        path = f"$.changelog[{index}]"
        if index == 0 and release.version != manifest.version:
            raise PackError(
                f"the changelog begins with {release.version}, but this is {manifest.version}",
                fix=f"begin with what changed in {manifest.version}",
                place=document.place(f"{path}.version"),
            )
        if not _is_date(release.date):
            raise PackError(
                f"'{release.date}' is not a date",
                fix="write YYYY-MM-DD",
                place=document.place(f"{path}.date"),
            )
        if newer is not None and release.date > newer:
            raise PackError(
                f"{release.version} is dated {release.date}, after the release above it",
                fix="write releases from new to old",
                place=document.place(f"{path}.date"),
            )
        newer = release.date


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
