"""Short checks that find what was changed.

A hash over a whole record or range proves that something in it was changed, and no more.  Beside such a hash
a bundle carries one CRC-32 for each field and row, so that a changed one can be named.  They are hints and
prove nothing: whoever changes a field can change its check as well, and then the hash tells of the whole.
"""

from __future__ import annotations

__all__ = ["changed_fields", "check", "field_checks", "fields_of"]

import zlib
from collections.abc import Iterator, Mapping

from greenlang.ledger.canonical import JSON, encode_plain

#: Hex digits of a check.
CHECK_DIGITS = 8


def check(data: bytes) -> str:
    """Eight hex digits that differ if one to four neighbouring bytes do, and nearly always otherwise."""
    return f"{zlib.crc32(data):08x}"


def fields_of(value: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    """(path, value) of everything in `value` that holds nothing else: `factors[3].unit`, `totals["a b"]`."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            step = key if key.isidentifier() else encode_plain([key]).decode()
            yield from fields_of(item, f"{path}.{step}" if path and key.isidentifier() else f"{path}{step}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from fields_of(item, f"{path}[{index}]")
    else:
        yield path, value


def field_checks(value: JSON) -> dict[str, str]:
    """The check of each field in `value`."""
    return {path: check(encode_plain(item)) for path, item in fields_of(value)}


def changed_fields(value: JSON, checks: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, what happened) of each field that does not fit the checks made when `value` was written."""
    found = dict(fields_of(value))
    for path, item in found.items():
        if path not in checks:
            yield path, "was added"
        elif checks[path] != check(encode_plain(item)):
            yield path, "was changed"
    for path in checks:
        if path not in found:
            yield path, "is missing"
