"""Reads `pack.yaml`.

In: the file's text.  Out: a `PackManifest` whose names, versions and paths keep their rules.  Whether it fits
the distribution that carries it is asked by `scanning`.
"""

from __future__ import annotations

__all__ = ["parse_manifest"]

import re

import msgspec

from greenlang.agents.located_yaml import LocatedYaml, parse_yaml
from greenlang.agents.manifest import (
    FILE_NAME,
    AgentDeclaration,
    ExampleDeclaration,
    FactorSetDeclaration,
    FormulaDeclaration,
    Needs,
    PackManifest,
    Release,
    Requirements,
)
from greenlang.agents.manifest_rules import check_manifest
from greenlang.errors import PackError, nearest

#: The one schema there is.
_SCHEMA = "1"

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
    if isinstance(document.value, dict) and document.value.get("schema", _SCHEMA) != _SCHEMA:
        raise PackError(
            f"schema {document.value['schema']} is not known to this runtime",
            fix=f"write `schema: {_SCHEMA}`, or use a newer runtime",
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
