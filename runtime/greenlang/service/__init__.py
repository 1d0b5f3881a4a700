"""The runtime over HTTP: bytes come in, executions and proofs go out.

`api` finds the operation of a call (`operations`, a module a kind) and answers whatever goes wrong
(`refusals`), in terms of `wire` (a call, a reply, the envelope), `messages` (their types), `reading` (what
requests say) and `negotiation` (versions). `routing` holds the table of routes, of which `openapi` describes
the API and `documents` shows it. None of them knows a server: that are `entrance`, the only one that knows
aiohttp's requests, `node` (all that one process serves with, made by its `settings`), `server` (one process),
`workers` (several), `metrics_door` and `webhooks`.
"""

from __future__ import annotations

from greenlang.service.api import Api
from greenlang.service.server import serve
from greenlang.service.settings import ServerSettings, WebhookSettings, read_settings
from greenlang.service.wire import Call, Reply, Stream
from greenlang.service.workers import serve_with_workers

__all__ = [
    "Api",
    "Call",
    "Reply",
    "ServerSettings",
    "Stream",
    "WebhookSettings",
    "read_settings",
    "serve",
    "serve_with_workers",
]
