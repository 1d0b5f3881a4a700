"""One worker of the queue: takes and is done until it is told enough, then prints how late each signal came.

    python -m bench.redis_consumer URL

It tells `ready` first, and ends with its standard input.  Signals carry when they were announced as their
correlation id, on the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from greenlang.channels.connection import RedisConnection
from greenlang.queues.in_redis import RedisQueue

AT_ONCE = 256


async def consume(url: str) -> list[int]:
    connection = RedisConnection(url)
    queue = RedisQueue(connection)
    loop = asyncio.get_running_loop()
    enough = loop.run_in_executor(None, sys.stdin.read)
    late: list[int] = []
    print("ready", flush=True)
    while not enough.done():
        taken = await queue.take(AT_ONCE, wait_seconds=0.2)
        now = time.monotonic_ns()
        late += [now - int(each.signal.correlation_id or now) for each in taken]
        queue.done(taken)
    await queue.close()
    await connection.close()
    return late


if __name__ == "__main__":
    print(json.dumps(uvloop.run(consume(sys.argv[1]))))
