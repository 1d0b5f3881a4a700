"""Reads JSON that must mean one thing: no name twice in an object, no number that a float would blur.

Two readers of one file may disagree on which of two equal names counts, and then one verifies what the other
does not show.
"""

from __future__ import annotations

__all__ = ["decode_strictly", "members_of"]

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from greenlang.errors import BundleError, InputError
from greenlang.ledger.canonical import JSON, encode_plain, plain

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class _Name:
    """A name in an object, equal to no other, so that a dict keeps both of two equal ones."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def decode_strictly(encoded: bytes | msgspec.Raw, place: str) -> JSON:
    """Decode a value; numbers that are no integers become text in canonical form.

    Raises
    ------
    BundleError
        If it is not JSON, or an object in it has a name twice.
    """
    data = bytes(encoded)
    with _told_as_bundle_error(place):
        value: JSON = _DECODER.decode(data)
        if encode_plain(value) == data:
            # As we write it: sorted, compact, each name once.
            return value
        return plain(json.loads(data, object_pairs_hook=_object_of_pairs, parse_float=Decimal))


def members_of(encoded: bytes | msgspec.Raw, place: str) -> dict[str, msgspec.Raw]:
    """The members of an object, undecoded: for objects too large to decode at once.

    Raises
    ------
    BundleError
        If it is no JSON object, or has a name twice.
    """
    with _told_as_bundle_error(place):
        named = msgspec.json.decode(encoded, type=dict[_Name, msgspec.Raw], dec_hook=_decode_name)
        members = {name.text: raw for name, raw in named.items()}
        if len(members) != len(named):
            raise _named_twice([name.text for name in named])
        return members


@contextlib.contextmanager
def _told_as_bundle_error(place: str) -> Iterator[None]:
    try:
        yield
    except msgspec.ValidationError as error:
        raise BundleError(f"this is not what stands here in a bundle: {error}", place=place) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fix = "take the file as it was written"
        raise BundleError(f"this is not JSON: {error}", fix=fix, place=place) from error
    except RecursionError as error:
        raise BundleError("this is nested too deeply", place=place) from error
    except InputError as error:
        raise BundleError(error.message, fix=error.fix, place=place) from None


def _decode_name(kind: type[_Name], text: str) -> _Name:
    return kind(text)


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _named_twice([name for name, _ in pairs])
    return members


def _named_twice(names: list[str]) -> BundleError:
    twice = next(name for name in names if names.count(name) > 1)
    return BundleError(
        f"the name '{twice}' stands twice in one object", fix="take the file as it was written"
    )
