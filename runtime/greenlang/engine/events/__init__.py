"""Events after they were written: read as the present has them, folded into what they tell, and sent on.

Stores keep the log; what comes out of it here is of the present version (`upcasting`), gives back any
aggregate as it stood at a time (`history`), and goes to whoever wants to hear of it: `sinks` are opened by
their URLs, and the `outbox` sends each of them the log, at least once and in order.
"""

from __future__ import annotations

from greenlang.engine.events.history import AggregateState, history, rebuild
from greenlang.engine.events.outbox import Outbox, OutboxSettings
from greenlang.engine.events.sinks import Sink, open_sinks
from greenlang.engine.events.upcasting import UPCASTERS, Upcasters

__all__ = [
    "UPCASTERS",
    "AggregateState",
    "Outbox",
    "OutboxSettings",
    "Sink",
    "Upcasters",
    "history",
    "open_sinks",
    "rebuild",
]
