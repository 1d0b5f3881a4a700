"""Evidence that somebody looks at: what was computed to be shown is not computed again for the next click."""

from __future__ import annotations

__all__ = ["KeptEvidence"]

import threading
from collections import OrderedDict
from collections.abc import Callable

from greenlang.engine.evidence import Evidence

#: Results that are kept, those that were looked at last.
_KEPT = 4

#: Rows of activity data beyond which a result is not kept.
_KEPT_ROWS = 200_000


class KeptEvidence:
    """The evidence that was looked at last, by tenant and id; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._evidence: OrderedDict[tuple[str, str], Evidence] = OrderedDict()

    def of(self, key: tuple[str, str], compute: Callable[[], Evidence]) -> Evidence:
        """What is kept under a key, or is computed now; two who ask at once may both compute it."""
        with self._lock:
            found = self._evidence.get(key)
            if found is not None:
                self._evidence.move_to_end(key)
                return found
        made = compute()
        with self._lock:
            if made.record.row_count <= _KEPT_ROWS:
                self._evidence[key] = made
                if len(self._evidence) > _KEPT:
                    self._evidence.popitem(last=False)
        return made
