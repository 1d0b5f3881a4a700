"""What it costs to be watched: metrics, traces that are off, and scrapes of a busy node.

Moves with `greenlang/observing/`, and with what `greenlang/agents/phases.py` is called for. Shares are of CPU
time, measured in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import uvloop

from greenlang.agents import Registry
from greenlang.agents.phases import phase
from greenlang.engine.calculations import Calculator
from greenlang.engine.executions import PlanCache, Prover, Runner
from greenlang.ledger import load_signer
from greenlang.observing import Counts, Watched
from greenlang.observing.page import NodeState, render_page
from greenlang.service import Api, Call
from greenlang.stores import State, open_store

from .http_load import Request, rate
from .http_table import EXECUTE, PLAN, service
from .rows import Row

ROUNDS = 9
CALLS = 300

#: What Prometheus does unless told otherwise.
SCRAPE_SECONDS = 15.0

#: Phases that one execution tells of.
PHASES = (("discover",), ("validate",), ("execute", "calculate"), ("execute", "provenance"), ("finalise",))


async def _request_seconds() -> float:
    """CPU seconds of a request that is answered at once, without the bytes on the wire."""
    registry = Registry()
    prover = Prover(registry, load_signer())
    runner = Runner(open_store("memory:", prover.seal), PlanCache(registry), prover)
    await runner.start()
    api = Api(runner, Calculator(runner.store, runner.plans, prover), check_webhook=lambda _: None)
    body = json.dumps(PLAN).encode()
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            reply = await api.respond(Call("POST", EXECUTE, "0" * 32, body=body))
        assert reply.status == 200
        rounds.append((time.process_time() - began) / CALLS)
    await runner.stop(0)
    await runner.store.close()
    return min(rounds)


def share_of_request(added: Callable[[], None]) -> float:
    """What is done besides for every request, in percent of it.

    Each is measured alone: a difference of two rates is lost in the noise of either.
    """
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(10_000):
            added()
        rounds.append((time.process_time() - began) / 10_000)
    return 100 * min(rounds) / uvloop.run(_request_seconds())


def counted_share() -> float:
    counts = Counts()

    def count() -> None:
        began = time.perf_counter()
        counts.calculated("none", (), "success")
        counts.answered("none", "default", 200, "execute", time.perf_counter() - began)

    return share_of_request(count)


def untraced_share() -> float:
    def tell() -> None:
        for path in PHASES:
            phase(*path)

    return share_of_request(tell)


def scraped_share() -> float:
    """What a scrape costs a node whose labels are as many as it tells apart, in percent of a core."""
    counts = Counts()
    for number in range(2_000):
        counts.answered(f"pack.agent{number % 40}", f"tenant{number % 90}", 200, f"op{number % 5}", 0.02)
    watched, state = Watched(counts, None), NodeState(dict.fromkeys(State, 1), 100, 0)
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        render_page(watched.all(), state)
        seconds.append(time.process_time() - began)
    return 100 * statistics.median(seconds) / SCRAPE_SECONDS


def served_share() -> float:
    """What a scrape over HTTP costs a node that has answered requests, in percent of a core."""
    with service("memory:") as (server, port):
        request = Request(EXECUTE, json.dumps(PLAN).encode())
        rate(port, request)

        def cpu() -> float:
            fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        scrapes, began = 200, cpu()
        for _ in range(scrapes):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                page.read()
        return 100 * (cpu() - began) / scrapes / SCRAPE_SECONDS


def scraped_rate() -> float:
    """Requests a second while it is scraped each second, over those while it is not."""
    with service("memory:") as (_, port):
        request = Request(EXECUTE, json.dumps(PLAN).encode())
        going, asked = threading.Event(), threading.Event()

        def scrape() -> None:
            while not asked.wait(1.0):
                if going.is_set():
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read()

        thread = threading.Thread(target=scrape)
        thread.start()
        ratios = []
        for _ in range(ROUNDS):
            going.set()
            scraped = rate(port, request)
            going.clear()
            ratios.append(scraped / rate(port, request))
        asked.set()
        thread.join()
    return statistics.median(ratios)


ROWS = [
    Row("counting a request", "the request", 2, counted_share, "%", quick=True),
    Row("phases of a request, untraced", "the request", 1, untraced_share, "%", quick=True),
    Row("a scrape of 600 labels, each 15 s", "a core", 1, scraped_share, "%", quick=True),
    Row("a scrape over HTTP, each 15 s", "a core", 1, served_share, "%"),
    Row("rate while scraped each second", "the same, not scraped", 0.97, scraped_rate, at_least=True),
]
