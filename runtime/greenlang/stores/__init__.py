"""Persistence: executions, their events, and the ledger, behind one protocol.

`protocol` says what a store keeps and promises, `rows` how the tables of tenants are written and read, and
`tables` which there are; `opening` makes a store from its URL, and `initiators` knows who makes happen what
is written.  `memory` is lost with its process, `sqlite` is the embedded one, `postgresql` that of many nodes;
they share `entries` and `cursors`, what `guarded` refuses, and the `statements` of the tables of tenants.
Nothing else in the runtime knows which store it uses.
"""

from __future__ import annotations

from greenlang.stores.initiators import Initiator, initiate, initiating, initiator
from greenlang.stores.opening import open_store
from greenlang.stores.protocol import (
    FINAL_STATES,
    ApiKey,
    Calculation,
    Change,
    Delivery,
    Event,
    EventMetadata,
    ExecutionFilter,
    ExecutionRow,
    Link,
    NewEvent,
    NewExecution,
    NewRecord,
    Page,
    Seal,
    Sealed,
    SinkState,
    State,
    Store,
    Submitted,
)

__all__ = [
    "FINAL_STATES",
    "ApiKey",
    "Calculation",
    "Change",
    "Delivery",
    "Event",
    "EventMetadata",
    "ExecutionFilter",
    "ExecutionRow",
    "Initiator",
    "Link",
    "NewEvent",
    "NewExecution",
    "NewRecord",
    "Page",
    "Seal",
    "Sealed",
    "SinkState",
    "State",
    "Store",
    "Submitted",
    "initiate",
    "initiating",
    "initiator",
    "open_store",
]
