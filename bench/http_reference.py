"""What the service is measured against: aiohttp on uvloop, the same bodies decoded and encoded by msgspec.

python -m bench.http_reference REPLY     answers every POST with the JSON in the file REPLY, decoded and
                                         encoded anew each time; prints its port
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiohttp import web


class Execute(msgspec.Struct):
    program: str
    input: msgspec.Raw
    policy: dict[str, Any] = {}
    wait: float = 10.0


class Activity(msgspec.Struct):
    id: str
    period: str
    activity: str
    quantity: Any
    unit: str
    region: str = ""


class Envelope(msgspec.Struct):
    status: str
    data: dict[str, Any]
    meta: dict[str, str]
    errors: list[Any]


async def serve(reply: Path) -> None:
    answer = msgspec.json.decode(reply.read_bytes(), type=Envelope)
    kind = Execute if "execution_id" in answer.data else Activity
    decode, encode = msgspec.json.Decoder(kind, float_hook=str).decode, msgspec.json.Encoder().encode

    async def handle(request: web.Request) -> web.Response:
        decode(await request.read())
        return web.Response(body=encode(answer), content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await _forever()


async def _forever() -> None:
    import asyncio

    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
