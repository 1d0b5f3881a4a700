"""One worker of the queue: takes and is done until it is told enough, then prints how late signals came.

    python -m bench.redis_consumer URL

It tells `ready` first, and ends with its standard input: then it tells how many came how many tenths of a
millisecond late.  Signals carry when they were announced as their correlation id, on the clock that all
processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

import uvloop

from greenlang.channels.connection import RedisConnection
from greenlang.queues.in_redis import RedisQueue

AT_ONCE = 256


async def consume(url: str) -> Counter[int]:
    connection = RedisConnection(url)
    queue = RedisQueue(connection)
    loop = asyncio.get_running_loop()
    enough = loop.run_in_executor(None, sys.stdin.read)
    late: Counter[int] = Counter()
    print("ready", flush=True)
    while not enough.done():
        taken = await queue.take(AT_ONCE, wait_seconds=0.2)
        now = time.monotonic_ns()
        late.update((now - int(each.signal.correlation_id or now)) // 100_000 for each in taken)
        queue.done(taken)
    await queue.close()
    await connection.close()
    return late


if __name__ == "__main__":
    print(json.dumps(uvloop.run(consume(sys.argv[1]))))
