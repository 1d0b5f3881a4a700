"""What requests say, read strictly: bodies, query parameters and headers, into types."""

from __future__ import annotations

__all__ = ["idempotency_key", "last_event", "media_type", "read_body", "read_query"]

import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from greenlang.errors import either
from greenlang.service.messages import Fault
from greenlang.service.routing import IDEMPOTENCY_KEY, LAST_EVENT_ID, Header
from greenlang.service.wire import JSON, VERSIONED_JSON, Call, Refusal

T = TypeVar("T", bound=msgspec.Struct)


def media_type(call: Call, *others: str) -> str:
    """What the body is by its own word: JSON, also where nothing is said, or one of `others`.

    Raises
    ------
    Refusal
        415 if it is something else.
    """
    said = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if said in (JSON, VERSIONED_JSON):
        return JSON
    if said not in others:
        hint = f"send {either((JSON, *others))}"
        raise Refusal(415, Fault("content_type", f"'{said[:80]}' is not taken here", "Content-Type", hint))
    return said


def read_body(call: Call, kind: type[T]) -> T:
    """The JSON body of a request.

    Raises
    ------
    Refusal
        415 if it is no JSON by its own word, 400 if it is none in fact or not what is taken.
    """
    media_type(call)
    try:
        read: T = _decoder(kind).decode(call.body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise Refusal(400, Fault("request", message, place.strip("`") or "$")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, Fault("json", f"the body is not JSON in UTF-8 ({error})", "$")) from error
    return read


@cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def read_query(call: Call, kind: type[T]) -> T:
    """The parameters after the `?`: one value each, lists separated by commas.

    Raises
    ------
    Refusal
        400, with the parameters that there are, if one is unknown, given twice or not what it has to be.
    """
    lists = _lists(kind)
    given: dict[str, str | list[str]] = {}
    for name, text in call.query.items():
        if name in given:
            hint = "separate what it is to have by commas" if name in lists else "give it once"
            raise Refusal(400, Fault("query", f"'{name[:80]}' is given twice", name[:80], hint))
        given[name] = text.split(",") if name in lists else text
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        names = ", ".join(kind.__struct_encode_fields__)
        fault = Fault("query", message, place.strip("`").removeprefix("$."), f"the parameters are {names}")
        raise Refusal(400, fault) from error


@cache
def _lists(kind: type[msgspec.Struct]) -> frozenset[str]:
    fields = msgspec.structs.fields(kind)
    return frozenset(
        field.encode_name
        for field in fields
        if isinstance(msgspec.inspect.type_info(field.type), msgspec.inspect.ListType)
    )


def idempotency_key(call: Call) -> str | None:
    """`Idempotency-Key`, where there is one; 400 if it is none that is kept."""
    return _matching(IDEMPOTENCY_KEY, call.headers.get("idempotency-key"))


def last_event(call: Call) -> int:
    """The number in `Last-Event-ID`, 0 where there is none; 400 if it is no number."""
    return int(_matching(LAST_EVENT_ID, call.headers.get("last-event-id")) or 0)


def _matching(header: Header, said: str | None) -> str | None:
    if said is not None and re.fullmatch(header.pattern, said) is None:
        code = header.name.lower().replace("-", "_")
        raise Refusal(400, Fault(code, f"'{said[:40]}' is not {header.rule}", header.name))
    return said
