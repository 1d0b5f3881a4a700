"""What tests put into stores: executions and records that are like one another, and a seal to follow."""

import asyncio
import hashlib
import itertools
import os
import tempfile

from greenlang.stores import NewExecution, NewRecord, Sealed, open_store

NOW = 1_800_000_000_000_000
SECOND = 1_000_000


def seal(leaves, previous):
    """A link that a test can follow: the digest of what came before and of each leaf."""
    chain = hashlib.sha256((previous or "").encode() + b"".join(leaves)).hexdigest()
    return Sealed(chain, chain.encode())


#: Where there is one, a disk in memory.
_IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  folders of our own are made in it


def quick_folder():
    """A folder for as long as a block runs, for files that answer alike wherever they lie."""
    return tempfile.TemporaryDirectory(prefix="greenlang-test-", dir=_IN_MEMORY)


def with_store(url, use, by=seal):
    """What a coroutine gives of a store that is open for as long as it runs."""

    async def main():
        store = open_store(url, by)
        try:
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(main())


numbers = itertools.count(1)


def execution(**changes):
    number = next(numbers)
    usual = {
        "id": f"exec_{number:08}",
        "tenant": "acme",
        "priority": 1,
        "plan_hash": "sha256:0",
        "agents": ("acme.double@1.0.0", "acme.sum@2.1.0"),
        "request": b'{"input":1}',
        "created_at": NOW + number,
        "max_attempts": 3,
    }
    return NewExecution(**{**usual, **changes})


def record(tenant="acme", **changes):
    name = f"calc_{next(numbers):08}"
    usual = {
        "calculation_id": name,
        "tenant": tenant,
        "record": b'{"result":"' + name.encode() + b'"}',
        "leaf": hashlib.sha256(name.encode()).digest(),
        "created_at": NOW,
    }
    return NewRecord(**{**usual, **changes})
