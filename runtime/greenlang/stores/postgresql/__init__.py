"""The store of many organisations on many nodes: PostgreSQL 15 or later, every row guarded by its tenant.

`database` opens connections and keeps the schema up to date, `partitions` its months; `sessions` makes a
transaction one of three roles, which row-level security binds; `clock` is what leases go by; `writer`
commits in groups; `writing`, `claiming` (what workers take on) and `reading` are the statements, `telling`
what comes with a change, `rows` the tables of tenants, and `log` what sinks are sent; `store` puts them
together.
"""

from __future__ import annotations

from greenlang.stores.postgresql.database import migrate
from greenlang.stores.postgresql.store import PostgresqlStore

__all__ = ["PostgresqlStore", "migrate"]
