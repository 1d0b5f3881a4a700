"""`pack.yaml`: what a pack says of itself, so that it is known before any of its code runs.

In: the file's text.  Out: a `PackManifest` whose names, versions and paths keep their rules.  Whether it fits
the distribution that carries it is asked by `discovery`.  The schema is described in docs/packs.md.
"""

from __future__ import annotations

__all__ = [
    "FILE_NAME",
    "AgentDeclaration",
    "ExampleDeclaration",
    "FactorSetDeclaration",
    "FormulaDeclaration",
    "HookName",
    "Needs",
    "PackManifest",
    "Release",
    "Requirements",
    "parse_manifest",
]

import re
from typing import Annotated, Literal, TypeAlias

import msgspec

from greenlang.agents.contract import Effect
from greenlang.agents.located_yaml import LocatedYaml, parse_yaml
from greenlang.agents.manifest_rules import check_manifest
from greenlang.errors import PackError, nearest

#: Lies in the folder of the pack's top-level package.
FILE_NAME = "pack.yaml"

#: The one schema there is.
SCHEMA = "1"

_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.+?)`(?: - at `(.+)`)?")
_MISSING_KEY = re.compile(r"Object missing required field `(.+?)`(?: - at `(.+)`)?")
_WRONG_VALUE = re.compile(r"(.+?)(?: - at `(.+)`)?")

#: msgspec's names for the kinds of value, in the words of YAML.
_WORDS = {
    "`array`": "a list",
    "`object`": "a mapping",
    "`str`": "text",
    "`int`": "an integer",
    "`int | null`": "an integer",
    "`str | null`": "text",
}

#: The hooks that a pack may name: what it has of agents and factors stands in pack.yaml itself.
HookName: TypeAlias = Literal[
    "greenlang_commands",
    "greenlang_engines",
    "greenlang_events",
    "greenlang_reports",
    "greenlang_routes",
    "greenlang_stores",
    "pre_init",
    "post_init",
    "pre_validate",
    "post_validate",
    "pre_execute",
    "post_execute",
    "on_error",
    "cleanup",
]

_Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one execution of an agent may take of a machine; where it is isolated, these become limits."""

    memory_mib: _Positive | None = None
    time_s: _Positive | None = None
    #: Names of the hosts that it talks to; an agent with any declares the effect `io`.
    hosts: tuple[str, ...] = ()


class AgentDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one agent, and where its code is."""

    name: str
    version: str
    #: `module:attribute`, inside the pack's own package.
    entrypoint: str
    summary: str
    #: The same as the code declares; checked when it is loaded.
    effects: tuple[Effect, ...] = ()
    needs: Needs = Needs()


class FactorSetDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of emission factors: one edition of one dataset."""

    #: Relative to pack.yaml.
    path: str
    dataset: str
    edition: str
    licence: str
    citation: str


class FormulaDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a formula that the pack's agents compute by."""

    name: str
    version: str
    summary: str
    #: What it says, in the language of `greenlang.carbon.formulas`.
    text: str
    #: Publication and number of its equation.
    citation: str


class ExampleDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that the conformance kit runs, and what it must give; paths are relative to pack.yaml."""

    title: str
    program: str
    #: The expected result, a .json file.
    output: str
    input: str | None = None


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changed for users in one version of the pack."""

    version: str
    #: YYYY-MM-DD.
    date: str
    changes: str


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
    #: Those that its code implements; it is imported when one of them is called.
    hooks: tuple[HookName, ...] = ()
    formulas: tuple[FormulaDeclaration, ...] = ()
    examples: tuple[ExampleDeclaration, ...] = ()
    #: From new to old.
    changelog: tuple[Release, ...] = ()

    def files(self) -> tuple[str, ...]:
        """Every file it names, each once, relative to pack.yaml."""
        named = [declared.path for declared in self.factor_sets] + list(self.aliases)
        for example in self.examples:
            named += [example.program, example.output, *([example.input] if example.input else [])]
        return tuple(dict.fromkeys(named))


def parse_manifest(text: str, *, file: str = FILE_NAME) -> PackManifest:
    """Read a `pack.yaml`.

    Raises
    ------
    PackError
        At the first mistake, with its line: broken YAML, another schema, an unknown or missing key, a name,
        version, range, entry point, path or date against the rules, anything declared twice, hosts of an
        agent without the effect `io`, a changelog that does not begin with this version.
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
    check_manifest(manifest, document)
    return manifest


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
        (r"\$\.agents\[\d+\]\.needs", Needs),
        (r"\$\.agents", AgentDeclaration),
        (r"\$\.factor_sets", FactorSetDeclaration),
        (r"\$\.formulas", FormulaDeclaration),
        (r"\$\.examples", ExampleDeclaration),
        (r"\$\.changelog", Release),
        (r"\$\.requires", Requirements),
    ):
        if re.match(start, path):
            return declaration.__struct_fields__
    return PackManifest.__struct_fields__
