"""Lines of the log, for people or for machines: each says for whom and in which trace it was written.

Nobody passes any of that on: it is known from who makes things happen at present (`stores.initiator`) and
from what is traced (`agents.phases`). Secrets are taken out of every line, whoever wrote it.
"""

from __future__ import annotations

__all__ = ["JsonFormatter", "TextFormatter", "set_up_logs"]

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec

from greenlang.agents.phases import phases
from greenlang.observing.redaction import plain, redact, text_of
from greenlang.stores import initiator

#: As lines in JSON have them, where logging's own names differ.
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "ERROR"}

#: What would end a line, or move a terminal's cursor.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_encode = msgspec.json.Encoder().encode


def set_up_logs(form: str, level: str, *, access: bool = False, service: str = "agent-runtime") -> None:
    """Write the log of this process to stderr.

    Parameters
    ----------
    form : str
        `json` or `text`.
    level : str
        `debug`, `info`, `warning` or `error`: what is less is not written.
    access : bool
        Whether requests are, whatever the level.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if form == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if access:
        logging.getLogger("greenlang.access").setLevel(logging.INFO)


class JsonFormatter(logging.Formatter):
    """A line of JSON for each record, with the same fields in all of them.

    `context` holds what a caller gave as `extra={"context": {...}}`, the logger's name and the request's id.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        by, traced = initiator(), phases()
        given = getattr(record, "context", None)
        context = dict(given) if isinstance(given, dict) else {}
        agent = context.pop("agent_id", None)
        context["logger"] = record.name
        if by is not None and by.metadata.correlation_id is not None:
            context.setdefault("request_id", by.metadata.correlation_id)
        line = {
            "timestamp": _timestamp(record.created),
            "level": _LEVEL_NAMES.get(record.levelname, record.levelname),
            "service": self._service,
            "agent_id": plain(agent),
            "tenant_id": None if by is None else plain(by.tenant),
            "trace_id": None if traced is None else traced.trace_id,
            "span_id": None if traced is None else traced.span_id,
            "message": plain(_message(record)),
            "context": plain(context),
            "error": _error(record),
        }
        return _encode(line).decode()


class TextFormatter(logging.Formatter):
    """A line that people read; a traceback follows in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback where there is one."""
        by, traced = initiator(), phases()
        told = [] if by is None else [("tenant", by.tenant), ("request", by.metadata.correlation_id)]
        if traced is not None:
            told.append(("trace", traced.trace_id))
        # Names come from outside: quoted, they stay within their line.
        shown = "".join(f" {name}={redact(text)!r}" for name, text in told if text is not None)
        message = _CONTROL.sub(_escaped, redact(_message(record)))
        line = f"{_timestamp(record.created)} {record.levelname} {message}{shown}"
        error = _error(record)
        return line if error is None else f"{line}\n{error['stack_trace']}".rstrip()


def _timestamp(created: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    """What was logged; as it stands, where its arguments do not fit it."""
    try:
        return record.getMessage()
    except Exception:  # an argument may be what is broken, and its line tells of that
        return f"{text_of(record.msg)} {plain(list(record.args or ()))}"


def _error(record: logging.LogRecord) -> dict[str, Any] | None:
    """What was raised, where the record was made of an exception."""
    if record.exc_info is None or record.exc_info[1] is None:
        return None
    error = record.exc_info[1]
    trace = "".join(traceback.format_exception(error))
    return {
        "type": type(error).__name__,
        "message": plain(text_of(error)),
        "stack_trace": plain(trace),
    }


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
