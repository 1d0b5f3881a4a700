"""Who asks and what they may do: keys, tokens of a real issuer, roles."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import re
import socket
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from msgspec.structs import replace

from greenlang.service.identity import TokenSettings, new_api_key
from greenlang.service.identity.api_keys import holds
from greenlang.service.identity.tokens import KeySet
from greenlang.service.roles import ROLES, Permission, Role

SUM = {"program": "sum", "input": [1, 2.25]}
AUDIENCE = "greenlang"
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


class Issuer:
    """Publishes its keys over HTTP as an OpenID provider does, and signs with them."""

    def __init__(self):
        self.keys = {"first": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        self.fetches = 0
        self.fails = False
        #: Whether its documents come in several pieces.
        self.drips = False

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):  # noqa: N805  as the library has it
                self.fetches += 1
                body = json.dumps(self.documents().get(handler.path, {})).encode()
                handler.send_response(500 if self.fails else 200)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                for piece in (body[:40], body[40:]) if self.drips else (body,):
                    time.sleep(0.05 if self.drips else 0)
                    handler.wfile.write(piece)

            def log_message(handler, *_):  # noqa: N805
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def documents(self):
        keys = [
            {
                **jwt.get_algorithm_by_name(algorithm_of(key)).to_jwk(key.public_key(), as_dict=True),
                "kid": name,
            }
            for name, key in self.keys.items()
        ]
        for key in keys:
            key.pop("key_ops", None)
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"},
            "/jwks": {"keys": keys},
        }

    def claims(self, **changes):
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "somebody",
            "exp": now + 300,
            "iat": now,
            "tenant_id": "acme",
            "roles": ["developer"],
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, key_id="first", algorithm=None, **changes):
        key = self.keys[key_id]
        return jwt.encode(
            self.claims(**changes), key, algorithm or algorithm_of(key), headers={"kid": key_id}
        )


def algorithm_of(key):
    kinds = {
        rsa.RSAPrivateKey: "RS256",
        ec.EllipticCurvePrivateKey: "ES256",
        ed25519.Ed25519PrivateKey: "EdDSA",
    }
    return next(name for kind, name in kinds.items() if isinstance(key, kind))


@pytest.fixture(scope="module")
def issuer():
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def guarded(serve, issuer, tmp_path_factory):
    """A server whose callers must say who they are."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "serve.toml").write_text(
        "[authentication]\nremembered_seconds = 0.0\n"
        f'[authentication.tokens]\nissuer = "{issuer.url}"\naudience = "{AUDIENCE}"\n'
        "unknown_key_seconds = 0.2\nleeway_seconds = 0.0\n"
    )
    served = serve(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield served
    assert served.stop() == 0


def bearer(shown):
    return {"Authorization": f"Bearer {shown}"}


def ask(served, token, method="GET", path="/v1/executions", body=None):
    return served.call(method, path, body, **bearer(token))


class TestTokens:
    def test_the_tenant_comes_from_the_token(self, guarded, issuer):
        for tenant in ("acme", "other"):
            token = issuer.token(tenant_id=tenant)
            _, told = ask(guarded, token, "POST", "/v1/workflows/execute", SUM)
            name = told["data"]["execution_id"]
            assert ask(guarded, token, path=f"/v1/executions/{name}")[0].status == 200
            stranger = issuer.token(tenant_id="stranger")
            assert ask(guarded, stranger, path=f"/v1/executions/{name}")[0].status == 404

    @pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
    def test_each_algorithm_is_taken(self, guarded, issuer, kind):
        issuer.keys[kind] = {
            "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[kind]()
        time.sleep(0.25)  # so that the keys are fetched again
        assert ask(guarded, issuer.token(kind))[0].status == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": 1},
            {"exp": None},
            {"exp": "4000000000"},
            {"nbf": 4_000_000_000},
            {"iss": "https://elsewhere.example"},
            {"iss": None},
            {"aud": "another"},
            {"aud": None},
            {"sub": None},
            {"tenant_id": None},
            {"tenant_id": ""},
            {"tenant_id": 7},
            {"tenant_id": ["acme"]},
            {"tenant_id": "a" * 1000},
            {"tenant_id": "acme\0"},
            {"roles": "admin"},
        ],
    )
    def test_claims_that_do_not_hold_are_refused(self, guarded, issuer, changes):
        response, told = ask(guarded, issuer.token(**changes))
        assert (response.status, told["errors"][0]["code"]) == (401, "unauthenticated")
        assert 'error="invalid_token"' in response.getheader("WWW-Authenticate")

    def test_forged_tokens_are_refused(self, guarded, issuer):
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = (
            issuer.keys["first"]
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        good = issuer.token()
        head, body, signature = good.split(".")
        claims = issuer.claims(roles=["admin"])
        forged = [
            jwt.encode(claims, stranger, "RS256", headers={"kid": "first"}),
            jwt.encode(claims, stranger, "RS256", headers={"kid": "unknown"}),
            jwt.encode(claims, stranger, "RS256"),
            jwt.encode(claims, None, "none", headers={"kid": "first"}),
            with_secret(claims, public, {"alg": "HS256", "typ": "JWT", "kid": "first"}),
            with_secret(claims, b"", {"alg": "none", "kid": "first"}),
            f"{head}.{encoded(claims)}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{head}.{body}.{signature}x",
            jwt.encode(claims, stranger, "RS256", headers={"kid": "first", "jwk": public_jwk(stranger)}),
            jwt.encode(claims, stranger, "RS256", headers={"kid": "../../dev/null"}),
            "a.b.c",
            "x" * 100_000,
            "é",
        ]
        for token in forged:
            response, _ = ask(guarded, token.encode().decode("latin-1"))
            assert response.status in (400, 401), token[:60]
        assert ask(guarded, good)[0].status == 200

    def test_what_is_no_text_is_no_token(self, guarded):
        assert ask(guarded, b"\xff\xfe".decode("latin-1"))[0].status == 401

    def test_a_role_that_is_no_text_grants_nothing(self, guarded, issuer):
        assert ask(guarded, issuer.token(roles=[{"name": "admin"}, ["admin"], "viewer"]))[0].status == 200
        assert ask(guarded, issuer.token(roles=[{"name": "admin"}]))[0].status == 403

    def test_keys_are_changed_without_a_restart(self, guarded, issuer):
        issuer.keys["second"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        time.sleep(0.25)
        assert ask(guarded, issuer.token("second"))[0].status == 200

    def test_an_issuer_that_fails_does_not_lock_out_whose_keys_are_known(self, guarded, issuer):
        assert ask(guarded, issuer.token())[0].status == 200
        issuer.fails = True
        try:
            time.sleep(0.25)
            assert ask(guarded, issuer.token(sub="another"))[0].status == 200
            stranger = jwt.encode(issuer.claims(), issuer.keys["first"], "RS256", headers={"kid": "new"})
            assert ask(guarded, stranger)[0].status == 401
        finally:
            issuer.fails = False

    def test_unknown_keys_do_not_make_the_issuer_be_asked_each_time(self, guarded, issuer):
        time.sleep(0.25)
        before = issuer.fetches
        for number in range(20):
            token = jwt.encode(issuer.claims(), issuer.keys["first"], "RS256", headers={"kid": f"k{number}"})
            assert ask(guarded, token)[0].status == 401
        assert issuer.fetches - before <= 6


def test_a_key_that_is_withdrawn_while_its_issuer_fails_ends_soon_after(issuer):
    async def main():
        settings = TokenSettings(
            issuer=issuer.url, audience=AUDIENCE, keys_seconds=1.0, unknown_key_seconds=0.1
        )
        keys = KeySet(settings)
        issuer.keys["withdrawn"] = ed25519.Ed25519PrivateKey.generate()
        known = await keys.key("withdrawn")
        issuer.fails = True
        await asyncio.sleep(1.05)
        believed = await keys.key("withdrawn")
        issuer.fails = False
        del issuer.keys["withdrawn"]
        await asyncio.sleep(0.15)
        return known is not None, believed is not None, await keys.key("withdrawn")

    assert asyncio.run(main()) == (True, True, None)


def test_keys_that_come_in_several_pieces_are_read_whole(issuer):
    issuer.drips = True
    try:
        keys = KeySet(TokenSettings(issuer=issuer.url, audience=AUDIENCE))
        assert asyncio.run(keys.key("first")) is not None
    finally:
        issuer.drips = False


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_secret(claims, secret, head):
    signed = f"{encoded(head)}.{encoded(claims)}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256) if head["alg"] != "none" else b""
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def public_jwk(key):
    return jwt.get_algorithm_by_name("RS256").to_jwk(key.public_key(), as_dict=True)


#: What each operation takes that changes something or that not everybody may look at; any other takes `read`.
WANTED = {
    Permission.RUN: ("execute", "calculate", "make_batch", "recalculate_batch", "save_workflow"),
    Permission.OPERATE: ("cancel", "requeue", "cancel_batch", "resume_batch"),
    Permission.MANAGE_KEYS: ("create_key", "keys", "revoke_key"),
    Permission.MANAGE: (
        *("configure", "audit", "add_organisation", "remove_organisation", "put_user", "remove_user"),
        *("register", "move", "put_own_factors", "remove_own_factors"),
    ),
    Permission.MANAGE_TENANTS: (
        *("create_tenant", "tenants", "tenant", "change_tenant", "set_quotas"),
        "metrics",
    ),
}


class TestRoles:
    def test_the_matrix(self):
        """Who may do what, as the page for operators shows it."""
        told = {"x": True, "": False}
        rows = re.findall(r"^\| (\w+) \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
        cells = {name: [cell.strip() for cell in row.split("|")] for name, row in rows}
        columns = cells["role"]
        assert columns == list(Permission)
        for role in Role:
            shown = {name for name, cell in zip(columns, cells[role], strict=True) if told[cell]}
            assert shown == ROLES[role], role

    def test_the_matrix_of_operations_is_printed(self, guarded, capsys):
        """`pytest -s -k matrix_of_operations` shows it; every operation that a role may ask for is in it."""
        _, document = guarded.call("GET", "/openapi.json")
        with capsys.disabled():
            print(f"\n{'':32}{''.join(f'{role:>11}' for role in Role)}")
            for name, permission in sorted(operations(document).items()):
                marks = ("x" if permission in ROLES[role] else "-" for role in Role)
                print(f"{name:32}{''.join(f'{mark:>11}' for mark in marks)}")
        assert {name for names in WANTED.values() for name in names} <= set(operations(document))

    @pytest.mark.parametrize("role", [*Role, "none"])
    def test_every_operation_holds_to_the_matrix(self, guarded, issuer, role):
        """Generated from the routes that the document names."""
        _, document = guarded.call("GET", "/openapi.json")
        permissions = operations(document)
        token = issuer.token(roles=[role], tenant_id=f"tenant-{role}")
        held = ROLES[role] if role != "none" else frozenset()
        asked = 0
        for template, methods in document["paths"].items():
            path = re.sub(r"{\w+}", "x", template)
            for method, operation in methods.items():
                if "security" not in operation:
                    assert path.startswith("/health/")
                    continue
                permission = permissions[operation["operationId"]]
                body = {} if "requestBody" in operation else None
                anybody, _ = guarded.call(method.upper(), path, body)
                assert anybody.status == 401, (method, path)
                response, _ = ask(guarded, token, method.upper(), path, body)
                assert (response.status == 403) == (permission not in held), (method, path, role)
                asked += 1
        assert asked >= 18


def operations(document):
    """The permission that each operation takes."""
    wanted = {name: permission for permission, names in WANTED.items() for name in names}
    return {
        operation["operationId"]: wanted.get(operation["operationId"], Permission.READ)
        for methods in document["paths"].values()
        for operation in methods.values()
        if "security" in operation
    }


class TestBodies:
    @pytest.mark.parametrize(("roles", "status"), [(None, 401), (["viewer"], 403), (["developer"], 200)])
    def test_none_is_read_of_whoever_may_not_send_it(self, guarded, issuer, roles, status):
        """A client that asks first is told to go on only where the body is going to be read."""
        body = json.dumps(SUM).encode()
        head = f"POST /v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        head += "Expect: 100-continue\r\n"
        if roles is not None:
            head += f"Authorization: Bearer {issuer.token(roles=roles)}\r\n"
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=20) as connection:
            connection.sendall(head.encode() + b"\r\n")
            first = connection.recv(12)
            if first == b"HTTP/1.1 100":
                connection.recv(65536)
                connection.sendall(body)
                first = connection.recv(12)
                assert status == 200
        assert first == f"HTTP/1.1 {status}".encode()

    def test_a_large_one_is_refused_while_it_is_sent(self, guarded):
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=20) as connection:
            connection.sendall(
                b"POST /v1/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n{"
            )
            began = time.monotonic()
            assert connection.recv(12) == b"HTTP/1.1 401"
            assert time.monotonic() - began < 5


class TestKeys:
    @pytest.fixture
    def admin(self, issuer):
        return issuer.token(roles=["admin"])

    def make(self, guarded, admin, **asked):
        body = {"name": "nightly", "roles": ["developer"], **asked}
        response, told = ask(guarded, admin, "POST", "/v1/keys", body)
        assert response.status == 201, told
        return told["data"]["key"], told["data"]["made"]["key_id"]

    def test_a_key_is_shown_once_and_works_both_ways(self, guarded, admin):
        key, key_id = self.make(guarded, admin)
        assert ask(guarded, key)[0].status == 200
        assert guarded.call("GET", "/v1/executions", X_API_Key=key)[0].status == 200
        assert ask(guarded, key, "GET", "/v1/keys")[0].status == 403
        _, listed = ask(guarded, admin, path="/v1/keys")
        assert key_id in {each["key_id"] for each in listed["data"]["keys"]}
        assert key not in json.dumps(listed)

    def test_it_is_nowhere_in_the_store(self, guarded, admin):
        key, _ = self.make(guarded, admin)
        secret = key.rpartition("_")[2][-20:].encode()
        for path in guarded.log.parent.glob("runtime.db*"):
            assert secret not in path.read_bytes()
        assert secret not in guarded.log.read_bytes()

    def test_a_revoked_key_ends(self, guarded, admin):
        key, key_id = self.make(guarded, admin)
        assert ask(guarded, key)[0].status == 200
        assert ask(guarded, admin, "DELETE", f"/v1/keys/{key_id}")[0].status == 200
        assert ask(guarded, key)[0].status == 401
        assert ask(guarded, admin, "DELETE", f"/v1/keys/{key_id}")[0].status == 404

    def test_what_was_not_revoked_is_not_written_down_as_such(self, guarded, admin):
        assert ask(guarded, admin, "DELETE", "/v1/keys/0123456789abcdef")[0].status == 404
        _, told = ask(guarded, admin, path="/v1/tenant/audit?limit=500")
        assert "0123456789abcdef" not in json.dumps(told)

    def test_a_name_that_no_store_keeps_is_refused(self, guarded, admin):
        body = {"name": "a\0b", "roles": ["viewer"]}
        assert ask(guarded, admin, "POST", "/v1/keys", body)[0].status == 400

    @pytest.mark.parametrize("end", ["revoked", "suspended"])
    def test_a_stream_ends_with_what_lets_its_reader_in(self, guarded, issuer, greenlang, end):
        store = ("--store", guarded.log.parent / "runtime.db")
        tenant = f"tenant-{end}"
        admin = issuer.token(roles=["admin"], tenant_id=tenant)
        greenlang("tenants", "create", tenant, *store)
        key, key_id = self.make(guarded, admin)
        _, told = ask(guarded, key, "POST", "/v1/workflows/execute", SUM)
        name = told["data"]["execution_id"]
        with contextlib.closing(sqlite3.connect(guarded.log.parent / "runtime.db")) as opened, opened:
            opened.execute(
                "UPDATE executions SET state = 'pending', finished_at = NULL, available_at = ? WHERE id = ?",
                [1 << 60, name],
            )
        connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=20)
        connection.request("GET", f"/v1/executions/{name}/events", headers=bearer(key))
        response = connection.getresponse()
        assert response.readline().startswith(b"id: ")
        if end == "revoked":
            assert ask(guarded, admin, "DELETE", f"/v1/keys/{key_id}")[0].status == 200
        else:
            greenlang("tenants", "suspend", tenant, *store)
        response.read()  # to its end
        connection.close()

    def test_guesses_are_refused(self, guarded, admin):
        key, key_id = self.make(guarded, admin)
        for guess in (
            key[:-1] + ("A" if key[-1] != "A" else "B"),
            f"gl_{key_id}_",
            key + "x",
            key.upper(),
            "gl_",
        ):
            assert ask(guarded, guess)[0].status == 401, guess

    @pytest.mark.parametrize("kind", ["right", "wrong secret", "unknown id", "revoked", "expired"])
    def test_a_guess_costs_the_same_whatever_is_wrong_with_it(self, monkeypatch, kind):
        """One digest of what was shown, and one comparison in constant time, of as many bytes each time."""
        made = new_api_key("acme", frozenset(), name="k", at=0, expires_at=1 if kind == "expired" else None)
        kept = replace(made.kept, revoked_at=1 if kind == "revoked" else None)
        work = []
        digest, compare = hashlib.sha256, hmac.compare_digest

        def digested(text):
            work.append(("digest", len(text)))
            return digest(text)

        def compared(one, other):
            work.append(("compare", len(one), len(other)))
            return compare(one, other)

        monkeypatch.setattr(hashlib, "sha256", digested)
        monkeypatch.setattr(hmac, "compare_digest", compared)
        other = made.text[:-1] + ("A" if made.text[-1] != "A" else "B")
        shown = other if kind == "wrong secret" else made.text
        assert holds(None if kind == "unknown id" else kept, shown, 2) == (kind == "right")
        assert work == [("digest", 43), ("compare", 32, 32)]

    def test_a_tenant_neither_sees_nor_ends_anothers_keys(self, guarded, admin, issuer):
        key, key_id = self.make(guarded, admin)
        other = issuer.token(roles=["admin"], tenant_id="other")
        assert ask(guarded, other, "DELETE", f"/v1/keys/{key_id}")[0].status == 404
        _, listed = ask(guarded, other, path="/v1/keys")
        assert key_id not in json.dumps(listed)
        assert ask(guarded, key)[0].status == 200

    def test_the_command_makes_lists_and_revokes(self, greenlang, serve, tmp_path):
        store = tmp_path / "runtime.db"
        made = greenlang(
            "keys", "create", "--store", store, "--role", "viewer", "--name", "x", "--expires", "1d"
        )
        key = made.stdout.strip()
        key_id = key.split("_")[1]
        assert key_id in greenlang("keys", "list", "--store", store).stdout
        (listed,) = json.loads(greenlang("keys", "list", "--store", store, "--format", "json").stdout)
        assert (listed["key_id"], listed["roles"], listed["revoked_at"]) == (key_id, ["viewer"], None)
        assert key.rpartition("_")[2] not in json.dumps(listed)
        folder = tmp_path / "served"
        folder.mkdir()
        (folder / "serve.toml").write_text("[authentication]\nremembered_seconds = 0.0\n")
        everywhere = ("--host", "0.0.0.0")  # noqa: S104  that it may be served is what is tested
        served = serve(store, folder, "--config", str(folder / "serve.toml"), *everywhere)
        assert ask(served, key)[0].status == 200
        assert ask(served, key, "POST", "/v1/workflows/execute", SUM)[0].status == 403
        greenlang("keys", "revoke", key_id, "--store", store)
        assert ask(served, key)[0].status == 401
        assert served.stop() == 0
        assert "no good key" in greenlang("keys", "revoke", key_id, "--store", store, code=2).stderr
