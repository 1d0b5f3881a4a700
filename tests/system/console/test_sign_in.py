"""Signing in: by an API key, and at a certified OpenID provider."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import serious, shoot
from playwright.sync_api import expect
from served import Served

HERE = Path(__file__).parent

#: Where the provider is installed, by npm.
MODULES = HERE.parents[2] / "build" / "issuer"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that takes keys, one of them, and where it is."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "serve.toml").write_text("[authentication]\napi_keys = true\n")
    store = folder / "runtime.db"
    served = Served(store, folder, "--config", str(folder / "serve.toml"))
    arguments = ["--store", str(store), "--tenant", "acme", "--role", "viewer", "--name", "console"]
    command = [sys.executable, "-m", "greenlang", "keys", "create", *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    key = re.search(r"\bgl_\S+|\b[a-z]+_[A-Za-z0-9_-]{30,}", made.stdout)[0]
    yield f"http://127.0.0.1:{served.port}", key
    assert served.stop() == 0


def test_a_key_opens_the_console_and_is_in_no_address(open_page, guarded):
    base, key = guarded
    page = open_page("#/executions", base=base)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert serious(page) == []
    shoot(page, "sign-in")
    page.get_by_label("API key").fill("gl_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not hold")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No executions yet")).to_be_visible()
    expect(page.get_by_title("tenant")).to_have_text("acme")
    shoot(page, "executions-empty")
    page.goto(f"{base}/#/batches")
    expect(page.get_by_role("heading", name="No batches yet")).to_be_visible()
    expect(page.get_by_role("button", name="Upload and compute")).to_have_count(0)
    page.reload()
    expect(page.get_by_title("tenant")).to_have_text("acme")
    assert asked
    assert not any(key in url for url in asked)
    assert page.evaluate("Object.values(localStorage).join()").count(key) == 0
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('greenlang.session')") is None


@pytest.fixture(scope="module")
def issuer_script():
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which `make test-system` installs")
    MODULES.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "oidc-provider@9"]
    if subprocess.run(command, cwd=MODULES, check=False).returncode != 0:
        pytest.skip("npm cannot install oidc-provider here")
    script = MODULES / "issuer.mjs"
    shutil.copy(HERE / "issuer.mjs", script)
    return script


@pytest.fixture(scope="module")
def with_issuer(issuer_script, tmp_path_factory):
    """A server whose people sign in at a provider."""
    folder = tmp_path_factory.mktemp("issuer")
    issuer, port = free_port(), free_port()
    (folder / "serve.toml").write_text(
        f"""
        [authentication.tokens]
        issuer = "http://127.0.0.1:{issuer}"
        audience = "greenlang"
        [authentication.sign_in]
        client_id = "console"
        parameters = {{resource = "urn:greenlang"}}
        """
    )
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        ["node", issuer_script, str(issuer), f"{base}/"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    served = Served(
        folder / "runtime.db", folder, "--config", str(folder / "serve.toml"), "--port", str(port)
    )
    yield base
    assert served.stop() == 0
    process.terminate()
    process.wait(10)


def test_people_sign_in_at_the_issuer_and_come_back_to_their_page(open_page, with_issuer):
    page = open_page("#/playground", base=with_issuer)
    expect(page.get_by_label("API key")).to_be_visible()
    page.get_by_role("button", name=re.compile("Continue at 127.0.0.1")).click()
    page.get_by_placeholder("Enter any login").fill("alice")
    page.get_by_placeholder("and password").fill("secret")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Playground")).to_be_visible()
    expect(page.get_by_title("tenant")).to_have_text("acme")
    assert page.url == f"{with_issuer}/#/playground"
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("link", name="Look at the execution")).to_be_visible()


def test_an_answer_to_a_question_that_was_not_asked_signs_nobody_in(open_page, with_issuer):
    page = open_page("?code=stolen&state=made-up", base=with_issuer)
    expect(page.get_by_text("the answer is to no question of ours")).to_be_visible()
    assert "stolen" not in page.url
    assert page.evaluate("sessionStorage.getItem('greenlang.session')") is None
