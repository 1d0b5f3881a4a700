"""What the pages say of the service is so."""

import re
import shlex
from pathlib import Path

import msgspec

from greenlang.service import ServerSettings, read_settings
from greenlang.service.roles import ROLES, Permission, Role

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")


def test_the_lines_of_the_readme_work(server):
    lines = re.findall(r"^\$ (curl .+)$", README, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        _, silent, url, *rest = shlex.split(line)
        assert silent == "-s"
        path = url.removeprefix("localhost:8080")
        method, body = ("POST", rest[1].encode()) if rest[:1] == ["--json"] else ("GET", None)
        response, told = server.call(method, path, body)
        assert response.status == 200, line
        assert told.get("status") == "success" or told["openapi"]


def test_the_page_names_every_operation(server):
    _, document = server.call("GET", "/openapi.json")
    table = PAGE.partition("| request | what it does |")[2].partition("\n\n")[0].replace("…", "")
    for path in document["paths"]:
        last = path.rpartition("/")[2]
        assert path in table or f"/{last}`" in table, path


def test_the_settings_of_the_page_are_those_that_there_are(tmp_path):
    (tmp_path / "serve.toml").write_text(re.search(r"```toml\n(store = .*?)```", PAGE, re.DOTALL)[1])
    read = msgspec.convert(read_settings(tmp_path / "serve.toml"), ServerSettings)
    usual = {"host", "port", "threads", "calculation_program", "authentication", "limits"}
    assert set(read_settings(tmp_path / "serve.toml")) == set(ServerSettings.__struct_fields__) - usual
    assert read.webhooks.secrets
    assert read.versions["v1"].sunset.year == 2029


def test_the_authentication_of_the_page_is_a_configuration(tmp_path):
    (tmp_path / "serve.toml").write_text(
        re.search(r"```toml\n(\[authentication\].*?)```", PAGE, re.DOTALL)[1]
    )
    read = msgspec.convert(read_settings(tmp_path / "serve.toml"), ServerSettings)
    assert read.authentication.tokens.audience == "greenlang"


def test_the_matrix_of_the_page_is_that_of_the_code():
    rows = re.findall(r"^\| (admin|operator|developer|viewer) \|(.*)\|$", PAGE, re.MULTILINE)
    shown = {Role(role): [mark.strip() == "x" for mark in cells.split("|")] for role, cells in rows}
    assert shown == {role: [each in held for each in Permission] for role, held in ROLES.items()}
