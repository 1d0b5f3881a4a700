"""The runtime over HTTP: bytes come in, executions and proofs go out.

`api` has every operation, in terms of `wire` (a call, a reply, the envelope) and `messages` (their
types); `routing` finds the operation of a path and `openapi` describes them all.  `server` is the
entrance, and the only one that knows aiohttp.
"""

from __future__ import annotations

from greenlang.service.api import Api
from greenlang.service.server import ServerSettings, serve
from greenlang.service.wire import Call, Reply

__all__ = ["Api", "Call", "Reply", "ServerSettings", "serve"]
