"""What browsers are sent: pages that load nothing from elsewhere, and may run nothing that is not a file."""

import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from greenlang.service import ServerSettings, read_settings
from greenlang.service.console import Pages
from greenlang.service.identity import AuthenticationSettings, SignInSettings, TokenSettings

FOLDER = Path(str(files("greenlang.service"))) / "static" / "console"
CODE = sorted(path for path in FOLDER.rglob("*.js") if path.parent.name != "vendor")

#: Of what is not ours; a new release is taken on purpose.
VENDORED = {
    "charts.css": "edd9756a53c171ead90291cbfa24dfcdde44ec850f1eacd6bcfb8e40e9ebfe12",
    "dagre.js": "b0ddaf4af1417bec9bd89373a3a3987f081727d6cc6d95fc40dbf85a19bdf3b0",
}


def policy_of(response):
    directives = (one.split() for one in response.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in directives}


def test_the_page_may_load_and_run_nothing_but_its_files(server):
    response, _ = server.call("GET", "/")
    assert response.status == 200
    policy = policy_of(response)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert not any("unsafe" in value for values in policy.values() for value in values)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_every_file_is_served_as_what_it_is(server):
    paths = [path for path in FOLDER.rglob("*") if path.suffix in (".js", ".css", ".svg")]
    assert len(paths) > 20
    for path in paths:
        response, body = server.call("GET", f"/console/{path.relative_to(FOLDER).as_posix()}")
        assert (response.status, body) == (200, path.read_bytes())
        kind = {".js": "javascript", ".css": "css", ".svg": "svg"}[path.suffix]
        assert kind in response.headers["Content-Type"]
        tag = response.headers["ETag"]
        again, _ = server.call("GET", f"/console/{path.relative_to(FOLDER).as_posix()}", If_None_Match=tag)
        assert again.status == 304


@pytest.mark.parametrize(
    "path", ["../openapi.json", "index.html", "vendor/README.md", "nothing.js", "..%2f..%2fapi.py"]
)
def test_nothing_else_is_served(server, path):
    response, _ = server.call("GET", f"/console/{path}")
    assert response.status == 404


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses, self.inline = [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.addresses += [named[name] for name in ("src", "href") if name in named]
        self.inline += [name for name in named if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)


def test_the_page_has_no_inline_script_or_style_and_loads_its_own_files_alone():
    tags = Tags()
    tags.feed((FOLDER / "index.html").read_text())
    assert tags.inline == []
    loaded = [address for address in tags.addresses if not address.startswith("#")]
    assert loaded
    assert all((FOLDER / address.removeprefix("/console/")).is_file() for address in loaded)


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_code_makes_no_markup_of_text_and_imports_files_that_there_are(path):
    text = path.read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not re.search(r"""setAttribute\(\s*["']style|\bstyle:""", text)
    for name in re.findall(r'(?:from|import) "([^"]+)"', text):
        assert (path.parent / name).resolve().is_file(), name
    assert "https://" not in text.replace("http://www.w3.org", "")


def test_no_file_of_pages_is_longer_than_a_head_holds():
    long = {
        path.name: lines
        for path in FOLDER.rglob("*")
        if path.suffix in (".js", ".css", ".html") and path.parent.name != "vendor"
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


def test_what_is_not_ours_is_as_it_was_released_and_has_its_licence():
    folder = FOLDER / "vendor"
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in (".js", ".css")
    }
    assert found == VENDORED
    told = (folder / "README.md").read_text()
    for name in VENDORED:
        assert f"`{name}`" in told
        licence = folder / f"{Path(name).stem}.LICENSE"
        assert "Permission is hereby granted, free of charge" in licence.read_text()


def told_by(authentication):
    pages = Pages(authentication)
    return json.loads(pages.told), pages.policy


def test_where_nobody_has_to_sign_in_nobody_is_asked_to():
    told, policy = told_by(None)
    assert told["authentication"] is None
    assert "connect-src 'self';" in policy


def test_the_page_may_ask_the_issuer_for_tokens_and_nobody_else():
    tokens = TokenSettings(issuer="https://login.example.org/realm", audience="greenlang")
    address = "https://tokens.example.org/token"
    sign_in = SignInSettings(client_id="console", token_url=address)
    told, policy = told_by(AuthenticationSettings(tokens=tokens, sign_in=sign_in))
    assert told["authentication"]["oidc"]["issuer"] == "https://login.example.org/realm"
    assert told["authentication"]["oidc"]["client_id"] == "console"
    assert "connect-src 'self' https://login.example.org https://tokens.example.org;" in policy


def test_the_sign_in_of_the_documentation_is_a_configuration(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "console.md").read_text()
    (tmp_path / "serve.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    read = msgspec.convert(read_settings(tmp_path / "serve.toml"), ServerSettings)
    told, _ = told_by(read.authentication)
    assert told["authentication"]["oidc"]["parameters"] == {"audience": "greenlang"}


def test_keys_alone_need_no_issuer():
    told, policy = told_by(AuthenticationSettings())
    assert told["authentication"] == {"api_keys": True, "oidc": None}
    assert "connect-src 'self';" in policy
