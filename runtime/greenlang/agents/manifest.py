"""`pack.yaml`: what a pack says of itself, so that it is known before any of its code runs.

In: the file's text.  Out: a `PackManifest` whose names, versions and paths keep their rules.  Whether it fits
the distribution that carries it is asked by `discovery`.  The schema is described in docs/packs.md.
"""

from __future__ import annotations

__all__ = [
    "FILE_NAME",
    "AgentDeclaration",
    "FactorSetDeclaration",
    "PackManifest",
    "Requirements",
    "parse_manifest",
]

import re
from pathlib import PurePosixPath

import msgspec

from greenlang.agents.contract import Effect
from greenlang.agents.located_yaml import LocatedYaml, parse_yaml
from greenlang.agents.naming import check_name, check_version
from greenlang.errors import AgentError, PackError, nearest

#: Lies in the folder of the pack's top-level package.
FILE_NAME = "pack.yaml"

#: The one schema there is.
SCHEMA = "1"

_ENTRYPOINT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.+?)`(?: - at `(.+)`)?")
_MISSING_KEY = re.compile(r"Object missing required field `(.+?)`(?: - at `(.+)`)?")
_WRONG_VALUE = re.compile(r"(.+?)(?: - at `(.+)`)?")

#: msgspec's names for the kinds of value, in the words of YAML.
_WORDS = {"`array`": "a list", "`object`": "a mapping", "`str`": "text", "`int`": "an integer"}


class AgentDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one agent, and where its code is."""

    name: str
    version: str
    #: `module:attribute`, inside the pack's own package.
    entrypoint: str
    summary: str
    #: The same as the code declares; checked when it is loaded.
    effects: tuple[Effect, ...] = ()


class FactorSetDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of emission factors: one edition of one dataset."""

    #: Relative to pack.yaml.
    path: str
    dataset: str
    edition: str
    licence: str
    citation: str


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pack needs to run."""

    #: PEP 440 range of the runtime's versions.
    greenlang: str


class PackManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `pack.yaml`."""

    schema: int
    #: The distribution's, like `version`.
    name: str
    version: str
    summary: str
    licence: str
    requires: Requirements
    agents: tuple[AgentDeclaration, ...] = ()
    factor_sets: tuple[FactorSetDeclaration, ...] = ()
    #: Tables of other names for activities, relative to pack.yaml.
    aliases: tuple[str, ...] = ()


def parse_manifest(text: str, *, file: str = FILE_NAME) -> PackManifest:
    """Read a `pack.yaml`.

    Raises
    ------
    PackError
        At the first mistake, with its line: broken YAML, another schema, an unknown or missing key, a name,
        version, entry point or path against the rules, a version of an agent declared twice.
    """
    document = parse_yaml(text, file=file)
    if isinstance(document.value, dict) and document.value.get("schema", SCHEMA) != SCHEMA:
        raise PackError(
            f"schema {document.value['schema']} is not known to this runtime",
            fix=f"write `schema: {SCHEMA}`, or use a newer runtime",
            place=document.place("$.schema"),
        )
    try:
        # Not strict: a scalar comes as the text that was written, and `schema` becomes the integer.
        manifest = msgspec.convert(document.value, PackManifest, strict=False)
    except msgspec.ValidationError as error:
        raise _told(error, document) from None
    _check_agents(manifest, document)
    for index, declared in enumerate(manifest.factor_sets):
        _check_path(declared.path, document.place(f"$.factor_sets[{index}].path"))
    for index, path in enumerate(manifest.aliases):
        _check_path(path, document.place(f"$.aliases[{index}]"))
    return manifest


def _check_agents(manifest: PackManifest, document: LocatedYaml) -> None:
    seen: set[tuple[str, str]] = set()
    for index, declared in enumerate(manifest.agents):
        path = f"$.agents[{index}]"
        for key, check, value in (
            ("name", check_name, declared.name),
            ("version", check_version, declared.version),
        ):
            try:
                check(value)
            except AgentError as error:
                raise PackError(error.message, fix=error.fix, place=document.place(f"{path}.{key}")) from None
        if not _ENTRYPOINT.fullmatch(declared.entrypoint):
            raise PackError(
                f"'{declared.entrypoint}' is not an entry point",
                fix="write module:attribute, like acme_pack.agents:double",
                place=document.place(f"{path}.entrypoint"),
            )
        if (declared.name, declared.version) in seen:
            raise PackError(
                f"agent '{declared.name}' {declared.version} is declared twice",
                fix="give each its own version",
                place=document.place(f"{path}.name"),
            )
        seen.add((declared.name, declared.version))


def _check_path(path: str, place: str) -> None:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or ":" in path or "\0" in path:
        raise PackError(
            f"'{path}' leads out of the pack",
            fix="name a file beside or below pack.yaml, with /",
            place=place,
        )


def _told(error: msgspec.ValidationError, document: LocatedYaml) -> PackError:
    """A message of msgspec, in the words of the file and at its line."""
    text = str(error)
    if match := _UNKNOWN_KEY.fullmatch(text):
        key, path = match.group(1), match.group(2) or "$"
        known = _keys_at(path)
        close = nearest(key, known, count=1)
        fix = f"write {close[0]}" if close else "leave it out; the keys are " + ", ".join(known)
        return PackError(f"'{key}' is not a key here", fix=fix, place=document.place(f"{path}.{key}"))
    if match := _MISSING_KEY.fullmatch(text):
        key, path = match.group(1), match.group(2) or "$"
        where = f" of {path.removeprefix('$.')}" if path != "$" else ""
        return PackError(f"'{key}'{where} is missing", fix=f"add `{key}:`", place=document.place(path))
    match = _WRONG_VALUE.fullmatch(text)
    message, path = (match.group(1), match.group(2) or "$") if match else (text, "$")
    for kind, word in _WORDS.items():
        message = message.replace(kind, word)
    part = path.removeprefix("$.") if path != "$" else "the file"
    return PackError(
        f"{part}: {message[0].lower()}{message[1:]}",
        fix="write it as docs/packs.md shows",
        place=document.place(path),
    )


def _keys_at(path: str) -> tuple[str, ...]:
    for start, declaration in (
        ("$.agents", AgentDeclaration),
        ("$.factor_sets", FactorSetDeclaration),
        ("$.requires", Requirements),
    ):
        if path.startswith(start):
            return declaration.__struct_fields__
    return PackManifest.__struct_fields__
