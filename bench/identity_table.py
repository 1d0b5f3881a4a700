"""What it costs to know who asks, a row a way to say so: `make bench-identity`.

The same service answers the same requests, once of anybody and once of those who show a key or a token; both
in turn, so that noise hits both.  Moves with `greenlang/service/identity/` and what is done with an identity
behind it: limits are off, and the tenant is nobody's in particular.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from .http_load import Request, rate
from .http_table import EXECUTE, PLAN, service
from .rows import Row

ROUNDS = 7
AUDIENCE = "greenlang"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        public = jwt.get_algorithm_by_name("RS256").to_jwk(KEY.public_key(), as_dict=True)
        public.pop("key_ops", None)
        documents = {
            "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/jwks"},
            "/jwks": {"keys": [{**public, "kid": "one"}]},
        }
        body = json.dumps(documents[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def guarded() -> Iterator[tuple[int, Callable[[], str]]]:
    """The port of a service whose callers say who they are, and what makes a token of an admin."""
    issuer = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    threading.Thread(target=issuer.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{issuer.server_port}"

    def token() -> str:
        claims = {"iss": url, "aud": AUDIENCE, "sub": "bench", "tenant_id": "acme", "roles": ["admin"]}
        until = {"exp": int(time.time()) + 3600}
        return jwt.encode({**claims, **until}, KEY, "RS256", headers={"kid": "one"})

    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "serve.toml")
        settings.write_text(f'[authentication.tokens]\nissuer = "{url}"\naudience = "{AUDIENCE}"\n')
        with service("memory:", "--config", str(settings)) as (_, port):
            yield port, token
    issuer.shutdown()


def with_token(_: int, token: str) -> str:
    return token


def with_key(port: int, token: str) -> str:
    body = json.dumps({"name": "bench", "roles": ["developer"]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/keys", body, headers)
    with urllib.request.urlopen(request) as response:  # noqa: S310  our own server
        return json.load(response)["data"]["key"]


def ratio(shown_by: Callable[[int, str], str]) -> float:
    body = json.dumps(PLAN).encode()
    with service("memory:") as (_, anybody), guarded() as (port, token):
        shown = shown_by(port, token())
        known = Request(EXECUTE, body, lines=f"Authorization: Bearer {shown}\r\n")
        unknown = Request(EXECUTE, body)
        return statistics.median(rate(port, known) / rate(anybody, unknown) for _ in range(ROUNDS))


ANYBODY = "the same of anybody, in the same service"

ROWS = [
    Row("a cached 3-step plan, by an API key", ANYBODY, 0.85, lambda: ratio(with_key), at_least=True),
    Row("the same, by a JSON Web Token (RS256)", ANYBODY, 0.85, lambda: ratio(with_token), at_least=True),
]
