"""Every kind of forged token, against the keys that an issuer really publishes: none is believed.

Each case is made from a good token, which the same verifier believes before and after.
"""

import asyncio
import base64
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from greenlang.service.identity import TokenSettings
from greenlang.service.identity.tokens import TokenVerifier

AUDIENCE = "greenlang"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()

#: Of the issuer's; `for-secrets` is for encryption, not for signatures.
KEYS = {
    "rsa": (RSA, "RS256"),
    "ec": (CURVE, "ES256"),
    "ed": (EDWARDS, "EdDSA"),
    "for-secrets": (RSA, "RS256"),
}


def encoded(value):
    given = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(given).rstrip(b"=").decode()


def public_jwk(key, algorithm, **more):
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return {**made, **more}


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


@pytest.fixture(scope="module")
def issuer():
    """Its keys at its URL, and a list of every path that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            url = f"http://127.0.0.1:{self.server.server_port}"
            keys = [
                public_jwk(key, algorithm, kid=name, **({"use": "enc"} if name == "for-secrets" else {}))
                for name, (key, algorithm) in KEYS.items()
            ]
            documents = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/jwks"},
                "/jwks": {"keys": keys},
                "/strangers": {"keys": [public_jwk(STRANGER, "RS256", kid="rsa")]},
            }
            body = json.dumps(documents.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


class Forge:
    """Makes tokens, good ones and others."""

    def __init__(self, url):
        self.url = url

    def claims(self, **changes):
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "eve", "iat": now, "exp": now + 300}
        claims = {**usual, "tenant_id": "acme", "roles": ["admin"], **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def good(self, name="rsa", *, headers=None, **changes):
        key, algorithm = KEYS[name]
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": name, **(headers or {})})

    def by_stranger(self, **headers):
        return jwt.encode(self.claims(), STRANGER, "RS256", headers=headers)

    def by_secret(self, secret, algorithm="HS256", **headers):
        head = {"alg": algorithm, "typ": "JWT", "kid": "rsa", **headers}
        signed = f"{encoded(head)}.{encoded(self.claims())}"
        digest = hmac.digest(secret, signed.encode(), f"sha{algorithm[2:]}")
        return f"{signed}.{encoded(digest)}"

    def with_head(self, head):
        """A head of any kind before what was really signed."""
        _, body, signature = self.good().split(".")
        return f"{encoded(head)}.{body}.{signature}"

    def with_body(self, body):
        head, _, signature = self.good().split(".")
        return f"{head}.{encoded(body)}.{signature}"

    def signed_raw(self, head, body):
        """Whatever it is, signed by the issuer itself."""
        text = f"{encoded(head)}.{encoded(body)}"
        signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), RSA)
        return f"{text}.{encoded(signature)}"


def flipped(token, place):
    """The token with one bit of its signature another."""
    head, body, signature = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[place] ^= 1
    return f"{head}.{body}.{encoded(bytes(raw))}"


RS = {"alg": "RS256", "typ": "JWT", "kid": "rsa"}

FORGED = {
    # No signature, or none that counts.
    "alg none": lambda f: f"{encoded({'alg': 'none', 'kid': 'rsa'})}.{encoded(f.claims())}.",
    "alg None": lambda f: f"{encoded({'alg': 'None', 'kid': 'rsa'})}.{encoded(f.claims())}.",
    "alg nOnE, signed": lambda f: f.with_head({"alg": "nOnE", "kid": "rsa"}),
    "no alg": lambda f: f.with_head({"typ": "JWT", "kid": "rsa"}),
    "alg empty": lambda f: f.with_head({**RS, "alg": ""}),
    "alg null": lambda f: f.with_head({**RS, "alg": None}),
    "alg a list": lambda f: f.with_head({**RS, "alg": ["RS256"]}),
    "alg an object": lambda f: f.with_head({**RS, "alg": {"RS256": 1}}),
    "signature left out": lambda f: f.good().rpartition(".")[0] + ".",
    "signature and dot left out": lambda f: f.good().rpartition(".")[0],
    "signature cut": lambda f: f.good()[:-20],
    "signature longer": lambda f: f.good() + "AAAA",
    "signature of zeros": lambda f: f.good().rpartition(".")[0] + "." + encoded(bytes(256)),
    "first bit flipped": lambda f: flipped(f.good(), 0),
    "last bit flipped": lambda f: flipped(f.good(), 255),
    "ES256 zeros": lambda f: f.good("ec").rpartition(".")[0] + "." + encoded(bytes(64)),
    "EdDSA zeros": lambda f: f.good("ed").rpartition(".")[0] + "." + encoded(bytes(64)),
    # The public key as a secret.
    "HS256 with the public key": lambda f: f.by_secret(public_pem(RSA)),
    "HS512 with the public key": lambda f: f.by_secret(public_pem(RSA), "HS512"),
    "HS256 called RS256": lambda f: f.by_secret(public_pem(RSA), alg="RS256"),
    "HS256 with an empty secret": lambda f: f.by_secret(b""),
    "HS256 with the JWK": lambda f: f.by_secret(json.dumps(public_jwk(RSA, "RS256")).encode()),
    # A key of another kind or use.
    "RS256 under the id of an ES256 key": lambda f: f.good(headers={"kid": "ec"}),
    "ES256 under the id of an RS256 key": lambda f: f.good("ec", headers={"kid": "rsa"}),
    "a key for encryption": lambda f: f.good("for-secrets"),
    "PS256": lambda f: jwt.encode(f.claims(), RSA, "PS256", headers={"kid": "rsa"}),
    "RS512": lambda f: jwt.encode(f.claims(), RSA, "RS512", headers={"kid": "rsa"}),
    # A key of the sender's own.
    "a stranger's key": lambda f: f.by_stranger(kid="rsa"),
    "a stranger's key without id": lambda f: f.by_stranger(),
    "no id, of several keys": lambda f: jwt.encode(f.claims(), RSA, "RS256"),
    "jwk": lambda f: f.by_stranger(kid="rsa", jwk=public_jwk(STRANGER, "RS256")),
    "jku": lambda f: f.by_stranger(kid="rsa", jku=f"{f.url}/strangers"),
    "x5u": lambda f: f.by_stranger(kid="rsa", x5u=f"{f.url}/strangers"),
    "x5c": lambda f: f.by_stranger(kid="rsa", x5c=[base64.b64encode(public_pem(STRANGER)).decode()]),
    "kid a path": lambda f: f.by_stranger(kid="../../../../dev/null"),
    "kid SQL": lambda f: f.by_stranger(kid="x' UNION SELECT 'secret"),
    "kid a command": lambda f: f.by_stranger(kid="rsa|true"),
    "kid a URL": lambda f: f.by_stranger(kid=f"{f.url}/strangers"),
    "kid with NUL": lambda f: f.by_stranger(kid="rsa\0"),
    "kid a number": lambda f: f.with_head({**RS, "kid": 7}),
    "kid an object": lambda f: f.with_head({**RS, "kid": {"$ne": None}}),
    # Claims that do not hold.
    "expired": lambda f: f.good(exp=int(time.time()) - 10),
    "expired long ago": lambda f: f.good(exp=1),
    "never expires": lambda f: f.good(exp=None),
    "exp a text": lambda f: f.signed_raw(RS, f.claims(exp="soon")),
    "exp infinite": lambda f: f.signed_raw(RS, json.dumps(f.claims()).encode()[:-1] + b', "exp": 1e999}'),
    "exp not a number": lambda f: f.signed_raw(RS, json.dumps(f.claims()).encode()[:-1] + b', "exp": NaN}'),
    "not yet": lambda f: f.good(nbf=int(time.time()) + 60),
    "issued tomorrow": lambda f: f.good(iat=int(time.time()) + 86_400),
    "another issuer": lambda f: f.good(iss="https://elsewhere.example"),
    "issuer with a slash": lambda f: f.good(iss=f.url + "/"),
    "issuer of a list": lambda f: f.signed_raw(RS, f.claims(iss=[f.url])),
    "no issuer": lambda f: f.good(iss=None),
    "another audience": lambda f: f.good(aud="others"),
    "audience like ours": lambda f: f.good(aud="greenlang.example"),
    "no audience": lambda f: f.good(aud=None),
    "no subject": lambda f: f.good(sub=None),
    "claims changed": lambda f: f.with_body(f.claims(tenant_id="globex")),
    "claims a list": lambda f: f.signed_raw(RS, [f.claims()]),
    "claims a text": lambda f: f.signed_raw(RS, "eve"),
    "claims no JSON": lambda f: f.signed_raw(RS, b"\xff\xfe{}"),
    "claims nested deeply": lambda f: f.signed_raw(RS, b"[" * 8000),
    # Signed by the issuer, but for something else.
    "typ of a logout token": lambda f: f.good(headers={"typ": "logout+jwt"}),
    "typ of a proof": lambda f: f.good(headers={"typ": "dpop+jwt"}),
    "typ a number": lambda f: f.good(headers={"typ": 1}),
    "what is critical is not known": lambda f: f.good(headers={"crit": ["acme"], "acme": True}),
    "body beside it": lambda f: f.with_head({**RS, "b64": False, "crit": ["b64"]}),
    # Not a token at all.
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "many dots": lambda f: f.good() + "." + f.good(),
    "five parts": lambda _: "a.b.c.d.e",
    "no base64": lambda f: "!!!." + f.good().partition(".")[2],
    "head a list": lambda f: f.with_head([RS]),
    "head no JSON": lambda f: f.with_head(b"{"),
    "head nested deeply": lambda f: f.with_head(b"[" * 8000),
    "head nested in a field": lambda f: f.with_head(b'{"alg":"RS256","kid":' + b"[" * 8000),
    "huge": lambda f: f.good(padding="x" * 100_000),
    "huge head": lambda f: f.by_stranger(kid="x" * 100_000),
    "no ASCII": lambda f: f.good() + "é",
}


@pytest.fixture(scope="module")
def believed(issuer):
    """Asks one verifier about tokens, one after the other."""
    loop = asyncio.new_event_loop()
    settings = TokenSettings(
        issuer=issuer.url, audience=AUDIENCE, leeway_seconds=0.0, unknown_key_seconds=3600.0
    )
    verifier = TokenVerifier(settings)
    yield lambda token: loop.run_until_complete(verifier.identity(token))
    loop.close()


@pytest.fixture(scope="module")
def forge(issuer):
    return Forge(issuer.url)


@pytest.mark.parametrize("name", ["rsa", "ec", "ed"])
@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_a_good_one_is_believed(believed, forge, name, typ):
    identity = believed(forge.good(name, headers={"typ": typ}))
    assert (identity.tenant, identity.subject) == ("acme", "eve")


@pytest.mark.parametrize("kind", FORGED)
def test_none_that_is_forged_is_believed(believed, forge, kind):
    assert believed(FORGED[kind](forge)) is None


def test_no_token_makes_the_verifier_fetch_what_it_names(believed, forge, issuer):
    for kind in FORGED:
        believed(FORGED[kind](forge))
    assert set(issuer.asked) == {"/.well-known/openid-configuration", "/jwks"}


def test_of_many_that_are_forged_none_costs_memory(believed, forge):
    """What was refused is not remembered, and what was believed only up to a bound."""
    import tracemalloc

    token = FORGED["first bit flipped"](forge)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(200):
            assert believed(f"{token}{number:06}") is None
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


def test_what_was_believed_is_remembered_up_to_a_bound_and_never_past_its_end(forge, issuer, monkeypatch):
    monkeypatch.setattr("greenlang.service.identity.tokens._BELIEVED_TOKENS", 3)
    verified = []
    decode = jwt.decode

    def decoded(token, *rest, **more):
        verified.append(token)
        return decode(token, *rest, **more)

    monkeypatch.setattr(jwt, "decode", decoded)
    verifier = TokenVerifier(TokenSettings(issuer=issuer.url, audience=AUDIENCE, leeway_seconds=0.0))

    async def ask():
        tokens = [forge.good(sub=f"caller {number}") for number in range(5)]
        for token in (*tokens, *tokens[2:], *tokens[2:]):
            assert await verifier.identity(token) is not None
        assert verified == tokens
        assert await verifier.identity(tokens[0]) is not None
        assert verified == [*tokens, tokens[0]]
        short = forge.good(exp=int(time.time()) + 1)
        assert await verifier.identity(short) is not None
        await asyncio.sleep(1.1)
        assert await verifier.identity(short) is None

    asyncio.run(ask())
