"""Reads result bundles: whole into memory, its rows still encoded, and decoded as they are asked for."""

from __future__ import annotations

__all__ = ["load_bundle", "read_bundle"]

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from greenlang.errors import BundleError, InputError
from greenlang.ledger.bundle import (
    BUNDLE_SCHEMA,
    Bundle,
    CarriedFactor,
    CarriedInput,
    CarriedList,
    CarriedOutput,
    CarriedRange,
    OwnFile,
)
from greenlang.ledger.chain import Head, Inclusion
from greenlang.ledger.record import CalculationRecord
from greenlang.ledger.rows import RowSchema
from greenlang.ledger.strict_json import decode_strictly, members_of

_T = TypeVar("_T")

#: How to get a bundle, for messages about files that are none.
_HOW_TO_GET_ONE = "write a bundle with `greenlang run ... --output FILE`"

#: What other files begin with, and what they are.
_OTHER_FILES = (
    (b"\x1f\x8b", "compressed with gzip", "decompress it first"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "extract the bundle first"),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    (b"\xef\xbb\xbf", "text with a byte order mark", "save it as UTF-8 without one"),
)

_SECTIONS = ("schema", "record", "head", "inclusion", "checks", "plan", "input", "output", "lists", "factors")
_VALUE_INPUT = ("name", "policy", "value")
_TABLE_INPUT = ("name", "policy", "files", "columns", "row_count", "root", "rows", "ranges")


class _Factor(msgspec.Struct, forbid_unknown_fields=True):
    ef_cid: str
    record: dict[str, Any]


class _Schema(msgspec.Struct, forbid_unknown_fields=True):
    series: tuple[str, ...]
    labels: tuple[str, ...]
    scale: int


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read the bundle in a file.

    Raises
    ------
    BundleError
        If the file cannot be read, or is no bundle; says what it is and what would mend it.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise BundleError(f"there is no file '{path}'", fix="check the path") from None
    except IsADirectoryError:
        raise BundleError(f"'{path}' is a folder", fix="name a bundle in it") from None
    except OSError as error:
        raise BundleError(f"'{path}' cannot be read: {error.strerror}") from error
    try:
        return read_bundle(data)
    except BundleError as error:
        place = f"'{path}', {error.place}" if error.place else f"'{path}'"
        raise error.at(place) from None


def read_bundle(data: bytes) -> Bundle:
    """Read a bundle from its bytes (see `load_bundle`)."""
    sections = _sections_of(data)
    lists = members_of(sections["lists"], "lists")
    # Whoever compiles the plan gets sound JSON to read.
    decode_strictly(sections["plan"], "plan")
    return Bundle(
        record=_converted(sections["record"], CalculationRecord, "record"),
        head=_converted(sections["head"], Head, "head"),
        inclusion=_converted(sections["inclusion"], Inclusion, "inclusion"),
        checks=_converted(sections["checks"], dict[str, str], "checks"),
        plan=bytes(sections["plan"]),
        input=_read_input(sections["input"]),
        output=_read_output(sections["output"]),
        lists={name: _read_list(raw, name) for name, raw in lists.items()},
        factors=_read_factors(sections["factors"]),
    )


def _sections_of(data: bytes) -> dict[str, msgspec.Raw]:
    """The members of the outermost object, all there, and of a version that is known."""
    if not data.strip():
        raise BundleError("the file is empty", fix=_HOW_TO_GET_ONE)
    for start, kind, fix in _OTHER_FILES:
        if data.startswith(start):
            raise BundleError(f"this is {kind}, not a result bundle", fix=fix)
    if b"\x00" in data[:4096]:
        raise BundleError("this is a binary file, not a result bundle", fix=_HOW_TO_GET_ONE)
    if not data.lstrip().startswith(b"{"):
        raise BundleError("this is not a result bundle, which is a JSON object", fix=_HOW_TO_GET_ONE)
    try:
        sections = members_of(data, "")
    except BundleError as error:
        if isinstance(error.__cause__, msgspec.DecodeError) and "truncated" in error.message:
            fix = "copy it again, or write it again with `greenlang run`"
            raise BundleError("the file is cut off: its end is missing", fix=fix) from error
        raise
    schema = decode_strictly(sections["schema"], "schema") if "schema" in sections else None
    if not isinstance(schema, str) or not schema.startswith("greenlang.bundle/"):
        raise BundleError("this is JSON, but not a result bundle", fix=_HOW_TO_GET_ONE)
    if schema != BUNDLE_SCHEMA:
        fix = "verify it with the release of greenlang that wrote it, or a later one"
        raise BundleError(f"the bundle's format is '{schema[:40]}', and '{BUNDLE_SCHEMA}' is read", fix=fix)
    _check_names(sections, _SECTIONS, "")
    return sections


def _read_input(raw: msgspec.Raw) -> CarriedInput:
    members = members_of(raw, "input")
    if "value" in members:
        _check_names(members, _VALUE_INPUT, "input")
        return CarriedInput(
            name=_converted(members["name"], str, "input.name"),
            policy=decode_strictly(members["policy"], "input.policy"),
            value=decode_strictly(members["value"], "input.value"),
        )
    _check_names(members, _TABLE_INPUT, "input")
    return CarriedInput(
        name=_converted(members["name"], str, "input.name"),
        policy=decode_strictly(members["policy"], "input.policy"),
        files=_converted(members["files"], tuple[OwnFile, ...], "input.files"),
        columns=_converted(members["columns"], tuple[str, ...], "input.columns"),
        row_count=_converted(members["row_count"], int, "input.row_count"),
        root=_converted(members["root"], str, "input.root"),
        rows=None if _is_null(members["rows"]) else _read_rows(members, "input"),
    )


def _read_output(raw: msgspec.Raw) -> CarriedOutput | None:
    if _is_null(raw):
        return None
    members = members_of(raw, "output")
    _check_names(members, ("series", "labels", "scale", "rows", "ranges"), "output")
    said = {name: decode_strictly(members[name], f"output.{name}") for name in ("series", "labels", "scale")}
    read = _checked(said, _Schema, "output")
    try:
        schema = RowSchema(read.series, read.labels, read.scale)
    except InputError as error:
        raise BundleError(error.message, place="output") from error
    return CarriedOutput(schema, _read_rows(members, "output"))


def _read_list(raw: msgspec.Raw, name: str) -> CarriedList:
    members = members_of(raw, f"lists.{name}")
    _check_names(members, ("rows", "ranges"), f"lists.{name}")
    return _read_rows(members, f"lists.{name}")


def _is_null(raw: msgspec.Raw) -> bool:
    """Looked at where it stands: rows may be most of the file."""
    return bytes(memoryview(raw)[:5]) == b"null"


def _read_rows(members: Mapping[str, msgspec.Raw], place: str) -> CarriedList:
    return CarriedList(
        place,
        _raw_items(members["rows"], f"{place}.rows"),
        _converted(members["ranges"], tuple[CarriedRange, ...], f"{place}.ranges"),
    )


def _read_factors(raw: msgspec.Raw) -> list[CarriedFactor]:
    factors = []
    for index, item in enumerate(_raw_items(raw, "factors")):
        factor = _converted(item, _Factor, f"factors[{index}]")
        factors.append(CarriedFactor(factor.ef_cid, factor.record))
    return factors


def _raw_items(raw: msgspec.Raw, place: str) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BundleError(f"this is not what stands here in a bundle: {error}", place=place) from error


def _converted(raw: msgspec.Raw, kind: type[_T], place: str) -> _T:
    return _checked(decode_strictly(raw, place), kind, place)


def _checked(value: object, kind: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BundleError(f"this is not what stands here in a bundle: {error}", place=place) from error


def _check_names(members: Mapping[str, object], names: tuple[str, ...], place: str) -> None:
    """Exactly these: what is not understood cannot be verified."""
    fix = "take the file as it was written"
    if missing := [name for name in names if name not in members]:
        raise BundleError(f"'{missing[0]}' is missing from the bundle", fix=fix, place=place)
    if unknown := [name for name in members if name not in names]:
        raise BundleError(f"a bundle has no '{unknown[0][:40]}' here", fix=fix, place=place)
