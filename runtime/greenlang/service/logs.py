"""Lines of the log: each says for whom, and by which request, what it tells of happened."""

from __future__ import annotations

__all__ = ["LOG_FORMAT", "InitiatorFilter"]

import logging

from greenlang.stores import initiator

#: With an `InitiatorFilter` on the handler.
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s%(by)s"


class InitiatorFilter(logging.Filter):
    """Lets every line through, and gives it `by`: empty where nobody in particular made it happen."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say who made happen what a line tells of."""
        by = initiator()
        told = () if by is None else (("tenant", by.tenant), ("request", by.metadata.correlation_id))
        # Names come from outside: quoted, they stay within their line.
        record.by = "".join(f" {name}={text!r}" for name, text in told if text is not None)
        return True
