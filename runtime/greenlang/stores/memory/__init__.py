"""The store that is lost with its process: plain Python data, for trials, tests and answers nobody keeps.

`store` is the face of it; `executions`, `events`, `deliveries`, `keys` and `sinks` are what it keeps, in the
`orders` that they are asked for, and `rows` what tenants have; `chain` is the ledger, which links what one
turn of the event loop committed.
"""

from __future__ import annotations

from greenlang.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
