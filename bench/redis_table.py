"""The speed table of what Redis does: `make bench-redis`, a pass or a fail for each target."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvloop

from greenlang.channels.connection import RedisConnection
from greenlang.queues import Signal
from greenlang.queues.in_redis import RedisQueue
from greenlang.service.limits import Allowance
from greenlang.service.limits.in_redis import RedisLimiter

from . import ROOT
from .rows import Row

sys.path.insert(0, str(ROOT / "tests" / "support"))
from redis_server import redis

CONSUMERS = 4
SIGNALS = 50_000

#: Half of what the queue has to carry, for so long.
SIGNALS_A_SECOND = 5_000
SECONDS = 4.0

ROUNDS = 5


@contextlib.contextmanager
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, redis(Path(folder)) as started:
        yield started.url


@contextlib.contextmanager
def consumers(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "bench.redis_consumer", url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(CONSUMERS)
    ]
    try:
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        yield started
    finally:
        for each in started:
            each.kill()
            each.wait()


@contextlib.asynccontextmanager
async def producer(url: str) -> AsyncIterator[RedisQueue]:
    connection = RedisConnection(url)
    queue = RedisQueue(connection)
    yield queue
    await queue.close()
    await connection.close()


def announce(queue: RedisQueue, number: int) -> None:
    queue.announce(Signal(f"exec_{number:032x}", "acme", number % 4, str(time.monotonic_ns())))


def late_ms(workers: list[subprocess.Popen[str]]) -> list[float]:
    """How late each signal came that the workers had, once they are told that there are no more."""
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    return [int(tenths) / 10 for each in told for tenths, count in each.items() for _ in range(count)]


def jobs_a_second() -> float:
    """From the first announcement until the last signal is seen to, with nothing left in Redis."""

    async def carry(url: str) -> float:
        async with producer(url) as queue:
            client = queue._connection.client
            began = time.perf_counter()
            for number in range(SIGNALS):
                announce(queue, number)
            while queue._sending is not None or any(
                [await client.xlen(f"greenlang:queue:p{priority}") for priority in range(4)]
            ):
                await asyncio.sleep(0.02)
            return SIGNALS / (time.perf_counter() - began)

    rates = []
    for _ in range(ROUNDS):
        with server() as url, consumers(url) as workers:
            rates.append(uvloop.run(carry(url)))
            assert len(late_ms(workers)) == SIGNALS
    return statistics.median(rates)


def pick_up_ms() -> float:
    """The 99th percentile from announcing to having it, at an even rate."""

    async def pace(url: str) -> None:
        async with producer(url) as queue:
            began, sent = time.monotonic(), 0
            while (passed := time.monotonic() - began) < SECONDS:
                for _ in range(int(passed * SIGNALS_A_SECOND) - sent):
                    announce(queue, sent)
                    sent += 1
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.5)

    percentiles = []
    for _ in range(ROUNDS):
        with server() as url, consumers(url) as workers:
            uvloop.run(pace(url))
            percentiles.append(statistics.quantiles(late_ms(workers), n=100)[98])
    return statistics.median(percentiles)


def limit_ratio() -> float:
    """A check of a limit over a bare GET, through the same client, one after another and in turn."""

    async def measure(url: str) -> float:
        connection = RedisConnection(url)
        limiter = RedisLimiter(connection)
        allowance = Allowance(6000, 500)

        async def checks(key: str, count: int) -> float:
            began = time.perf_counter()
            for _ in range(count):
                await limiter.take(key, allowance)
            return time.perf_counter() - began

        async def trips(count: int) -> float:
            began = time.perf_counter()
            for _ in range(count):
                await connection.client.get("nothing")
            return time.perf_counter() - began

        await checks("warm", 400)
        await trips(400)
        ratios = [await checks(f"tenant-{number}", 300) / await trips(300) for number in range(5 * ROUNDS)]
        await limiter.close()
        await connection.close()
        return statistics.median(ratios)

    with server() as url:
        return uvloop.run(measure(url))


ROWS = [
    Row(
        "jobs through one Redis, 4 consumers",
        "",
        10_000,
        jobs_a_second,
        "/s",
        at_least=True,
    ),
    Row(f"p99 of a pick-up at {SIGNALS_A_SECOND:,} jobs a second", "", 10, pick_up_ms, "ms"),
    Row("check of a limit", "a GET through the same client", 1.3, limit_ratio),
]
