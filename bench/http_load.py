"""A lean client for load: keep-alive connections on uvloop that send one prepared request again and again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import uvloop


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    body: bytes
    content_type: str = "application/json"
    accept: str = "*/*"
    #: Of further headers, each with its line's end.
    lines: str = ""

    def encoded(self) -> bytes:
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self.content_type}\r\n"
            f"Accept: {self.accept}\r\n{self.lines}Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class _Connection(asyncio.Protocol):
    """One request at a time; `answered` is called with each whole answer."""

    def __init__(self, answered) -> None:
        self._answered = answered
        self._read = bytearray()
        self._wanted = 0
        self.transport: asyncio.Transport

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._wanted:
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._read[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(bytes(self._read[:2000]))
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._wanted = end + 4 + int(length)
        if len(self._read) >= self._wanted:
            self._read.clear()
            self._wanted = 0
            self._answered(self)

    def connection_lost(self, error) -> None:
        if error is not None:
            raise error


def rate(port: int, request: Request, *, connections: int = 32, seconds: float = 2.0) -> float:
    """Requests a second that a server answers when every connection asks again at once."""
    return uvloop.run(_rate(port, request.encoded(), connections, seconds))


async def _rate(port: int, sent: bytes, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    count, going = 0, True

    def answered(connection: _Connection) -> None:
        nonlocal count
        count += 1
        if going:
            connection.transport.write(sent)

    made = [
        (await loop.create_connection(lambda: _Connection(answered), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    for one in made:
        one.transport.write(sent)
    await asyncio.sleep(0.25 * seconds)  # it is warm now
    count, start = 0, time.perf_counter()
    await asyncio.sleep(seconds)
    figure = count / (time.perf_counter() - start)
    going = False
    await asyncio.sleep(0.2)
    for one in made:
        one.transport.close()
    return figure


def late_ms(
    port: int, request: Request, per_second: float, *, connections: int = 32, seconds: float = 3.0
) -> float:
    """The 99th percentile of the milliseconds from when a request was due to its answer, at a fixed rate.

    What waits for a free connection waits in that figure: a server that stalls is not asked less for it.
    """
    return uvloop.run(_late_ms(port, request.encoded(), per_second, connections, seconds))


async def _late_ms(port: int, sent: bytes, per_second: float, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    due: deque[float] = deque()
    free: list[_Connection] = []
    asked: dict[_Connection, float] = {}
    waits: list[float] = []

    def send() -> None:
        while due and free:
            connection = free.pop()
            asked[connection] = due.popleft()
            connection.transport.write(sent)

    def answered(connection: _Connection) -> None:
        waits.append(time.perf_counter() - asked.pop(connection))
        free.append(connection)
        send()

    for _ in range(connections):
        free.append((await loop.create_connection(lambda: _Connection(answered), "127.0.0.1", port))[1])
    made = list(free)
    start = time.perf_counter()
    scheduled = 0
    while (now := time.perf_counter() - start) < seconds:
        while scheduled < now * per_second:
            due.append(start + scheduled / per_second)
            scheduled += 1
        send()
        await asyncio.sleep(0.0005)
    await asyncio.sleep(0.5)
    for one in made:
        one.transport.close()
    waits.sort()
    return 1000 * waits[int(len(waits) * 0.99)]
