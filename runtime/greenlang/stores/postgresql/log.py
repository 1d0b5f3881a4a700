"""The log as sinks are sent it: nothing in it is passed over, though transactions end in another order.

Sequence numbers are given out before their transactions are committed, so one that is missing may be on its
way.  It is not any more once every transaction has ended that was going on when a higher one was seen, for
whoever appends has the number of its transaction before that of its event.  So a gap costs one more look, and
those who write pay nothing for those who read.
"""

from __future__ import annotations

__all__ = ["SettledLog"]

from greenlang.stores.entries import EVENT_COLUMNS, event_of
from greenlang.stores.postgresql.database import Connection
from greenlang.stores.protocol import Event

#: One statement, so that the transactions are those that its events were seen among.
_LOG = (
    f"SELECT {EVENT_COLUMNS}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"  # noqa: S608  our columns
    " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    " FROM events LEFT JOIN executions ON id = aggregate_id"
    " WHERE sequence > $1 ORDER BY sequence LIMIT $2"
)


class SettledLog:
    """What one process knows of gaps in the log."""

    def __init__(self) -> None:
        #: No gap up to this number is going to be filled.
        self._settled = 0
        #: Nor up to this one, once all transactions below `_ended` have ended.
        self._watched = 0
        self._ended = 0

    async def read(self, connection: Connection, after: int, limit: int) -> tuple[Event, ...]:
        """Events of everybody past number `after`, up to the first gap that may yet be filled."""
        rows = await connection.fetch(_LOG, after, limit)
        if not rows:
            return ()
        *_, oldest_running, next_to_run = rows[0]
        if oldest_running >= self._ended:
            self._settled = max(self._settled, self._watched)
        events: list[Event] = []
        for row in rows:
            sequence = row["sequence"]
            if sequence != after + 1 and sequence > self._settled:
                if self._watched <= self._settled:
                    self._watched, self._ended = rows[-1]["sequence"], next_to_run
                break
            *columns, _, _ = row
            events.append(event_of(*columns))
            after = sequence
        return tuple(events)
