"""The speed table of the HTTP service: `make bench-http`, a pass or a fail for each target.

The server has one core and the load another, where the machine has two. Moves with everything between
`greenlang/service/` and `greenlang/stores/`, of batches with `greenlang/carbon/` and `greenlang/ledger/` too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from . import ROOT
from .http_load import Request, late_ms, rate
from .rows import Row

ROUNDS = 5
CORES = sorted(os.sched_getaffinity(0))

EXECUTE = "/v1/workflows/execute"
EMISSIONS = "/v1/calculations/emissions"
ARROW = "application/vnd.apache.arrow.stream"

#: Three steps, 300 bytes.
PLAN = {
    "program": 'get("meters") >> get("readings") >> sum',
    "input": {"meters": {"site": "Tacoma plant", "readings": [round(17.25 * n, 2) for n in range(24)]}},
    "priority": "P1",
}

ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": 1500.25,
    "unit": "MMBtu",
    "region": "US",
}

#: Five kinds of rows in three months.
KINDS = (
    ("natural gas", "MMBtu", "US"),
    ("natural gas", "therm", "US"),
    ("Distillate Fuel Oil No. 2", "US gal", "US"),
    ("electricity", "kWh", "US"),
    ("electricity", "MWh", "CAMX"),
)
BATCH = [
    {
        "id": f"R-{number:04d}",
        "period": f"2025-{number % 3 + 1:02d}",
        "activity": KINDS[number % 5][0],
        "quantity": f"{number * 7}.{number % 1000:03d}",
        "unit": KINDS[number % 5][1],
        "region": KINDS[number % 5][2],
    }
    for number in range(1000)
]


@contextlib.contextmanager
def process(arguments: list[str], told: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server on the first core, and the port that it tells."""
    command = [sys.executable, "-m", *arguments]
    pinned = ["taskset", "-c", str(CORES[0]), *command] if len(CORES) > 1 else command
    with subprocess.Popen(
        pinned, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        try:
            yield server, int(next(found[1] for line in server.stdout if (found := re.search(told, line))))
        finally:
            server.terminate()


@contextlib.contextmanager
def service(store: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = ["greenlang", "serve", "--port", "0", "--store", store, *arguments]
    with process(command, r"http://[\d.]+:(\d+)") as served:
        yield served


def reply_to(port: int, path: str, body: object) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310  our own server
        return response.read()


@contextlib.contextmanager
def side_by_side(store: str, path: str, body: object) -> Iterator[tuple[int, int, Request]]:
    """The ports of the service and of the bare handler that gives the same answer, and the request."""
    with service(store) as (_, port), tempfile.TemporaryDirectory() as folder:
        reply = Path(folder, "reply.json")
        reply.write_bytes(reply_to(port, path, body))
        with process(["bench.http_reference", str(reply)], r"^(\d+)$") as (_, bare):
            yield port, bare, Request(path, json.dumps(body).encode())


def ratio(store: str, path: str, body: object) -> float:
    """The service's requests a second over the bare handler's; both in turn, so that noise hits both."""
    with side_by_side(store, path, body) as (port, bare, request):
        return statistics.median(rate(port, request) / rate(bare, request) for _ in range(ROUNDS))


def durable_ratio() -> float:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return ratio(f"{folder}/runtime.db", EMISSIONS, ACTIVITY)


def activities_a_second(request: Request) -> float:
    with service("memory:") as (_, port):
        rates = [rate(port, request, connections=4, seconds=1.5) for _ in range(ROUNDS)]
    return statistics.median(rates) * len(BATCH)


def arrow_body() -> bytes:
    table = pa.Table.from_pylist(BATCH)
    table = table.set_column(3, "quantity", table["quantity"].cast(pa.decimal128(38, 3)))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def late_ratio() -> float:
    """At the same rate for both, 60 % of the service's best."""
    with side_by_side("memory:", EXECUTE, PLAN) as (port, bare, request):
        best = statistics.median(rate(port, request) for _ in range(3))
        pairs = [
            (late_ms(port, request, 0.6 * best), late_ms(bare, request, 0.6 * best)) for _ in range(ROUNDS)
        ]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def idle_mb() -> float:
    with service("memory:") as (server, _):
        time.sleep(1.0)
        status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


BARE = "bare aiohttp, uvloop and msgspec, same bodies"

ROWS = [
    Row(
        "execute a cached 3-step plan, store in memory",
        BARE,
        1.0,
        lambda: ratio("memory:", EXECUTE, PLAN),
        at_least=True,
    ),
    Row("one activity, durable in SQLite", BARE, 0.6, durable_ratio, at_least=True),
    Row(
        "batches of 1,000 activities in JSON",
        "",
        200_000,
        lambda: activities_a_second(Request(EMISSIONS, json.dumps(BATCH).encode())),
        "/s",
        at_least=True,
    ),
    Row(
        "batches of 1,000 activities in Arrow",
        "",
        1_000_000,
        lambda: activities_a_second(Request(EMISSIONS, arrow_body(), ARROW, ARROW)),
        "/s",
        at_least=True,
    ),
    Row("p99 at 60 % of the best rate", f"{BARE}, same rate", 2.0, late_ratio),
    Row("memory of an idle server", "", 60, idle_mb, "MB"),
]
