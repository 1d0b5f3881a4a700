"""What goes wrong in an operation, as whoever asked is told of it; what it was, the log has."""

from __future__ import annotations

__all__ = ["refusal_of"]

import errno
import logging

from greenlang.errors import GcelError, InputError, QuotaError, StoreError
from greenlang.service.messages import Fault
from greenlang.service.wire import Call, Refusal, fault_of

_log = logging.getLogger("greenlang.service")

#: A disk, a quota of a user's or a limit on files that is reached.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_SOON = ("Retry-After", "1")


def refusal_of(call: Call, error: Exception) -> Refusal:
    """The answer to an error that is being handled."""
    if isinstance(error, Refusal):
        return error
    if _is_full(error):
        _log.error("request %s: %s", call.request_id, error)
        message = "there is no room to keep it: nothing was done"
        return Refusal(503, Fault("store", message, hint="try again later"), headers=[_SOON])
    if isinstance(error, QuotaError):
        fault = Fault("quota", error.message, error.place, error.fix)
        return Refusal(429, fault, headers=[("Retry-After", str(error.retry_seconds))])
    if isinstance(error, InputError):
        return Refusal(422 if isinstance(error, GcelError) else 400, *fault_of(error))
    if isinstance(error, StoreError):
        return _store_refusal(call, error)
    # Whatever it is, its reader gets an answer and no stack trace.
    _log.exception("request %s failed", call.request_id)
    fault = Fault("internal", "the request failed here", hint=f"tell us its id, {call.request_id}")
    return Refusal(500, fault)


def _is_full(error: Exception) -> bool:
    """Whether nothing more can be written: also where it is told as a mistake, with a path of the server."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in _NO_ROOM


def _store_refusal(call: Call, error: StoreError) -> Refusal:
    _log.error("request %s: %s", call.request_id, error)
    if error.uncertain:
        message = "the store did not answer: it is not known whether it was done"
        fault = Fault("store", message, hint="send it again with the same Idempotency-Key")
    else:
        fault = Fault("store", "the store is not available: nothing was done", hint="try again later")
    return Refusal(503, fault, headers=[_SOON])
