"""Servers that are killed under load: nothing that was accepted is lost, nothing is completed twice.

`GREENLANG_KILLS=200` runs the long form; the usual one kills ten times.
"""

import asyncio
import contextlib
import http.client
import json
import os
import random
import signal
import sqlite3
import threading
import time

from greenlang.agents import Registry
from greenlang.engine.executions import Prover
from greenlang.ledger import ChainAudit, Unsigned
from greenlang.stores import open_store

KILLS = int(os.environ.get("GREENLANG_KILLS", "10"))

#: One runs where it is asked for, in one commit; the other is accepted, claimed, run and committed.
QUICK = {"program": "sum", "input": [1, 2.50], "wait": 5}
QUEUED = {"program": "sum >> identity", "input": [1, 2.50], "wait": 0}


def send(port, accepted, keys, stop):
    """Send until the server is gone; keep what was accepted, and the key of what nobody answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stop.is_set():
        body = random.choice([QUICK, QUEUED])  # noqa: S311
        key = f"key-{random.getrandbits(64):x}"
        try:
            connection.request("POST", "/v1/workflows/execute", json.dumps(body), {"Idempotency-Key": key})
            told = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            keys.append((key, body))
            return
        assert told["status"] == "success", told
        accepted.append(told["data"]["execution_id"])
        keys.append((key, body))


def audited(store):
    async def follow():
        opened = open_store(str(store), Prover(Registry(), Unsigned("a test")).seal)
        audit = ChainAudit()
        try:
            async for link in opened.commits():
                assert audit.add(link.head, link.leaves, link.records, link.owners) is None
        finally:
            await opened.close()
        return audit

    return asyncio.run(follow())


def test_nothing_accepted_is_lost_and_nothing_completed_twice(serve, tmp_path):
    store = tmp_path / "runtime.db"
    (tmp_path / "serve.toml").write_text("lease_seconds = 1.0\n")
    start = lambda: serve(store, tmp_path, "--config", str(tmp_path / "serve.toml"))  # noqa: E731
    accepted, keys = [], []
    for _ in range(KILLS):
        served, stop = start(), threading.Event()
        senders = [threading.Thread(target=send, args=(served.port, accepted, keys, stop)) for _ in range(3)]
        for sender in senders:
            sender.start()
        time.sleep(random.uniform(0.05, 0.4))  # noqa: S311
        served.stop(signal.SIGKILL)
        stop.set()
        for sender in senders:
            sender.join()
    assert len(accepted) >= 5 * KILLS
    served = start()
    # The same key again: what was accepted before the kill is given back, what was not is accepted now.
    for key, body in random.sample(keys, 20):
        _, told = served.call("POST", "/v1/workflows/execute", body, Idempotency_Key=key)
        accepted.append(told["data"]["execution_id"])
    waiting = set(accepted)
    end = time.monotonic() + 60
    while waiting and time.monotonic() < end:
        for name in list(waiting):
            _, told = served.call("GET", f"/v1/workflows/{name}/status")
            assert told["status"] == "success", f"{name} was accepted and is lost"
            if told["data"]["finished"]:
                assert told["data"]["state"] == "completed"
                waiting.discard(name)
    assert not waiting
    assert served.stop() == 0
    with contextlib.closing(sqlite3.connect(store)) as database:
        counts = dict(
            database.execute("SELECT aggregate_id, count(*) FROM events WHERE type = 'completed' GROUP BY 1")
        )
        (calculations,) = database.execute("SELECT count(*) FROM calculations").fetchone()
        (pointed,) = database.execute("SELECT count(DISTINCT calculation_id) FROM executions").fetchone()
    assert set(accepted) <= set(counts)
    assert set(counts.values()) == {1}
    assert calculations == pointed == len(counts)
    assert audited(store).records == calculations
