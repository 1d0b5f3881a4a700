"""The store of a laptop and of one machine: SQLite, write-ahead log, durable at every commit.

`database` opens the file and brings its schema up to date; `writer` commits in groups, from one thread;
`writing`, `claiming` (what workers take on) and `reading` are the statements, `telling` what comes with a
change, `rows` the tables of tenants; `store` puts them together.
"""

from __future__ import annotations

from greenlang.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
