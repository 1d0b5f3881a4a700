"""Tokens of a certified OpenID provider, from its discovery to our answer."""

import asyncio
import base64
import hashlib
import json
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, quote_plus, urljoin, urlsplit

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from served import Served

HERE = Path(__file__).parent

#: Where the provider is installed, by npm.
MODULES = HERE.parents[2] / "build" / "issuer"

SUM = {"program": "sum", "input": [1, 2.25]}
AUDIENCE = "urn:greenlang"
REDIRECT = "https://site.example/callback"


def private_jwk(name):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = jwt.get_algorithm_by_name("RS256").to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    return {**made, "kid": name, "use": "sig", "alg": "RS256"}


class Issuer:
    """The provider as a process, which may be started again with other keys."""

    def __init__(self, folder):
        if shutil.which("npm") is None:
            pytest.skip("needs npm, which `make test-system` installs")
        MODULES.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "oidc-provider@9"]
        if subprocess.run(command, cwd=MODULES, check=False).returncode != 0:
            pytest.skip("npm cannot install oidc-provider here")
        self._folder = folder
        self._script = shutil.copy(HERE / "issuer.mjs", MODULES / "issuer-of-services.mjs")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start("first")

    def start(self, *names):
        settings = {"port": self.port, "redirect": REDIRECT, "jwks": {"keys": list(map(private_jwk, names))}}
        path = self._folder / "issuer.json"
        path.write_text(json.dumps(settings))
        self._process = subprocess.Popen(["node", self._script, path], stdout=subprocess.PIPE, text=True)
        for line in self._process.stdout:
            if line.startswith("ready"):
                return
        pytest.fail("the provider did not start")

    def stop(self):
        self._process.terminate()
        self._process.wait(10)

    def token(self, resource=AUDIENCE):
        """Of a service, by its client credentials."""
        asked = {"grant_type": "client_credentials", "scope": "run", "resource": resource}
        told = asyncio.run(self._ask(asked, "machine", "a secret of the machine"))
        return told["access_token"]

    def token_of(self, person):
        """Of a person who signs in, by an authorization code and PKCE."""

        async def sign_in():
            verifier = "v" * 64
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
            query = {
                "client_id": "web",
                "response_type": "code",
                "redirect_uri": REDIRECT,
                "scope": "openid run",
                "resource": AUDIENCE,
                "code_challenge": challenge.decode(),
                "code_challenge_method": "S256",
            }
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
                code = await self._walk(browser, query, person)
            asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
            return await self._ask({**asked, "code_verifier": verifier}, "web", "a secret of the site")

        return asyncio.run(sign_in())

    async def _walk(self, browser, query, person):
        """From page to page, until the provider leads back to the site."""
        url, form = f"{self.url}/auth", None
        for _ in range(20):
            if form is None:
                asking = browser.get(url, params=query, allow_redirects=False)
            else:
                asking = browser.post(url, data=form, allow_redirects=False)
            async with asking as response:
                page = await response.text()
                leads_to = response.headers.get("Location")
            query, form = {}, None
            if leads_to is None:
                url = urljoin(url, re.search(r'<form[^>]*action="([^"]+)"', page)[1])
                prompt = re.search(r'name="prompt" value="(\w+)"', page)[1]
                form = {"prompt": prompt, "login": person, "password": "any"}
            elif leads_to.startswith(REDIRECT):
                return parse_qs(urlsplit(leads_to).query)["code"][0]
            else:
                url = urljoin(url, leads_to)
        raise AssertionError("the provider leads nowhere")

    async def _ask(self, form, client, secret):
        credentials = base64.b64encode(f"{client}:{quote_plus(secret)}".encode()).decode()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {credentials}"}) as session,
            session.post(f"{self.url}/token", data=form) as response,
        ):
            told = await response.json()
        assert response.status == 200, told
        return told


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    made = Issuer(tmp_path_factory.mktemp("issuer"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def served(issuer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "serve.toml").write_text(
        f'[authentication.tokens]\nissuer = "{issuer.url}"\naudience = "{AUDIENCE}"\n'
        "unknown_key_seconds = 0.1\n"
    )
    made = Served(folder / "runtime.db", folder, "--config", str(folder / "serve.toml"))
    yield made
    assert made.stop() == 0


def ask(served, token, method="GET", path="/v1/executions", body=None):
    return served.call(method, path, body, Authorization=f"Bearer {token}")


def test_a_service_works_by_its_credentials(served, issuer):
    token = issuer.token()
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    response, told = ask(served, token, "POST", "/v1/workflows/execute", SUM)
    assert response.status == 200
    path = f"/v1/executions/{told['data']['execution_id']}/history"
    _, told = ask(served, token, path=path)
    assert {event["tenant_id"] for event in told["data"]["events"]} == {"acme"}
    assert {event["metadata"]["user_id"] for event in told["data"]["events"]} == {"machine"}


def test_a_person_who_signs_in_is_of_their_own_tenant_with_their_own_role(served, issuer):
    told = issuer.token_of("alice")
    assert ask(served, told["access_token"])[0].status == 200
    assert ask(served, told["access_token"], "POST", "/v1/workflows/execute", SUM)[0].status == 403
    _, mine = ask(served, told["access_token"])
    assert mine["data"]["executions"] == []
    # What tells the site who signed in is for the site, and opens nothing here.
    assert ask(served, told["id_token"])[0].status == 401


def test_a_token_for_somebody_else_is_refused(served, issuer):
    assert ask(served, issuer.token("urn:others"))[0].status == 401


def test_a_provider_that_says_it_is_another_is_not_believed(served, issuer, tmp_path):
    (tmp_path / "serve.toml").write_text(
        f'[authentication.tokens]\nissuer = "http://localhost:{issuer.port}"\naudience = "{AUDIENCE}"\n'
    )
    other = Served("memory:", tmp_path, "--config", str(tmp_path / "serve.toml"))
    try:
        assert ask(other, issuer.token())[0].status == 401
        assert "it says that it is" in other.log.read_text()
    finally:
        assert other.stop() == 0


def test_keys_are_changed_as_issuers_do(served, issuer):
    """The new one is added, then the old one goes; tokens of either hold until then."""
    old = issuer.token()
    assert ask(served, old)[0].status == 200
    issuer.stop()
    assert ask(served, old)[0].status == 200  # while the provider is away, too
    issuer.start("second")
    time.sleep(0.2)
    new = issuer.token()
    assert jwt.get_unverified_header(new)["kid"] == "second"
    assert ask(served, new)[0].status == 200
    forged = f"{new.rpartition('.')[0]}.{old.rpartition('.')[2]}"
    assert ask(served, forged)[0].status == 401
