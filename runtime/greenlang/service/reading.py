"""What requests say, read strictly: bodies, query parameters and headers, into types."""

from __future__ import annotations

__all__ = ["idempotency_key", "read_body", "read_query"]

from functools import cache
from typing import Any, TypeVar

import msgspec

from greenlang.service.messages import Fault
from greenlang.service.wire import JSON, VERSIONED_JSON, Call, Refusal

T = TypeVar("T", bound=msgspec.Struct)

#: An idempotency key is kept with its execution; a longer one is a mistake.
_LONGEST_KEY = 200


def read_body(call: Call, kind: type[T]) -> T:
    """The JSON body of a request.

    Raises
    ------
    Refusal
        415 if it is no JSON by its own word, 400 if it is none in fact or not what is taken.
    """
    media_type = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type not in (JSON, VERSIONED_JSON):
        fault = Fault("content_type", f"{media_type[:80]} is not taken here", "Content-Type", f"send {JSON}")
        raise Refusal(415, fault)
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
        400, with the parameters that there are, if one is unknown or not what it has to be.
    """
    lists = _lists(kind)
    given = {name: text.split(",") if name in lists else text for name, text in call.query.items()}
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
    """`Idempotency-Key`; 400 if it is empty or too long."""
    key = call.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        message = f"the key must have 1 to {_LONGEST_KEY} characters"
        raise Refusal(400, Fault("idempotency_key", message, "Idempotency-Key"))
    return key
